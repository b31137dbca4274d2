// Reads the ready targets of a set within the limits of a request. Records may be references (see
// base/payload.ts) or bytes in memory, so memory is taken before each read: many fetches may read
// at the same time.

import { ErrorCode, type KafkaError } from '../../base/kafka-errors.ts';
import { isFileRegion, type Payload } from '../../base/payload.ts';
import type { FetchedRecords, Isolation, Partition } from '../../engine/index.ts';
import { errorCodeOf } from '../errors.ts';
import type { MemoryLease } from '../memory-gate.ts';
import type { FetchSet, FetchTarget } from './fetch-set.ts';

/** What is answered for one partition. */
export interface TargetResult {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly abortedTransactions: FetchedRecords['abortedTransactions'];
  readonly records: Payload;
  readonly byteLength: number;
  /**
   * Set when the fetcher's log has branched off (KIP-595): the epoch and end offset to cut back to.
   */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null;
}

export interface ReadLimits {
  readonly isolation: Isolation;
  /** Bytes of records in the whole answer, except that a first batch may be larger. */
  readonly maxBytes: number;
  /** Below v3 of the request, `maxBytes` of a partition holds even when no batch fits. */
  readonly progress: boolean;
  /** The fetcher says that it is a replica, of which there are none: it is refused. */
  readonly fromReplica?: boolean;
  /** Memory for the records; not given: there is enough. */
  readonly memory?: MemoryLease;
}

/** Finds partitions by what a target says. */
export interface PartitionLookup {
  partition(topic: string, index: number): Partition | undefined;
  /** Name of the topic that has this id. */
  topicName(topicId: string): string | undefined;
}

const noRecords = Buffer.alloc(0);

/** An error found before anything was read: Kafka then lists no aborted transactions, not null. */
export function unreadResult(errorCode: number): TargetResult {
  return { ...errorResult(errorCode), abortedTransactions: [] };
}

/** A result without records that tells an error. */
export function errorResult(errorCode: number): TargetResult {
  return {
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: noRecords,
    byteLength: 0,
    divergingEpoch: null,
  };
}

/** What of a result is in memory. */
function heldBytes(result: Pick<TargetResult, 'records' | 'byteLength'>): number {
  return isFileRegion(result.records) ? 0 : result.byteLength;
}

/** Gives back what a result holds. */
export function releaseResult(result: TargetResult): void {
  if (isFileRegion(result.records)) result.records.release();
}

/** Whether there is nothing to read for the fetcher from that offset on. */
function isAtEnd(partition: Partition, offset: number, isolation: Isolation): boolean {
  const committed = isolation === 'read_committed';
  return offset >= (committed ? partition.lastStableOffset : partition.highWatermark);
}

/** Collects results, one per target, until the limits are reached. */
export class TargetReader {
  readonly results = new Map<FetchTarget, TargetResult>();
  /** Bytes of records over all results. */
  bytes = 0;
  /** Whether a result must be answered at once, however little there is. */
  urgent = false;
  readonly #set: FetchSet;
  readonly #lookup: PartitionLookup;
  readonly #limits: ReadLimits;

  constructor(set: FetchSet, lookup: PartitionLookup, limits: ReadLimits) {
    this.#set = set;
    this.#lookup = lookup;
    this.#limits = limits;
  }

