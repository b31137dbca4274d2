// Sends records: collects them into batches, finds leaders, keeps at most one batch of a partition under way (so that
// retries never change the order), tries again, and bounds the memory it holds.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { partitionForKey } from '../base/murmur2.ts';
import type { CancelTimer } from '../base/ports.ts';
import { InitProducerId, Produce, type ProduceResponse } from '../protocol/index.ts';
import {
  addSequence,
  type Codec,
  type NewRecord,
  prepareCodec,
  type RecordHeader,
} from '../record/index.ts';
import { type Cluster, isRetriableError, throwIfError } from './cluster.ts';
import { ClientError } from './errors.ts';
import type { Node } from './network.ts';
import { type Landed, type OnLanded, SendBatch } from './send-batch.ts';
import { sleep } from './tcp-transport.ts';

/** A record to send. */
export interface OutgoingRecord {
  readonly key: Uint8Array | null;
  /** Null is a tombstone on compacted topics. */
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since the epoch. Default: now. */
  readonly timestamp?: number;
  /** Default: by murmur2 of the key as Java does; without a key one partition per batch in turn. */
  readonly partition?: number;
}

export interface SenderOptions {
  readonly topic: string;
  /** -1 all (default), 1 leader's page cache, 0 nobody answers. */
  readonly acks?: -1 | 0 | 1;
  readonly codec?: Codec;
  readonly level?: number;
  /** Milliseconds a batch waits for company. Default 5. */
  readonly lingerMs?: number;
  /** Bytes of a batch before compression. Default 512 KiB. */
  readonly batchBytes?: number;
  /** Bytes that wait or are under way before {@link RecordSender.add} says stop. Default 32 MiB. */
  readonly bufferBytes?: number;
  /** Each batch once, also over retries (InitProducerId). Default: true with acks all. */
  readonly idempotent?: boolean;
  /** From the first record of a batch to giving up. Default 120 000. */
  readonly deliveryTimeoutMs?: number;
  /** For one request at the broker. Default 30 000. */
  readonly requestTimeoutMs?: number;
}

interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

interface Queue {
  readonly partition: number;
  readonly batches: SendBatch[];
  busy: boolean;
  /** Bytes of the last full batch: the room that the next one is given. */
  lastBatchBytes: number;
  /** Null: to be asked for before the next batch. */
  identity: Identity | null;
  nextSequence: number;
}

const RETRY_BACKOFF_MS = 100;
const defaults = {
  acks: -1,
  codec: 'none',
  lingerMs: 5,
  batchBytes: 512 * 1024,
  bufferBytes: 32 * 1024 * 1024,
  deliveryTimeoutMs: 120_000,
  requestTimeoutMs: 30_000,
} as const;

