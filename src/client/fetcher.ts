// Reads partitions of any topics from given offsets on, ahead of whoever takes the records: one long poll per leader
// at a time, of all its partitions, as long as what waits to be taken stays below a number of bytes.

import { ErrorCode } from '../base/kafka-errors.ts';
import type { MemoryLease } from '../base/memory-pool.ts';
import type { CancelTimer } from '../base/ports.ts';
import { ZERO_UUID } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { type Cluster, throwIfError } from './cluster.ts';
import { divergences, truncatedError } from './divergence.ts';
import { FetchQueue } from './fetch-queue.ts';
import {
  calm,
  isOtherTopic,
  isStillOf,
  nameOf,
  noLeaderError,
  outOfRangeError,
  type Part,
  putOff,
  type Reading,
  type Ready,
  readingOf,
} from './fetch-reading.ts';
import {
  endSessions,
  type FetchLimits,
  fetchParts,
  leaseOf,
  movesLeader,
  type PartitionAnswer,
} from './fetch-request.ts';
import { FetchSessions } from './fetch-session.ts';
import { decodeFetched, type FetchedRecords, prepareFor } from './fetched-records.ts';
import { type FetcherOptions, limitsOf } from './fetcher-options.ts';
import { listOffsets, SpecialTime } from './list-offsets.ts';
import type { Node } from './network.ts';

/** Bytes that are worth a request. */
const ASKED_BYTES_MIN = 64 * 1024;
/** Polls wait so long for topics that are being looked up. */
const LEARN_MS = 500;

/** Reads partitions. Nothing is asked for before the first {@link Fetcher.take}, `wait` or `read`. */
export class Fetcher {
  readonly #cluster: Cluster;
  readonly #options: FetcherOptions;
  readonly #limits: FetchLimits;
  readonly #aheadBytes: number;
  readonly #readings = new Map<string, Reading>();
  readonly #polls = new Set<number>();
  readonly #sessions = new FetchSessions<Part>();
  /** Topics that are being looked up, and until when polls wait for them. */
  readonly #learning = new Map<string, number>();
  readonly #queue = new FetchQueue<Reading>();
  #working: AbortController | null = null;
  #pumping = false;
  #cancelPump: CancelTimer | null = null;
  #failure: { readonly error: unknown; readonly reading: Reading } | null = null;
  readonly #waiters = new Set<() => void>();

  constructor(cluster: Cluster, options: FetcherOptions = {}) {
    this.#cluster = cluster;
    this.#options = options;
    const { bufferBytes, ...limits } = limitsOf(options);
    this.#limits = limits;
    this.#aheadBytes = Math.ceil(bufferBytes / 2);
  }

  /** Partitions being read. */
  get size(): number {
    return this.#readings.size;
  }

  /**
   * Reads the partition from `offset` on. With the leader epoch of the record before it, the broker is asked first
   * whether its log still holds it; with the topic's id, another topic of that name is read from its beginning.
   */
  set(place: TopicPartition, offset: number, epoch = -1, topicId = ZERO_UUID): void {
    this.remove(place);
    this.#readings.set(nameOf(place), readingOf(place, offset, epoch, topicId));
    this.#pumpSoon();
  }

