// The batches of one partition, oldest first, and the rules that keep them in order: which may be sent now, and what
// an answer changes. No I/O: the dispatcher sends.
//
// With idempotence up to five batches are under way. When one fails in a way that may pass, the broker refuses those
// behind it for their sequence; so nothing more is sent until every answer is in, and then all go again in order, with
// the sequences they had. A broker that refuses the first of them for its sequence does not have what came before (it
// was given up, or lost): then all are numbered anew under the next epoch, which also shuts out what may still be on
// its way under the old one (KIP-360; as Kafka's TransactionManager does).

import { KafkaError, type KafkaErrorName } from '../../base/kafka-errors.ts';
import type { Clock } from '../../base/ports.ts';
import type { OnFault } from '../../base/tell.ts';
import { addSequence, type NewRecord } from '../../record/index.ts';
import { isRetriableError } from '../cluster.ts';
import { unknownTopicCodes } from '../topic-errors.ts';
import { type OnFailed, type OnLanded, ProducerBatch } from './batch.ts';
import type { BatchMemory } from './batch-memory.ts';
import type { ProducerSettings } from './options.ts';

export interface QueuePorts {
  readonly clock: Clock;
  /** Where batches have their memory from, and leave it when they were acknowledged. */
  readonly memory: BatchMemory | null;
  /** Hears what those who are told of records throw. */
  readonly onFault: OnFault;
}

export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** How an answer ends for a batch. */
export type Outcome =
  | { readonly baseOffset: number; readonly logAppendTimeMs: number }
  | { readonly error: Error };

const EPOCH_MAX = 0x7fff;
/** While the partition is busy an open batch waits at most so long, where the user did not say. */
const BUSY_LINGER_MS = 5;
/** … unless it is so large that a request of its own is well spent: else the broker would be idle meanwhile. */
const BUSY_LINGER_BYTES = 64 * 1024;
const BACKOFF_MAX_MS = 1_000;

const ofSequence: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
]);
/**
 * Refusals before anything was written. After any other failure the batch may be in the log: so it may after
 * `NOT_LEADER_OR_FOLLOWER` and `UNKNOWN_TOPIC_OR_PARTITION`, which a leader also answers when it lost the partition
 * while it waited for the replicas.
 */
