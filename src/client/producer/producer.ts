// The producer: records in, metadata out. It turns them into bytes, puts each into the open batch of its partition, and
// bounds the memory that is held; dispatcher.ts sends.

import { stackOfError } from '../../base/errors.ts';
import { tell } from '../../base/tell.ts';
import { isCodecReady, type NewRecord, prepareCodec } from '../../record/index.ts';
import type { Cluster } from '../cluster.ts';
import { ClientError } from '../errors.ts';
import { type AnySerde, encoderOf, serdeOf } from '../serde.ts';
import type { OnFailed, OnLanded } from './batch.ts';
import { BatchMemory } from './batch-memory.ts';
import { Deadlines } from './deadlines.ts';
import { Dispatcher } from './dispatcher.ts';
import { recordHeaders } from './headers.ts';
import { Locator } from './locator.ts';
import {
  type ProducerOptions,
  type ProducerSettings,
  type RecordFor,
  type RecordMetadata,
  settingsOf,
} from './options.ts';
import { type PartitionFunction, partitionFunction } from './partitioner.ts';
import { checkPartition, checkRecord } from './record-checks.ts';
import { PARTITION_ASKS_MAX, TopicQueue, type Waiting } from './topic-queue.ts';

type WaitingRecord = Extract<Waiting, { record: NewRecord }>;

/**
 * Sends records to any topics. Await {@link send}, or each {@link sendMany}, and memory stays bounded; records of one
 * partition land in the order of the calls, each once (with `idempotent`, the default).
 */