  /** Stops reading the partition; what was read of it and not taken is dropped. */
  remove(place: TopicPartition): void {
    const name = nameOf(place);
    const reading = this.#readings.get(name);
    if (reading === undefined) return;
    this.#readings.delete(name);
    this.#queue.drop(reading);
    // It may have been asked again since it was told to have failed.
    if (this.#failure?.reading === reading) this.#failure = null;
    this.#pumpSoon();
  }

  /**
   * What has come, or null. A result may hold no records: it moves on (`nextOffset`), or says for the first time that
   * nothing is there. Throws, once, KafkaError, `ClientError`, `RecordError`.
   */
  take(): FetchedRecords | null {
    this.#start();
    const next = this.#queue.take();
    if (next !== null) {
      this.#pumpSoon();
      return next;
    }
    const failure = this.#failure;
    if (failure === null) return null;
    this.#failure = null;
    this.#pumpSoon();
    throw failure.error;
  }

  /** Resolves when {@link take} may have something, the partitions changed, or the signal is aborted. */
  wait(signal?: AbortSignal): Promise<void> {
    this.#start();
    return new Promise((resolve) => {
      if (signal?.aborted === true || !this.#queue.isEmpty || this.#failure !== null) {
        resolve();
        return;
      }
      const done = (): void => {
        this.#waiters.delete(done);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Everything that {@link take} gives, until no partition is left or the signal is aborted. */
  async *read(signal?: AbortSignal): AsyncGenerator<FetchedRecords, void, undefined> {
    try {
      while (this.#readings.size > 0 && signal?.aborted !== true) {
        const fetched = this.take();
        if (fetched === null) await this.wait(signal);
        else yield fetched;
      }
    } finally {
      await this.close();
    }
  }

  /**
   * As {@link stop}, and the brokers forget what they keep of us; waits for that, if not for long. Never rejects. Who
   * takes again begins anew.
   */
  async close(): Promise<void> {
    this.stop();
    await endSessions(this.#cluster, this.#sessions.end());
  }

  /** Asks for nothing more until somebody takes again. */
  stop(): void {
    this.#working?.abort();
    this.#working = null;
    this.#cancelPump?.();
    this.#cancelPump = null;
    this.wake();
  }

  /** Lets those who wait look again. */
  wake(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #start(): void {
    if (this.#working !== null) return;
    this.#working = new AbortController();
    this.#pumpSoon();
  }

  /** All that changes in one turn is looked at once. */
  #pumpSoon(): void {
    if (this.#pumping || this.#working === null) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  /** Starts every poll that can be started now. */
  #pump(): void {
    if (this.#working === null || this.#failure !== null) return;
    if (this.#readings.size === 0) this.wake();
    if (this.#queue.bytes >= this.#aheadBytes) return;
    const now = this.#cluster.clock.monotonic();
    const ready = new Map<number, Ready>();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const reading of this.#readings.values()) {
      if (reading.busy) continue;
      if (reading.notBeforeMs > now) nextMs = Math.min(nextMs, reading.notBeforeMs);
      else this.#prepare(reading, ready);
    }
    // A poll without the partitions of topics that are being looked up would keep those waiting.
    const untilMs = Math.max(0, ...this.#learning.values());
    if (untilMs > now) nextMs = Math.min(nextMs, untilMs);
    else for (const one of ready.values()) this.#askLeader(one);
    this.#cancelPump?.();
    this.#cancelPump = Number.isFinite(nextMs)
      ? this.#cluster.clock.setTimer(nextMs - now, () => this.#pumpSoon())
      : null;
  }

  #prepare(reading: Reading, ready: Map<number, Ready>): void {
    const { topic, partition } = reading;
    const leader = this.#cluster.knownLeader(topic, partition);
    if (leader === null) {
      this.#learn(topic);
      return;
    }
    const { node, epoch: leaderEpoch, topicId } = leader;
    const isAnother = isOtherTopic(reading.topicId, topicId);
    reading.topicId = topicId;
    if (isAnother && !this.#beginsAnew(reading)) return;
    const { offset, unheard } = reading;
    if (this.#polls.has(node.id)) return;
    const group = ready.get(node.id) ?? { node, parts: [], unsure: [] };
    const unsure = reading.epoch >= 0 && reading.leaderEpoch !== leaderEpoch;
    const parts = unsure ? group.unsure : group.parts;
    parts.push({ topic, partition, topicId, offset, leaderEpoch, unheard, reading });
    ready.set(node.id, group);
  }

  /** The topic was made anew, and all that it holds came later than what was read. False: an error is wanted. */
  #beginsAnew(reading: Reading): boolean {
    const isError = this.#options.outOfRange === 'error';
    if (isError) this.#bear(reading, outOfRangeError(reading, 'was made anew, without'));
    else this.#moveTo(reading, 0);
    return !isError;
  }

  #askLeader({ node, parts, unsure }: Ready): void {
    const readings = unsure.map(({ reading }) => reading);
    if (readings.length > 0) this.#ask(readings, () => this.#validate(node, unsure));
    if (parts.length > 0) this.#poll(node, parts);
  }

  #learn(topic: string): void {
    if (this.#learning.has(topic)) return;
    const cluster = this.#cluster;
    this.#learning.set(topic, cluster.clock.monotonic() + LEARN_MS);
    cluster.forget(topic);
    const learnt = (error: unknown): void => {
      this.#learning.delete(topic);
      for (const reading of this.#readings.values()) {
        if (reading.topic !== topic) continue;
        if (cluster.knownLeader(topic, reading.partition) === null) this.#bear(reading, error);
      }
      this.#pumpSoon();
    };
    cluster.topic(topic).then(() => learnt(noLeaderError(topic)), learnt);
  }

  /** Asks something about partitions, which are not polled meanwhile. */
  #ask(readings: readonly Reading[], question: () => Promise<void>): void {
    for (const reading of readings) reading.busy = true;
    question()
      .catch((error: unknown) => {
        for (const reading of readings) this.#bear(reading, error);
      })
      .finally(() => {
        for (const reading of readings) reading.busy = false;
        this.#pumpSoon();
      });
  }

  #isCurrent(reading: Reading): boolean {
    return this.#readings.get(nameOf(reading)) === reading;
  }

  /** Whether the leader still has what was read of these. */
  async #validate(node: Node, parts: readonly Part[]): Promise<void> {
    const upTo = parts.map((part) => ({ ...part, epoch: part.reading.epoch }));
    const found = await divergences(this.#cluster.to(node), upTo);
    for (const place of upTo) {
      const { reading, leaderEpoch } = place;
      if (!this.#isCurrent(reading)) continue;
      const cutAt = found.get(place) ?? null;
      if (cutAt instanceof Error) {
        this.#bear(reading, cutAt);
        continue;
      }
      reading.leaderEpoch = leaderEpoch;
      if (cutAt === null) continue;
      if (this.#options.outOfRange === 'error') this.#bear(reading, truncatedError(place, cutAt));
      else this.#moveTo(reading, cutAt);
    }
  }

  #moveTo(reading: Reading, to: number): void {
    const { topic, partition, offset: from } = reading;
    reading.offset = to;
    reading.epoch = -1;
    reading.unheard = true;
    this.#options.onMoved?.({ topic, partition }, from, to);
  }

  #poll(node: Node, parts: readonly Part[]): void {
    const signal = this.#working?.signal;
    if (signal === undefined) return;
    this.#polls.add(node.id);
    this.#fetch(node, parts, signal)
      .catch((error: unknown) => {
        if (signal.aborted) return;
        for (const { reading } of parts) this.#bear(reading, error);
      })
      .finally(() => {
        this.#polls.delete(node.id);
        this.wake();
        this.#pumpSoon();
      });
  }

  async #fetch(node: Node, parts: readonly Part[], signal: AbortSignal): Promise<void> {
    const share = Math.floor(this.#aheadBytes / (this.#polls.size + 1));
    const maxBytes = Math.max(ASKED_BYTES_MIN, Math.min(this.#limits.maxBytes, share));
    const limits = { ...this.#limits, maxBytes };
    const { memory } = this.#options;
    const how = { signal, ...(memory && { memory }) };
    const way = { leader: this.#cluster.to(node), session: this.#sessions.with(node) };
    const answers = await fetchParts(way, parts, limits, how);
    for (const { answer } of answers) await prepareFor(answer.records);
    if (signal.aborted) return;
    const lease = leaseOf(memory, answers);
    for (const one of answers) {
      const { part, answer } = one;
      const { reading } = part;
      // Removed, set elsewhere or made anew meanwhile: then that holds.
      if (!this.#isCurrent(reading) || !isStillOf(part)) continue;
      try {
        // The new leader is asked at once.
        if (!movesLeader(this.#cluster, one)) this.#answered(part, answer, lease);
      } catch (error) {
        this.#bear(reading, error);
      }
    }
    lease?.drop();
  }

  #answered(part: Part, answer: PartitionAnswer, lease: MemoryLease | null): void {
    const { reading, leaderEpoch } = part;
    const { topic, partition, topicId, offset: fetchOffset } = reading;
    if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      this.#ask([reading], () => this.#reset(reading));
      return;
    }
    throwIfError(answer.errorCode, `fetch of ${topic}-${partition}`);
    const { isolation } = this.#limits;
    const checkCrcs = this.#options.checkCrcs ?? true;
    const how = { isolation, checkCrcs, lease };
    const fetched = decodeFetched({ ...answer, topic, topicId, fetchOffset }, how);
    reading.offset = fetched.nextOffset;
    reading.leaderEpoch = leaderEpoch;
    reading.unheard = false;
    if (fetched.lastEpoch >= 0) reading.epoch = fetched.lastEpoch;
    calm(reading);
    lease?.hold();
    this.#queue.push(reading, fetched);
    if (fetched.batches.length === 0) return;
    // Who got something asks last next time, so that a broker that fills answers in order serves all.
    const name = nameOf(reading);
    this.#readings.delete(name);
    this.#readings.set(name, reading);
  }

  async #reset(reading: Reading): Promise<void> {
    const { topic, partition } = reading;
    const { outOfRange = 'earliest' } = this.#options;
    if (outOfRange === 'error') throw outOfRangeError(reading, 'has no more, or not yet,');
    const { isolation } = this.#limits;
    const timestamp = SpecialTime[outOfRange];
    const found = await listOffsets(this.#cluster, topic, {
      partitions: [partition],
      timestamp,
      isolation,
    });
    if (this.#isCurrent(reading)) this.#moveTo(reading, found.get(partition)?.offset ?? 0);
  }

  /** Trouble with one partition: tried again a little later if it may pass, else, or if it lasts, thrown by `take`. */
  #bear(reading: Reading, error: unknown): void {
    if (!this.#isCurrent(reading) || this.#working === null) return;
    const { patienceMs = 60_000 } = this.#options;
    const leftMs = putOff(reading, error, this.#cluster.clock.monotonic(), patienceMs);
    if (leftMs === null) {
      this.#failure ??= { error, reading };
      this.wake();
      return;
    }
    const { topic, partition } = reading;
    const { onTrouble } = this.#options;
    if (onTrouble === undefined) this.#cluster.hearTrouble(error, leftMs);
    else onTrouble(error, { topic, partition });
    this.#cluster.forget(topic);
  }
}
