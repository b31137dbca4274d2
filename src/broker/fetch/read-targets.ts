// Reads the ready targets of a set within the limits of a request. Records may be references (see
// base/payload.ts) or bytes in memory, so memory is taken before each read that has to be waited for:
// many fetches may read at the same time.

import { ErrorCode, type KafkaError } from '../../base/kafka-errors.ts';
import { isFileRegion, type Payload } from '../../base/payload.ts';
import type { FetchedRecords, FetchSpec, Isolation, Partition } from '../../engine/index.ts';
import { errorCodeOf } from '../errors.ts';
import type { AnswerBudget } from '../memory-gate.ts';
import type { FetchSet } from './fetch-set.ts';
import type { FetchTarget } from './fetch-target.ts';

/** The epoch and end offset to cut a log back to that has branched off (KIP-595). */
export interface Divergence {
  readonly epoch: number;
  readonly endOffset: number;
}

/** What is answered for one partition, in the fields of the protocol. */
export interface TargetResult extends FetchedRecords {
  readonly target: FetchTarget;
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly divergingEpoch: Divergence | undefined;
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
  readonly memory?: AnswerBudget;
}

/** Finds partitions by what a target says. */
export interface PartitionLookup {
  partition(topic: string, index: number): Partition | undefined;
  /** Name of the topic that has this id. */
  topicName(topicId: string): string | undefined;
}

const noRecords = Buffer.alloc(0);

/** What of a partition is told where reading it failed. */
const failed: FetchedRecords = {
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  abortedTransactions: null,
  records: noRecords,
  byteLength: 0,
};

/** The same for an error found before anything was read: Kafka then lists no aborted transactions, not null. */
export const unread: FetchedRecords = { ...failed, abortedTransactions: [] };

/** All results have one shape: each is made here. */
function makeResult(
  target: FetchTarget,
  errorCode: number,
  found: FetchedRecords,
  divergingEpoch?: Divergence,
): TargetResult {
  return {
    target,
    partitionIndex: target.spec.index,
    errorCode,
    highWatermark: found.highWatermark,
    lastStableOffset: found.lastStableOffset,
    logStartOffset: found.logStartOffset,
    abortedTransactions: found.abortedTransactions,
    records: found.records,
    byteLength: found.byteLength,
    divergingEpoch,
  };
}

/** A result without records that tells an error. */
export function errorResult(target: FetchTarget, errorCode: number): TargetResult {
  return makeResult(target, errorCode, failed);
}