export class Producer<K extends AnySerde = 'string', V extends AnySerde = 'msgpack'>
  implements AsyncDisposable
{
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #encodeKey: (key: unknown) => Uint8Array;
  readonly #encodeValue: (value: unknown) => Uint8Array;
  readonly #dispatcher: Dispatcher;
  readonly #locator: Locator;
  readonly #deadlines: Deadlines;
  readonly #memory: BatchMemory | null;
  readonly #topics = new Map<string, TopicQueue>();
  /** Topics with records that have no place yet. */
  readonly #withWaiting = new Set<TopicQueue>();
  readonly #drained = new Set<() => void>();
  readonly #signal: AbortSignal | undefined;
  readonly #onClosed: (() => void) | undefined;
  #partitionOf: PartitionFunction | null = null;
  #bufferedBytes = 0;
  #closing: Promise<void> | null = null;
  #stopped = false;
  #placing = false;
  /** Why nothing more is taken. */
  #ended: Error | null = null;

  /** Asks nobody before the first record; `onClosed` hears of the end. Throws ClientError `invalid_option`. */
  constructor(cluster: Cluster, options: ProducerOptions<K, V> = {}, onClosed?: () => void) {
    this.#onClosed = onClosed;
    this.#cluster = cluster;
    this.#settings = settingsOf(options);
    this.#encodeKey = encoderOf(serdeOf<AnySerde>(options.key ?? 'string'));
    this.#encodeValue = encoderOf(serdeOf<AnySerde>(options.value ?? 'msgpack'));
    this.#memory = cluster.copies ? new BatchMemory() : null;
    this.#dispatcher = new Dispatcher(cluster, this.#settings, {
      released: (bytes) => this.#released(bytes),
      locate: (topic) => this.#locator.locate(topic),
    });
    this.#locator = new Locator(cluster, this.#settings, {
      found: (topic) => this.#found(topic),
      failed: (topic, error) => this.#failTopic(topic, error),
      wake: () => this.#dispatcher.wake(),
    });
    this.#deadlines = new Deadlines(cluster.clock, this.#settings.deliveryTimeoutMs, {
      topics: this.#topics,
      giveUp: (queue, batch, error) => this.#dispatcher.giveUp(queue, batch, error),
      passed: () => this.#deadlinePassed(),
      idle: () => this.#memory?.clear(),
      onFault: this.#onFault,
    });
    this.#prepare(options.partitioner ?? 'murmur2');
    this.#signal = options.signal;
    if (this.#signal?.aborted === true) this.#abort();
    else this.#signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Bytes of batches not acknowledged yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Sends a record; resolves when it is acknowledged. Rejects with KafkaError (what the broker refused), ClientError
   * `delivery_timed_out` (its cause says why), `cannot_connect`, `invalid_record`, `closed`, or the signal's reason.
   */
  send(record: RecordFor<K, V>): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => {
      this.#take(record, resolve, reject);
    });
  }

  /**
   * Sends records, of any topics; resolves when all are acknowledged, with their places in the order given. Rejects as
   * {@link send}, with the first failure, once all have their end.
   */
  sendMany(records: Iterable<RecordFor<K, V>>): Promise<RecordMetadata[]> {
    return new Promise((resolve, reject) => {
      const places: RecordMetadata[] = [];
      let failure: Error | null = null;
      let left = 1;
      const ended = (): void => {
        left -= 1;
        if (left > 0) return;
        if (failure === null) resolve(places);
        else reject(failure);
      };
      const failed: OnFailed = (error) => {
        failure ??= error;
        ended();
      };
      let index = 0;
      for (const record of records) {
        const place = index++;
        left += 1;
        const landed: OnLanded = (metadata) => {
          places[place] = metadata;
          ended();
        };
        try {
          this.#take(record, landed, failed);
        } catch (error) {
          failed(error as Error);
        }
      }
      ended();
    });
  }

  /**
   * {@link send} without a promise: one of the two functions is called once. False: the buffer is full, await
   * {@link drained} before the next. Throws what `send` rejects with for a record that cannot be written.
   */
  enqueue(record: RecordFor<K, V>, landed: OnLanded | null, failed: OnFailed | null): boolean {
    this.#take(record, landed, failed);
    return this.#isDrained();
  }

  /** Resolves when the buffer has room. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained.add(resolve);
      this.#tellDrained();
    });
  }

  /** Sends everything now; resolves when every record given before has its end, well or badly. */
  async flush(): Promise<void> {
    await Promise.all(
      [...this.#withWaiting].map(
        (topic) => new Promise<void>((reached) => topic.waiting.push({ reached })),
      ),
    );
    const ends: Promise<void>[] = [];
    for (const topic of this.#topics.values()) {
      for (const queue of topic.partitions) {
        for (const batch of queue.batches) {
          batch.sealed = true;
          if (!batch.settled) ends.push(new Promise((resolve) => batch.onSettled(resolve)));
        }
      }
    }
    if (ends.length > 0) this.#dispatcher.wake();
    await Promise.all(ends);
  }

  /** Takes no more records, sends what there is, and resolves when all have their end. Calling it again waits too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const flushed = this.flush();
    this.#ended ??= new ClientError('closed', 'the producer is closed; make another one');
    await flushed;
    this.#stop();
  }

  #stop(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#dispatcher.stop();
    this.#deadlines.stop();
    this.#stopped = true;
    this.#tellDrained();
    this.#onClosed?.();
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal?.reason;
    const error = reason instanceof Error ? reason : new ClientError('closed', String(reason));
    this.#ended = error;
    for (const topic of this.#topics.values()) this.#failTopic(topic, error);
    this.#stop();
  };

  /** Loads what the first record needs; until then records wait. */
  #prepare(partitioner: NonNullable<ProducerOptions['partitioner']>): void {
    const { codec } = this.#settings;
    const found = partitionFunction(partitioner);
    if (typeof found === 'function' && isCodecReady(codec)) {
      this.#partitionOf = found;
      return;
    }
    Promise.all([found, prepareCodec(codec)]).then(
      ([partitionOf]) => {
        this.#partitionOf = partitionOf;
        this.#placeWaiting();
      },
      (error: unknown) => {
        this.#ended = error as Error;
        for (const topic of this.#topics.values()) this.#failTopic(topic, error as Error);
      },
    );
  }

  /** What their callbacks throw is the callers' own. */
  readonly #onFault = (error: unknown): void => {
    const text =
      'a callback that was given to a producer with a record threw, and the producer goes on';
    this.#cluster.warn(`${text}: ${stackOfError(error)}`);
  };

  #take(record: RecordFor<K, V>, landed: OnLanded | null, failed: OnFailed | null): void {
    if (this.#ended !== null) throw this.#ended;
    const before = this.#topics.get((record as RecordFor<K, V> | undefined)?.topic ?? '');
    if (before === undefined) checkRecord(record);
    const { key, value, headers, timestamp, partition } = record;
    if (partition !== undefined) checkPartition(partition);
    const stored: NewRecord = {
      key: key === null || key === undefined ? null : this.#encodeKey(key),
      value: value === null ? null : this.#encodeValue(value),
      timestamp: timestamp ?? this.#cluster.clock.now(),
      ...(headers && { headers: recordHeaders(headers) }),
    };
    const topic = before ?? this.#newTopic(record.topic);
    const known = partition === undefined || partition < topic.count;
    if (known && topic.waiting.length === 0 && this.#canPlace(topic)) {
      this.#place(topic, stored, partition, null, landed, failed);
    } else {
      const sinceMs = this.#cluster.clock.monotonic();
      this.#wait(topic, { record: stored, partition, sinceMs, asked: 0, landed, failed });
    }
    this.#deadlines.arm();
  }

  #newTopic(name: string): TopicQueue {
    const { clock, random } = this.#cluster;
    const ports = { clock, random, memory: this.#memory, onFault: this.#onFault };
    const topic = new TopicQueue(name, this.#settings, ports);
    this.#topics.set(name, topic);
    return topic;
  }

  #hasRoom(): boolean {
    return this.#bufferedBytes < this.#settings.bufferBytes;
  }

  #canPlace(topic: TopicQueue): boolean {
    return topic.isKnown && this.#partitionOf !== null && this.#hasRoom();
  }

  #wait(topic: TopicQueue, waiting: Waiting): void {
    topic.waiting.push(waiting);
    this.#withWaiting.add(topic);
    if (!topic.isKnown) this.#locator.locate(topic);
    else if (this.#hasRoom()) this.#placeWaiting();
  }

  /** Puts the record into a batch. Throws for a partition that does not exist, and what the partitioner throws. */
  #place(
    topic: TopicQueue,
    record: NewRecord,
    wanted: number | undefined,
    sinceMs: number | null,
    landed: OnLanded | null,
    failed: OnFailed | null,
  ): void {
    const byFunction = wanted === undefined ? this.#partitionFor(topic, record) : wanted;
    const partition = byFunction ?? topic.sticky;
    const queue = topic.queue(partition);
    const bytes = queue.append(record, sinceMs, landed, failed);
    this.#bufferedBytes += bytes;
    if (byFunction === null) topic.stuck(bytes);
    this.#dispatcher.activate(topic, queue);
  }

  #partitionFor(topic: TopicQueue, record: NewRecord): number | null {
    const { key, value } = record;
    const { name, count: partitionCount } = topic;
    return this.#partitionOf?.({ topic: name, key, value, partitionCount }) ?? null;
  }

  #found(topic: TopicQueue): void {
    for (const { queue, error } of topic.gone()) this.#dispatcher.failAll(queue, error);
    this.#placeWaiting();
  }

  /** Gives places to records that wait, in order, as long as there is room. */
  #placeWaiting(): void {
    // A callback that is told of a failure may give us the next record.
    if (this.#placing) return;
    this.#placing = true;
    for (const topic of this.#withWaiting) {
      let placed = 0;
      for (const waiting of topic.waiting) {
        if (!('reached' in waiting)) {
          if (!this.#canPlace(topic) || this.#askAnew(topic, waiting)) break;
          this.#placeOne(topic, waiting);
        } else waiting.reached();
        placed += 1;
      }
      topic.waiting.splice(0, placed);
      if (topic.waiting.length === 0) this.#withWaiting.delete(topic);
    }
    this.#placing = false;
    this.#tellDrained();
  }

  #placeOne(topic: TopicQueue, waiting: WaitingRecord): void {
    const { record, partition, sinceMs, landed, failed } = waiting;
    try {
      this.#place(topic, record, partition, sinceMs, landed, failed);
    } catch (error) {
      tell(failed, error as Error, this.#onFault);
    }
  }

  /** Partitions may have been added: ask a few times (a second, with the back-off) before a record is refused. */
  #askAnew(topic: TopicQueue, waiting: WaitingRecord): boolean {
    const { partition = 0, asked } = waiting;
    if (partition < topic.count || asked >= PARTITION_ASKS_MAX) return false;
    if (topic.locating) return true;
    topic.waiting[topic.waiting.indexOf(waiting)] = { ...waiting, asked: asked + 1 };
    const backoffMs = asked * this.#settings.retryBackoffMs;
    topic.locateNotBeforeMs = this.#cluster.clock.monotonic() + backoffMs;
    this.#cluster.forget(topic.name);
    this.#locator.locate(topic);
    return true;
  }

  #released(bytes: number): void {
    this.#bufferedBytes -= bytes;
    if (this.#withWaiting.size > 0) this.#placeWaiting();
    if (this.#bufferedBytes === 0 && this.#withWaiting.size === 0) {
      this.#deadlines.disarm();
    }
    this.#tellDrained();
  }

  /** Records that waited were given up, and what was behind a batch may go. */
  #deadlinePassed(): void {
    for (const topic of this.#withWaiting) {
      if (topic.waiting.length === 0) this.#withWaiting.delete(topic);
    }
    this.#tellDrained();
    this.#dispatcher.wake();
  }

  #isDrained(): boolean {
    return this.#hasRoom() && this.#withWaiting.size === 0;
  }

  #tellDrained(): void {
    if (this.#drained.size === 0 || !(this.#isDrained() || this.#stopped)) return;
    for (const resolve of this.#drained) resolve();
    this.#drained.clear();
  }

  #failTopic(topic: TopicQueue, error: Error): void {
    const waiting = topic.waiting.splice(0);
    this.#withWaiting.delete(topic);
    for (const queue of topic.partitions) this.#dispatcher.failAll(queue, error);
    for (const one of waiting) {
      if ('reached' in one) one.reached();
      else tell(one.failed, error, this.#onFault);
    }
    this.#released(0);
  }
}
