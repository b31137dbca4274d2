// Reads partitions from given offsets on: one long poll per leader at a time, the next one under way while the records
// of the last are looked at.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { Fetch, type FetchResponse } from '../protocol/index.ts';
import { type Cluster, isRetriableError } from './cluster.ts';
import { decodeFetched, type FetchedRecords } from './fetched-records.ts';
import { type Isolation, listOffsets, SpecialTime } from './list-offsets.ts';
import type { Node } from './network.ts';
import { sleep } from './tcp-transport.ts';

export interface ReaderOptions {
  readonly topic: string;
  /** Default `read_committed`: records of open or aborted transactions are not shown. */
  readonly isolation?: Isolation;
  /** Longest wait of the broker for new records. Default 500. */
  readonly maxWaitMs?: number;
  /** Fewest bytes to answer before that. Default 1. */
  readonly minBytes?: number;
  /** Bytes of one answer. Default 32 MiB. */
  readonly maxBytes?: number;
  /** Bytes of one partition in one answer. Default 1 MiB. */
  readonly partitionBytes?: number;
  /** Where to go on when retention took the position away. Default `earliest`. */
  readonly outOfRange?: 'earliest' | 'latest' | 'fail';
  /** Hears of positions that had to move. */
  readonly onMoved?: (partition: number, from: number, to: number) => void;
  /** Trouble is borne for so long before it is thrown. Default 60 000. */
  readonly patienceMs?: number;
}

type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

interface Round {
  readonly nodeId: number;
  readonly results: readonly FetchedRecords[];
}

const RETRY_BACKOFF_MS = 100;

/** Reads one topic's partitions. Change positions with {@link set} and {@link remove} between results. */
export class LogReader {
  readonly #cluster: Cluster;
  readonly #options: ReaderOptions;
  readonly #positions = new Map<number, number>();
  readonly #polls = new Map<number, Promise<Round>>();
  #trouble: { readonly sinceMs: number } | null = null;

