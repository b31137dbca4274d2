// Reads partitions of any topics from given offsets on: one long poll per leader at a time, the next one under way
// while the records of the last are looked at.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { Fetch, type FetchResponse } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { type Cluster, isRetriableError } from './cluster.ts';
import { decodeFetched, type FetchedRecords } from './fetched-records.ts';
import { type Isolation, listOffsets, SpecialTime } from './list-offsets.ts';
import type { Node } from './network.ts';
import { sleep } from './tcp-transport.ts';

export interface FetcherOptions {
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
  readonly onMoved?: (place: TopicPartition, from: number, to: number) => void;
  /** Trouble is borne for so long before it is thrown. Default 60 000. */
  readonly patienceMs?: number;
}

type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

interface Position extends TopicPartition {
  offset: number;
}

/** A partition in one poll. */
interface Part extends TopicPartition {
  readonly offset: number;
  readonly epoch: number;
}

interface Round {
  readonly nodeId: number;
  readonly results: readonly FetchedRecords[];
}

const RETRY_BACKOFF_MS = 100;

/** Reads partitions. Change positions with {@link set} and {@link remove} between results. */
export class Fetcher {
  readonly #cluster: Cluster;
  readonly #options: FetcherOptions;
  readonly #positions = new Map<string, Position>();
  readonly #polls = new Map<number, Promise<Round>>();
  #trouble: { readonly sinceMs: number } | null = null;

  constructor(cluster: Cluster, options: FetcherOptions = {}) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Partitions being read. */
  get size(): number {
    return this.#positions.size;
  }

  /** Reads the partition from `offset` on. */
  set(place: TopicPartition, offset: number): void {
    const { topic, partition } = place;
    this.#positions.set(nameOf(place), { topic, partition, offset });
  }

  /** Stops reading the partition. */
  remove(place: TopicPartition): void {
    this.#positions.delete(nameOf(place));
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
    const position = this.#positions.get(nameOf(result));
    if (position?.offset !== result.fetchOffset) return false;
    position.offset = result.nextOffset;
    return true;
  }

  /** One poll for each leader that has none under way. */
  async #startPolls(): Promise<void> {
    const byNode = new Map<number, { node: Node; parts: Part[] }>();
    for (const { topic, partition, offset } of this.#positions.values()) {
      const { node, epoch } = await this.#cluster.leader(topic, partition);
      const group = byNode.get(node.id) ?? { node, parts: [] };
      group.parts.push({ topic, partition, offset, epoch });
      byNode.set(node.id, group);
    }
    for (const [nodeId, { node, parts }] of byNode) {
      if (this.#polls.has(nodeId)) continue;
      const poll = this.#poll(node, parts);
      // Its failure is seen when it is awaited; until then it must not end the process.
      poll.catch(() => {});
      this.#polls.set(nodeId, poll);
    }
  }

  async #poll(node: Node, parts: readonly Part[]): Promise<Round> {
    const { maxWaitMs = 500, minBytes = 1 } = this.#options;
    const { maxBytes = 32 * 1024 * 1024 } = this.#options;
    const ids = new Map<string, string>();
    for (const { topic } of parts) {
      if (!ids.has(topic)) ids.set(topic, (await this.#cluster.topic(topic)).id);
    }
    const response = await this.#cluster.to(node).send(
      Fetch,
      {
        maxWaitMs,
        minBytes,
        maxBytes,
        isolationLevel: this.#options.isolation === 'read_uncommitted' ? 0 : 1,
        topics: [...ids].map(([topic, topicId]) => this.#wanted(topic, topicId, parts)),
      },
      { timeoutMs: maxWaitMs + 30_000 },
    );
    if (response.errorCode !== ErrorCode.NONE) {
      throw new KafkaError(errorName(response.errorCode), 'fetch');
    }
    const results: FetchedRecords[] = [];
    for (const answer of response.responses) {
      const topic = answer.topic || [...ids].find(([, id]) => id === answer.topicId)?.[0];
      for (const one of answer.partitions) {
        const part = parts.find((p) => p.topic === topic && p.partition === one.partitionIndex);
        const result = part === undefined ? null : await this.#result(one, part);
        if (result !== null) results.push(result);
      }
    }
    return { nodeId: node.id, results };
  }

  #wanted(topic: string, topicId: string, parts: readonly Part[]) {
    const { partitionBytes = 1024 * 1024 } = this.#options;
    const partitions = parts
      .filter((one) => one.topic === topic)
      .map(({ partition, epoch, offset }) => ({
        partition,
        currentLeaderEpoch: epoch,
        fetchOffset: offset,
        partitionMaxBytes: partitionBytes,
      }));
    return { topic, topicId, partitions };
  }

  async #result(answer: PartitionAnswer, part: Part): Promise<FetchedRecords | null> {
    const { errorCode } = answer;
    const { topic, partition, offset: fetchOffset } = part;
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      await this.#move(part);
      return null;
    }
    if (errorCode !== ErrorCode.NONE) {
      throw new KafkaError(errorName(errorCode), `fetch of ${topic}-${partition}`);
    }
    const isolation = this.#options.isolation ?? 'read_committed';
    return decodeFetched({ ...answer, topic, fetchOffset }, isolation);
  }

  async #move({ topic, partition, offset: from }: Part): Promise<void> {
    const { outOfRange = 'earliest', onMoved, isolation = 'read_committed' } = this.#options;
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
    const position = this.#positions.get(nameOf({ topic, partition }));
    // Removed or set elsewhere meanwhile: then that holds.
    if (position?.offset !== from) return;
    position.offset = to;
    onMoved?.({ topic, partition }, from, to);
  }

  /** Waits a little after trouble that may pass; throws what will not, or what has lasted too long. */
  async #bear(error: unknown): Promise<void> {
    const { clock } = this.#cluster;
    this.#polls.clear();
    if (!isRetriableError(error)) throw error;
    this.#trouble ??= { sinceMs: clock.monotonic() };
    const patienceMs = this.#options.patienceMs ?? 60_000;
    if (clock.monotonic() - this.#trouble.sinceMs >= patienceMs) throw error;
    for (const { topic } of this.#positions.values()) this.#cluster.forget(topic);
    await sleep(clock, RETRY_BACKOFF_MS);
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
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