  /** Reads what is ready, replacing earlier results of the same targets. */
  async readReady(): Promise<void> {
    // A target that commits while another is read re-enters `ready`: it is then seen by the next
    // round.
    for (const target of [...this.#set.ready]) {
      const before = this.results.get(target);
      if (before !== undefined) {
        this.results.delete(target);
        this.bytes -= before.byteLength;
        this.#limits.memory?.give(heldBytes(before));
        releaseResult(before);
      }
      const read = this.#read(target);
      // Only what has records is waited for: a wait costs a turn of the microtask queue and garbage.
      const result = read instanceof Promise ? await read : read;
      this.results.set(target, result);
      this.bytes += result.byteLength;
      if (result.errorCode !== 0 || result.divergingEpoch !== null) this.urgent = true;
    }
  }

  /** Whether the target was read up to the end of its partition as it is now: only a commit makes it worth reading. */
  isSettled(target: FetchTarget): boolean {
    const { partition, spec } = target;
    return (
      partition !== undefined &&
      this.results.get(target)?.errorCode === 0 &&
      isAtEnd(partition, spec.fetchOffset, this.#limits.isolation)
    );
  }

  /** Whether the target's partition has changed since it was read, or was never read. */
  isOutdated(target: FetchTarget): boolean {
    const result = this.results.get(target);
    const { partition } = target;
    if (result === undefined || partition === undefined) return true;
    return (
      result.highWatermark !== partition.highWatermark ||
      result.lastStableOffset !== partition.lastStableOffset
    );
  }

  /** Gives back all that was read. */
  release(): void {
    for (const result of this.results.values()) {
      this.#limits.memory?.give(heldBytes(result));
      releaseResult(result);
    }
    this.results.clear();
    this.bytes = 0;
  }

  #read(target: FetchTarget): TargetResult | Promise<TargetResult> {
    const found = this.#resolve(target);
    if (typeof found === 'number') return unreadResult(found);
    const { spec } = target;
    const refused = checkEpoch(found, spec.currentLeaderEpoch);
    if (refused !== 0) return errorResult(refused);
    if (this.#limits.fromReplica === true) return errorResult(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (!found.online && spec.fetchOffset >= found.highWatermark) {
      return errorResult(ErrorCode.KAFKA_STORAGE_ERROR);
    }
    if (spec.fetchOffset < found.startOffset || spec.fetchOffset > found.endOffset) {
      return errorResult(ErrorCode.OFFSET_OUT_OF_RANGE);
    }
    let diverging: ReturnType<typeof divergence>;
    try {
      diverging = divergence(found, target);
    } catch (error) {
      // It is being opened anew.
      return errorResult(errorCodeOf(error));
    }
    if (diverging !== null) return { ...status(found, this.#limits), divergingEpoch: diverging };
    const budget = Math.max(0, this.#limits.maxBytes - this.bytes);
    const first = this.bytes === 0 && this.#limits.progress;
    if (isAtEnd(found, spec.fetchOffset, this.#limits.isolation)) {
      if (target.unsubscribe !== undefined) this.#set.ready.delete(target);
      return status(found, this.#limits);
    }
    if (budget === 0 && !first) return status(found, this.#limits);
    return this.#readRecords(found, target, { budget, first });
  }

  async #readRecords(
    partition: Partition,
    target: FetchTarget,
    room: { readonly budget: number; readonly first: boolean },
  ): Promise<TargetResult> {
    const { spec } = target;
    const { isolation, memory } = this.#limits;
    const asked = Math.min(Math.max(0, spec.maxBytes), room.budget);
    const maxBytes = Math.min(asked, memory?.affordableBytes ?? asked);
    const expected = Math.min(maxBytes, partition.sizeBytes());
    memory?.take(expected);
    let held = 0;
    try {
      const read = await partition.read({
        offset: spec.fetchOffset,
        maxBytes,
        minOneBatch: room.first,
        isolation,
        currentLeaderEpoch: spec.currentLeaderEpoch,
      });
      held = heldBytes(read);
      return { ...read, errorCode: 0, divergingEpoch: null };
    } catch (error) {
      return errorResult(errorCodeOf(error));
    } finally {
      memory?.give(expected - held);
    }
  }

  #resolve(target: FetchTarget): Partition | number {
    if (target.partition !== undefined) return target.partition;
    const { spec } = target;
    if (this.#set.usesTopicIds) {
      const name = this.#lookup.topicName(spec.topicId);
      if (name === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
      if (name !== spec.topic) target.spec = { ...spec, topic: name };
    }
    const partition = this.#lookup.partition(target.spec.topic, spec.index);
    if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    target.partition = partition;
    return partition;
  }
}

/** Compares the epoch a client believes in with the partition's (KIP-320), except -1. 0: fine. */
export function checkEpoch(partition: Partition, epoch: number): KafkaError['errorCode'] {
  if (epoch === -1 || epoch === partition.leaderEpoch) return 0;
  return epoch < partition.leaderEpoch
    ? ErrorCode.FENCED_LEADER_EPOCH
    : ErrorCode.UNKNOWN_LEADER_EPOCH;
}

function divergence(
  partition: Partition,
  target: FetchTarget,
): { epoch: number; endOffset: number } | null {
  const { lastFetchedEpoch, currentLeaderEpoch, fetchOffset } = target.spec;
  // Below the end of a log that takes no writes, nothing is cut.
  if (lastFetchedEpoch < 0 || !partition.online) return null;
  const end = partition.endOffsetForEpoch(lastFetchedEpoch, currentLeaderEpoch);
  const same = end.epoch === lastFetchedEpoch && end.endOffset >= fetchOffset;
  return same ? null : end;
}

function status(partition: Partition, limits: ReadLimits): TargetResult {
  return {
    errorCode: 0,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.startOffset,
    abortedTransactions: limits.isolation === 'read_committed' ? [] : null,
    records: noRecords,
    byteLength: 0,
    divergingEpoch: null,
  };
}