  constructor(cluster: Cluster, options: ReaderOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Reads the partition from `offset` on. */
  set(partition: number, offset: number): void {
    this.#positions.set(partition, offset);
  }

  /** Stops reading the partition. */
  remove(partition: number): void {
    this.#positions.delete(partition);
  }

  /**
   * What comes, until no partition is left or the signal is aborted. A result may hold no records and only move on
   * (`nextOffset`), and also comes when nothing is new, at least every `maxWaitMs`.
   * Throws KafkaError, `ClientError`, `RecordError`.
   */
  async *read(signal?: AbortSignal): AsyncGenerator<FetchedRecords, void, undefined> {
    while (this.#positions.size > 0 && signal?.aborted !== true) {
      try {
        await this.#startPolls();
        const round = await raceWith(this.#polls.values(), signal);
        if (round === null) return;
        this.#polls.delete(round.nodeId);
        this.#trouble = null;
        const wanted = round.results.filter((one) => this.#accepts(one));
        // The next poll goes out before these records are looked at. Should that fail, it fails again, and is
        // dealt with, after these records: their place is behind us already.
        await this.#startPolls().catch(() => {});
        yield* wanted;
      } catch (error) {
        await this.#bear(error);
      }
    }
  }

  #accepts(result: FetchedRecords): boolean {
    const position = this.#positions.get(result.partition);
    if (position !== result.fetchOffset) return false;
    this.#positions.set(result.partition, result.nextOffset);
    return true;
  }

  /** One poll for each leader that has none under way. */
  async #startPolls(): Promise<void> {
    const { topic } = this.#options;
    const byNode = new Map<
      number,
      { node: Node; partitions: { index: number; epoch: number }[] }
    >();
    for (const index of this.#positions.keys()) {
      const { node, epoch } = await this.#cluster.leader(topic, index);
      const group = byNode.get(node.id) ?? { node, partitions: [] };
      group.partitions.push({ index, epoch });
      byNode.set(node.id, group);
    }
    for (const [nodeId, { node, partitions }] of byNode) {
      if (this.#polls.has(nodeId)) continue;
      const poll = this.#poll(node, partitions);
      // Its failure is seen when it is awaited; until then it must not end the process.
      poll.catch(() => {});
      this.#polls.set(nodeId, poll);
    }
  }

  async #poll(node: Node, partitions: readonly { index: number; epoch: number }[]): Promise<Round> {
    const { topic, maxWaitMs = 500, minBytes = 1 } = this.#options;
    const { maxBytes = 32 * 1024 * 1024, partitionBytes = 1024 * 1024 } = this.#options;
    const info = await this.#cluster.topic(topic);
    const positions = new Map(
      partitions.map(({ index }) => [index, this.#positions.get(index) ?? 0]),
    );
    const response = await this.#cluster.to(node).send(
      Fetch,
      {
        maxWaitMs,
        minBytes,
        maxBytes,
        isolationLevel: this.#options.isolation === 'read_uncommitted' ? 0 : 1,
        topics: [
          {
            topic,
            topicId: info.id,
            partitions: partitions.map(({ index, epoch }) => ({
              partition: index,
              currentLeaderEpoch: epoch,
              fetchOffset: positions.get(index) ?? 0,
              partitionMaxBytes: partitionBytes,
            })),
          },
        ],
      },
      { timeoutMs: maxWaitMs + 30_000 },
    );
    if (response.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(errorName(response.errorCode), `fetch of topic '${topic}'`);
    }
    const results: FetchedRecords[] = [];
    for (const answer of response.responses.flatMap((one) => one.partitions)) {
      const fetchOffset = positions.get(answer.partitionIndex) ?? 0;
      const result = await this.#result(answer, fetchOffset);
      if (result !== null) results.push(result);
    }
    return { nodeId: node.id, results };
  }

  async #result(answer: PartitionAnswer, fetchOffset: number): Promise<FetchedRecords | null> {
    const { partitionIndex, errorCode } = answer;
    const { topic } = this.#options;
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      await this.#move(partitionIndex, fetchOffset);
      return null;
    }
    if (errorCode !== ErrorCode.NONE) {
      throw new KafkaError(errorName(errorCode), `fetch of ${topic}-${partitionIndex}`);
    }
    const isolation = this.#options.isolation ?? 'read_committed';
    return decodeFetched({ ...answer, topic, fetchOffset }, isolation);
  }

  async #move(partition: number, from: number): Promise<void> {
    const { topic, outOfRange = 'earliest', onMoved, isolation = 'read_committed' } = this.#options;
    if (outOfRange === 'fail') {
      const message = `${topic}-${partition} has no offset ${from} any more, or not yet`;
      throw new KafkaError('OFFSET_OUT_OF_RANGE', message);
    }
    const found = await listOffsets(this.#cluster, topic, {
      partitions: [partition],
      timestamp: SpecialTime[outOfRange],
      isolation,
    });
    const to = found.get(partition)?.offset ?? 0;
    // Removed or set elsewhere meanwhile: then that holds.
    if (this.#positions.get(partition) !== from) return;
    this.#positions.set(partition, to);
    onMoved?.(partition, from, to);
  }

  /** Waits a little after trouble that may pass; throws what will not, or what has lasted too long. */
  async #bear(error: unknown): Promise<void> {
    const { clock } = this.#cluster;
    this.#polls.clear();
    if (!isRetriableError(error)) throw error;
    this.#trouble ??= { sinceMs: clock.monotonic() };
    const patienceMs = this.#options.patienceMs ?? 60_000;
    if (clock.monotonic() - this.#trouble.sinceMs >= patienceMs) throw error;
    this.#cluster.forget(this.#options.topic);
    await sleep(clock, RETRY_BACKOFF_MS);
  }
}

/** The first of several promises, or null when the signal comes before. */
function raceWith<T>(promises: Iterable<Promise<T>>, signal?: AbortSignal): Promise<T | null> {
  if (signal === undefined) return Promise.race(promises);
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(null);
    signal.addEventListener('abort', stop, { once: true });
    Promise.race(promises)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
    if (signal.aborted) stop();
  });
}