const beforeWriting: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  ...ofSequence,
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_ID',
  'NOT_ENOUGH_REPLICAS',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'THROTTLING_QUOTA_EXCEEDED',
]);

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly batches: ProducerBatch[] = [];
  readonly #settings: ProducerSettings;
  readonly #ports: QueuePorts;
  #underWay = 0;
  /** Waits for every answer, and then for the back-off, before all go again. */
  #recovering = false;
  #notBeforeMs = 0;
  #failures = 0;
  /** Sequences have a hole that the broker will not step over. */
  #renumber: 'no' | 'unless uncertain' | 'yes' = 'no';
  #identity: Identity | null = null;
  /** Whether the broker has a batch of this identity, and so refuses one that comes too early. */
  #known = false;
  #nextSequence = 0;
  /** Bytes of the last batches: the room that the next one is given. */
  #sizeHint = 512;
  #batchBytes: number;

  constructor(topic: string, partition: number, settings: ProducerSettings, ports: QueuePorts) {
    this.topic = topic;
    this.partition = partition;
    this.#settings = settings;
    this.#ports = ports;
    this.#batchBytes = settings.batchBytes;
  }

  /** Whether anything waits to be sent. */
  get hasUnsent(): boolean {
    return this.batches.length > this.#underWay;
  }

  /**
   * Adds a record to the open batch or a new one; `sinceMs`: when it was given, if not now. Returns by how many bytes
   * what is held grew. Throws KafkaError `INVALID_TIMESTAMP`.
   */
  append(
    record: NewRecord,
    sinceMs: number | null,
    landed: OnLanded | null,
    failed: OnFailed | null,
  ): number {
    const open = this.batches.at(-1);
    const before = open?.byteLength ?? 0;
    if (open?.tryAppend(record, this.#batchBytes, landed, failed) === true) {
      if (open.byteLength >= this.#batchBytes) open.sealed = true;
      return open.byteLength - before;
    }
    if (open !== undefined) open.sealed = true;
    const nowMs = sinceMs ?? this.#ports.clock.monotonic();
    const { codec, level } = this.#settings;
    const capacity = this.#sizeHint;
    const memory = this.#ports.memory?.take(capacity) ?? null;
    const made = { codec, capacity, memory, onFault: this.#ports.onFault };
    const settings = level === undefined ? made : { ...made, level };
    const batch = new ProducerBatch(this, nowMs, settings);
    batch.tryAppend(record, this.#batchBytes, landed, failed);
    if (batch.byteLength >= this.#batchBytes) batch.sealed = true;
    this.batches.push(batch);
    return batch.byteLength;
  }

  /** The batch to send now, or after how many milliseconds to ask again; Infinity: after the next answer. */
  next(nowMs: number): ProducerBatch | number {
    if (this.#recovering) {
      if (this.#underWay > 0) return Number.POSITIVE_INFINITY;
      if (nowMs < this.#notBeforeMs) return this.#notBeforeMs - nowMs;
      this.#recovering = false;
      this.#numberAnew();
    }
    const end = Math.min(this.batches.length, this.#window());
    for (let index = 0; index < end; index++) {
      const batch = this.batches[index];
      if (batch === undefined || batch.underWay) continue;
      const waitMs = batch.sealed ? 0 : this.#lingerMs(batch, nowMs);
      return waitMs <= 0 ? batch : waitMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Marks a batch from {@link next} as sent, under `identity` where the queue has none of its own yet. */
  send(batch: ProducerBatch, identity: Identity | null): void {
    batch.sealed = true;
    batch.underWay = true;
    this.#underWay += 1;
    // A small one between large ones, such as the last of a call, does not make the next grow from its size.
    const room = Math.min(batch.byteLength + 64, Math.max(batch.byteLength, this.#batchBytes));
    this.#sizeHint = Math.max(room, this.#sizeHint >> 1);
    if (identity === null || batch.identity !== null) return;
    this.#identity ??= identity;
    const { producerId, producerEpoch } = this.#identity;
    batch.identity = { producerId, producerEpoch, baseSequence: this.#nextSequence };
    this.#nextSequence = addSequence(this.#nextSequence, batch.count);
  }

  /** Whether the next batch needs an identity from a broker. */
  get needsIdentity(): boolean {
    return this.#identity === null;
  }

  /** Takes the answer for a batch. True: the batch is done, its records were told. */
  answered(batch: ProducerBatch, outcome: Outcome, nowMs: number, jitter: number): boolean {
    batch.underWay = false;
    this.#underWay -= 1;
    if (!('error' in outcome)) {
      this.#failures = 0;
      this.#known ||= batch.identity?.producerEpoch === this.#identity?.producerEpoch;
      this.#remove(batch);
      batch.land(outcome.baseOffset, outcome.logAppendTimeMs);
      this.#reclaim(batch);
      return true;
    }
    const { error } = outcome;
    const code = error instanceof KafkaError ? error.code : null;
    batch.lastError = error;
    if (code === null || !beforeWriting.has(code)) batch.uncertain = true;
    // It may be made anew by now, and the log of the new one knows nobody.
    if (code !== null && unknownTopicCodes.has(code)) this.#known = false;
    const tooLarge = code === 'MESSAGE_TOO_LARGE' && batch.count > 1;
    if (tooLarge && !batch.settled) return this.#split(batch);
    const sequence = code !== null && ofSequence.has(code) && this.#settings.idempotent;
    if (sequence && this.batches[0] === batch) this.#renumber = 'yes';
    if (batch.settled || (!sequence && !isRetriableError(error))) {
      this.#remove(batch);
      batch.fail(error);
      this.#leaveHole(isRetriableError(error) || sequence);
      return true;
    }
    this.#recover(nowMs, jitter);
    return false;
  }

  /** What failed need not wait: the partition's leader is known again. */
  retryNow(): void {
    this.#notBeforeMs = 0;
  }

  #reclaim(batch: ProducerBatch): void {
    // Nobody answers with acks 0: it may be on its way still.
    const memory = this.#settings.acks === 0 ? null : batch.memory();
    if (memory !== null) this.#ports.memory?.give(memory);
  }

  /** Gives up a batch that is not wanted any more; one that is under way leaves with its answer. */
  giveUp(batch: ProducerBatch, error: Error): void {
    batch.fail(error);
    if (!batch.underWay) this.#remove(batch);
  }

  #window(): number {
    const { idempotent, acks, maxInFlight } = this.#settings;
    // Nobody tells a failure with acks 0.
    if (acks === 0) return maxInFlight;
    // Without sequences one that failed could land behind the next. And so it could with them as long as the broker
    // does not know the producer: it lets it begin with any sequence.
    return idempotent && this.#known ? maxInFlight : 1;
  }

  #lingerMs(batch: ProducerBatch, nowMs: number): number {
    const { lingerMs } = this.#settings;
    if (lingerMs !== null) return batch.openedMs + lingerMs - nowMs;
    if (this.batches[0] === batch || batch.byteLength >= BUSY_LINGER_BYTES) return 0;
    return batch.openedMs + BUSY_LINGER_MS - nowMs;
  }

  #recover(nowMs: number, jitter: number): void {
    if (!this.#recovering || this.#notBeforeMs <= nowMs) {
      const backoffMs = Math.min(
        this.#settings.retryBackoffMs * 2 ** this.#failures,
        BACKOFF_MAX_MS,
      );
      this.#notBeforeMs = nowMs + backoffMs * (0.8 + 0.4 * jitter);
      this.#failures += 1;
    }
    this.#recovering = true;
  }

  /** A batch left for good. Where it was refused for itself, those behind can be numbered anew without asking. */
  #leaveHole(unknown: boolean): void {
    if (unknown || !this.#settings.idempotent || this.#identity === null) return;
    if (this.#renumber === 'no') this.#renumber = 'unless uncertain';
    this.#recovering = true;
  }

  #numberAnew(): void {
    const wanted = this.#renumber;
    this.#renumber = 'no';
    const uncertain = this.batches.some((batch) => batch.uncertain);
    if (wanted === 'no' || (wanted === 'unless uncertain' && uncertain)) return;
    const { producerId, producerEpoch } = this.#identity ?? {
      producerId: -1,
      producerEpoch: EPOCH_MAX,
    };
    const next = { producerId, producerEpoch: producerEpoch + 1 };
    this.#identity = producerEpoch < EPOCH_MAX ? next : null;
    this.#known = false;
    this.#nextSequence = 0;
    for (const batch of this.batches) {
      batch.identity = null;
      batch.uncertain = false;
    }
  }

  /** The halves keep the batch's sequences, so what is behind stays as it is. */
  #split(batch: ProducerBatch): boolean {
    const [first, second] = batch.split();
    first.identity = batch.identity;
    if (batch.identity !== null) {
      const baseSequence = addSequence(batch.identity.baseSequence, first.count);
      second.identity = { ...batch.identity, baseSequence };
    }
    this.batches.splice(this.batches.indexOf(batch), 1, first, second);
    this.#batchBytes = Math.min(this.#batchBytes, Math.max(first.byteLength, second.byteLength));
    this.#recovering = true;
    return false;
  }

  #remove(batch: ProducerBatch): void {
    const index = this.batches.indexOf(batch);
    if (index >= 0) this.batches.splice(index, 1);
  }
}