/** The same result with its records elsewhere. */
export function movedResult(result: TargetResult, records: Payload): TargetResult {
  const { target, errorCode, divergingEpoch } = result;
  return makeResult(target, errorCode, { ...result, records }, divergingEpoch);
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

/** Whether the fetcher has all that a failed partition can give, and is told so. */
function refusesAtEnd(partition: Partition, offset: number): boolean {
  return !partition.online && offset >= partition.highWatermark;
}

/** Collects results, one per target, until the limits are reached. */
export class TargetReader {
  /** In the order in which the targets were first read. */
  readonly results: TargetResult[] = [];
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

  /** Reads what is ready, replacing earlier results of the same targets; at once where no disk has to be waited for. */
  readReady(): Promise<void> | undefined {
    // A target that commits while another is read re-enters `ready`: it is then seen by the next
    // round.
    return this.#readFrom(this.#set.ready.all(), 0);
  }

  #readFrom(targets: readonly FetchTarget[], from: number): Promise<void> | undefined {
    for (let at = from; at < targets.length; at++) {
      const target = targets[at] as FetchTarget;
      this.#letGo(target);
      const read = this.#read(target);
      if (read instanceof Promise) {
        return read.then((result) => {
          this.put(result);
          return this.#readFrom(targets, at + 1);
        });
      }
      this.put(read);
    }
    return undefined;
  }

  /** Gives back what was read of a target before. */
  #letGo(target: FetchTarget): void {
    const before = this.resultOf(target);
    if (before === undefined || before.byteLength === 0) return;
    this.bytes -= before.byteLength;
    this.#limits.memory?.give(heldBytes(before));
    releaseResult(before);
    this.results[target.slot] = errorResult(target, ErrorCode.NONE);
  }

  /** Sets the result of its target. */
  put(result: TargetResult): void {
    const { target } = result;
    if (this.resultOf(target) === undefined) {
      target.slot = this.results.length;
      this.results.push(result);
    } else this.results[target.slot] = result;
    this.bytes += result.byteLength;
    if (result.errorCode !== 0 || result.divergingEpoch !== undefined) this.urgent = true;
  }

  /** Undefined also where another request, wrongly made in the same session at once, has read the target since. */
  resultOf(target: FetchTarget): TargetResult | undefined {
    if (target.slot >= this.results.length) return undefined;
    const result = this.results[target.slot];
    return result?.target === target ? result : undefined;
  }

  /** Whether the target was read up to the end of its partition as it is now: only a commit makes it worth reading. */
  isSettled(target: FetchTarget): boolean {
    const { partition, spec } = target;
    return (
      partition !== undefined &&
      this.resultOf(target)?.errorCode === 0 &&
      isAtEnd(partition, spec.fetchOffset, this.#limits.isolation)
    );
  }

  /** Whether the target's partition has changed since it was read, or was never read. */
  isOutdated(target: FetchTarget): boolean {
    const result = this.resultOf(target);
    const { partition } = target;
    if (result === undefined || partition === undefined) return true;
    return (
      result.highWatermark !== partition.highWatermark ||
      result.lastStableOffset !== partition.lastStableOffset ||
      refusesAtEnd(partition, target.spec.fetchOffset)
    );
  }

  /** Gives back all that was read. */
  release(): void {
    for (const result of this.results) {
      this.#limits.memory?.give(heldBytes(result));
      releaseResult(result);
    }
    this.results.length = 0;
    this.bytes = 0;
  }

  #read(target: FetchTarget): TargetResult | Promise<TargetResult> {
    const found = this.#resolve(target);
    if (typeof found === 'number') return makeResult(target, found, unread);
    const { spec } = target;
    const refused = checkEpoch(found, spec.currentLeaderEpoch);
    if (refused !== 0) return errorResult(target, refused);
    if (this.#limits.fromReplica === true)
      return errorResult(target, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (refusesAtEnd(found, spec.fetchOffset)) {
      return errorResult(target, ErrorCode.KAFKA_STORAGE_ERROR);
    }
    if (spec.fetchOffset < found.startOffset || spec.fetchOffset > found.endOffset) {
      return errorResult(target, ErrorCode.OFFSET_OUT_OF_RANGE);
    }
    let diverging: Divergence | undefined;
    try {
      diverging = divergence(found, target);
    } catch (error) {
      // It is being opened anew.
      return errorResult(target, errorCodeOf(error));
    }
    if (diverging !== undefined) return this.#status(target, found, diverging);
    const budget = Math.max(0, this.#limits.maxBytes - this.bytes);
    const first = this.bytes === 0 && this.#limits.progress;
    if (isAtEnd(found, spec.fetchOffset, this.#limits.isolation)) {
      if (target.watching) this.#set.ready.delete(target);
      return this.#status(target, found);
    }
    if (budget === 0 && !first) return this.#status(target, found);
    const { isolation, memory } = this.#limits;
    const asked = Math.min(Math.max(0, spec.maxBytes), budget);
    const wanted = {
      offset: spec.fetchOffset,
      maxBytes: Math.min(asked, memory?.affordableBytes ?? asked),
      minOneBatch: first,
      isolation,
      currentLeaderEpoch: spec.currentLeaderEpoch,
    };
    try {
      const read = found.readNow(wanted);
      if (read === null) return this.#readLater(found, target, wanted);
      memory?.take(heldBytes(read));
      return makeResult(target, ErrorCode.NONE, read);
    } catch (error) {
      return errorResult(target, errorCodeOf(error));
    }
  }

  /** Others may read meanwhile, so memory is taken before. */
  async #readLater(
    partition: Partition,
    target: FetchTarget,
    wanted: FetchSpec,
  ): Promise<TargetResult> {
    const { memory } = this.#limits;
    const expected = Math.min(wanted.maxBytes, partition.sizeBytes());
    memory?.take(expected);
    let held = 0;
    try {
      const read = await partition.read(wanted);
      held = heldBytes(read);
      return makeResult(target, ErrorCode.NONE, read);
    } catch (error) {
      return errorResult(target, errorCodeOf(error));
    } finally {
      memory?.give(expected - held);
    }
  }

  /** A result without records. */
  #status(target: FetchTarget, partition: Partition, diverging?: Divergence): TargetResult {
    const { highWatermark, lastStableOffset, startOffset: logStartOffset } = partition;
    const abortedTransactions = this.#limits.isolation === 'read_committed' ? [] : null;
    const found = {
      highWatermark,
      lastStableOffset,
      logStartOffset,
      abortedTransactions,
      records: noRecords,
      byteLength: 0,
    };
    return makeResult(target, ErrorCode.NONE, found, diverging);
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

function divergence(partition: Partition, target: FetchTarget): Divergence | undefined {
  const { lastFetchedEpoch, currentLeaderEpoch, fetchOffset } = target.spec;
  // Below the end of a log that takes no writes, nothing is cut.
  if (lastFetchedEpoch < 0 || !partition.online) return undefined;
  const end = partition.endOffsetForEpoch(lastFetchedEpoch, currentLeaderEpoch);
  const same = end.epoch === lastFetchedEpoch && end.endOffset >= fetchOffset;
  return same ? undefined : end;
}