/** Sends to one topic; see {@link openSender}. */
export class RecordSender {
  readonly #cluster: Cluster;
  readonly #options: SenderOptions & {
    [K in keyof typeof defaults]: Exclude<SenderOptions[K], undefined>;
  };
  readonly #idempotent: boolean;
  readonly partitionCount: number;
  readonly #queues: Queue[];
  readonly #drained = new Set<() => void>();
  #bufferedBytes = 0;
  #stickyPartition = 0;
  #flushing = false;
  #cancelLinger: CancelTimer | null = null;
  #pumpDeferred = false;
  #sharedIdentity: Promise<Identity> | null = null;

  constructor(cluster: Cluster, options: SenderOptions, partitionCount: number) {
    this.#cluster = cluster;
    this.#options = { ...defaults, ...options };
    this.#idempotent = options.idempotent ?? this.#options.acks === -1;
    this.partitionCount = partitionCount;
    this.#queues = Array.from({ length: partitionCount }, (_, partition) => ({
      partition,
      batches: [],
      busy: false,
      lastBatchBytes: 4096,
      identity: null,
      nextSequence: 0,
    }));
    this.#turnSticky();
  }

  /** Bytes not answered yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /**
   * Takes a record; `done` hears once how it went. False: the buffer is full, await {@link drained} before the next.
   * Throws KafkaError `UNKNOWN_TOPIC_OR_PARTITION` for a partition that does not exist.
   */
  add(record: OutgoingRecord, done: OnLanded | null = null): boolean {
    const timestamp = record.timestamp ?? this.#cluster.clock.now();
    const { key, value, headers } = record;
    const stored: NewRecord = { key, value, timestamp, ...(headers ? { headers } : {}) };
    const queue = this.#queueOf(record);
    let batch = queue.batches.at(-1);
    if (batch === undefined || !batch.fits(stored, this.#options.batchBytes)) {
      if (batch !== undefined) this.#seal(batch);
      batch = this.#openBatch(queue);
      queue.batches.push(batch);
    }
    const before = batch.byteLength;
    batch.append(stored, done);
    this.#bufferedBytes += batch.byteLength - before;
    if (batch.byteLength >= this.#options.batchBytes) this.#seal(batch);
    else if (this.#options.lingerMs === 0 || this.#flushing) this.#pumpSoon();
    else this.#startLinger();
    return this.#bufferedBytes < this.#options.bufferBytes;
  }

  /** Takes a record and resolves when it is acknowledged. */
  send(record: OutgoingRecord): Promise<Landed> {
    return new Promise((resolve, reject) => {
      this.add(record, (error, landed) => {
        if (error !== null || landed === null) reject(error ?? new Error('no answer'));
        else resolve(landed);
      });
    });
  }

  /** Resolves when the buffer has room again. */
  drained(): Promise<void> {
    return this.#whenBelow(this.#options.bufferBytes);
  }

  /** Sends everything now; resolves when every record so far was answered, well or badly. */
  async flush(): Promise<void> {
    this.#flushing = true;
    this.#pump();
    try {
      await this.#whenBelow(1);
    } finally {
      this.#flushing = false;
    }
  }

  #queueOf(record: OutgoingRecord): Queue {
    const partition =
      record.partition ??
      (record.key === null
        ? this.#stickyPartition
        : partitionForKey(record.key, this.partitionCount));
    const queue = this.#queues[partition];
    if (queue === undefined) {
      const { topic } = this.#options;
      const message = `topic '${topic}' has no partition ${partition}, only 0 to ${this.partitionCount - 1}`;
      throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message);
    }
    return queue;
  }

  #openBatch(queue: Queue): SendBatch {
    const { codec, level } = this.#options;
    const capacity = queue.lastBatchBytes + 1024;
    const settings = { codec, capacity, ...(level === undefined ? {} : { level }) };
    return new SendBatch(queue.partition, this.#cluster.clock.monotonic(), settings);
  }

  #seal(batch: SendBatch): void {
    if (batch.sealed) return;
    batch.sealed = true;
    if (batch.partition === this.#stickyPartition) this.#turnSticky();
    this.#pumpSoon();
  }

  /** KIP-480: records without a key stay together until a batch is full, then go elsewhere. */
  #turnSticky(): void {
    const count = this.partitionCount;
    const step = count < 2 ? 0 : 1 + Math.floor(this.#cluster.random.next() * (count - 1));
    this.#stickyPartition = (this.#stickyPartition + step) % count;
  }

  #startLinger(): void {
    this.#cancelLinger ??= this.#cluster.clock.setTimer(this.#options.lingerMs, () => {
      this.#cancelLinger = null;
      this.#pump();
    });
  }

  #pumpSoon(): void {
    if (this.#pumpDeferred) return;
    this.#pumpDeferred = true;
    this.#cluster.clock.defer(() => {
      this.#pumpDeferred = false;
      this.#pump();
    });
  }

  /** Starts every partition whose first batch is due. Batches of one leader go in one request. */
  #pump(): void {
    const nowMs = this.#cluster.clock.monotonic();
    const due = this.#queues.filter((queue) => this.#isDue(queue, nowMs));
    if (due.length > 0) {
      for (const queue of due) {
        queue.busy = true;
        const [batch] = queue.batches;
        if (batch !== undefined) this.#seal(batch);
      }
      void this.#dispatch(due);
    }
    if (this.#queues.some((one) => !one.busy && one.batches.length > 0)) this.#startLinger();
  }

  #isDue(queue: Queue, nowMs: number): boolean {
    const [batch] = queue.batches;
    if (queue.busy || batch === undefined) return false;
    return batch.sealed || this.#flushing || nowMs - batch.openedMs >= this.#options.lingerMs;
  }

  async #dispatch(queues: readonly Queue[]): Promise<void> {
    const byNode = new Map<number, { node: Node; queues: Queue[] }>();
    for (const queue of queues) {
      try {
        if (this.#idempotent) await this.#identify(queue);
        const { node } = await this.#cluster.leader(this.#options.topic, queue.partition);
        const group = byNode.get(node.id) ?? { node, queues: [] };
        group.queues.push(queue);
        byNode.set(node.id, group);
      } catch (error) {
        void this.#settle(queue, error);
      }
    }
    await Promise.all([...byNode.values()].map((group) => this.#sendTo(group.node, group.queues)));
  }

  /** A producer id for the queue and the sequence of its first batch, unless it has them from an earlier try. */
  async #identify(queue: Queue): Promise<void> {
    const [batch] = queue.batches;
    if (batch === undefined || batch.producer !== null) return;
    if (queue.identity === null) {
      queue.identity = await this.#newIdentity();
      queue.nextSequence = 0;
    }
    batch.producer = { ...queue.identity, baseSequence: queue.nextSequence };
    queue.nextSequence = addSequence(queue.nextSequence, batch.count);
  }

  /** One id serves all partitions; after trouble on one partition the next caller gets a fresh one. */
  #newIdentity(): Promise<Identity> {
    this.#sharedIdentity ??= this.#cluster
      .retry(async () => {
        const transport = await this.#cluster.any();
        const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
        const response = await transport.send(InitProducerId, request);
        throwIfError(response.errorCode, 'producer id');
        return { producerId: response.producerId, producerEpoch: response.producerEpoch };
      })
      .catch((error: unknown) => {
        this.#sharedIdentity = null;
        throw error;
      });
    return this.#sharedIdentity;
  }

  async #sendTo(node: Node, queues: readonly Queue[]): Promise<void> {
    const { topic, acks, requestTimeoutMs } = this.#options;
    const sendable: Queue[] = [];
    const partitionData: { index: number; records: Buffer }[] = [];
    for (const queue of queues) {
      try {
        const records = queue.batches[0]?.bytes();
        if (records === undefined) continue;
        partitionData.push({ index: queue.partition, records });
        sendable.push(queue);
      } catch (error) {
        void this.#settle(queue, error);
      }
    }
    if (sendable.length === 0) return;
    try {
      const { id } = await this.#cluster.topic(topic);
      const response = await this.#cluster.to(node).send(
        Produce,
        {
          transactionalId: null,
          acks,
          timeoutMs: requestTimeoutMs,
          topicData: [{ name: topic, topicId: id, partitionData }],
        },
        // The broker may use all of its time; the way there and back comes on top.
        { timeoutMs: requestTimeoutMs + 5_000 },
      );
      for (const queue of sendable) this.#answered(queue, response);
    } catch (error) {
      for (const queue of sendable) void this.#settle(queue, error);
    }
  }

  #answered(queue: Queue, response: ProduceResponse): void {
    const verdict = this.#verdict(queue, response);
    if (verdict instanceof Error) void this.#settle(queue, verdict);
    else this.#finish(queue, (batch) => batch.landed(verdict.baseOffset, verdict.logAppendTimeMs));
  }

  #verdict(
    queue: Queue,
    response: ProduceResponse,
  ): Error | { readonly baseOffset: number; readonly logAppendTimeMs: number } {
    const unknown = { baseOffset: -1, logAppendTimeMs: -1 };
    if (this.#options.acks === 0) return unknown;
    const answer = response.responses[0]?.partitionResponses.find(
      (one) => one.index === queue.partition,
    );
    if (answer === undefined) {
      return new ClientError('bad_response', `no answer for partition ${queue.partition}`);
    }
    if (answer.errorCode === ErrorCode.NONE) return answer;
    // The broker has this batch from an earlier try and no longer knows where.
    if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return unknown;
    const name = errorName(answer.errorCode);
    const where = `${this.#options.topic}-${queue.partition}`;
    const recordError = answer.recordErrors[0]?.batchIndexErrorMessage;
    const message = [where, answer.errorMessage ?? name, recordError].filter(Boolean).join(': ');
    return new KafkaError(name, message);
  }

  /** After a failure: the batch waits and goes again, or is given up. */
  async #settle(queue: Queue, error: unknown): Promise<void> {
    const { clock } = this.#cluster;
    const [batch] = queue.batches;
    const ageMs = batch === undefined ? 0 : clock.monotonic() - batch.openedMs;
    this.#cluster.forget(this.#options.topic);
    if (isRetriableError(error) && ageMs + RETRY_BACKOFF_MS < this.#options.deliveryTimeoutMs) {
      await sleep(clock, RETRY_BACKOFF_MS);
      queue.busy = false;
      this.#pump();
      return;
    }
    const failure = error as Error;
    // Whether the batch was written may be unknown, so the next sequence is too: begin anew with a fresh id.
    queue.identity = null;
    this.#sharedIdentity = null;
    this.#finish(queue, (given) => given.failed(failure));
  }

  #finish(queue: Queue, tell: (batch: SendBatch) => void): void {
    const batch = queue.batches.shift();
    queue.busy = false;
    if (batch !== undefined) {
      queue.lastBatchBytes = batch.byteLength;
      this.#bufferedBytes -= batch.byteLength;
      tell(batch);
    }
    for (const check of [...this.#drained]) check();
    this.#pump();
  }

  #whenBelow(limit: number): Promise<void> {
    if (this.#bufferedBytes < limit) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#bufferedBytes >= limit) return;
        this.#drained.delete(check);
        resolve();
      };
      this.#drained.add(check);
    });
  }
}

/** Makes a sender; `create` lets the broker make the topic. Throws as `Cluster.topic` and `prepareCodec` do. */
export async function openSender(
  cluster: Cluster,
  options: SenderOptions & { readonly create?: boolean },
): Promise<RecordSender> {
  await prepareCodec(options.codec ?? 'none');
  const info = await cluster.topic(options.topic, { create: options.create ?? false });
  return new RecordSender(cluster, options, info.partitions.length);
}
