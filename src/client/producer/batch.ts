// One batch on its way: records of one partition, from the first append to the answer.

import { type OnFault, tell } from '../../base/tell.ts';
import {
  BATCH_HEADER_BYTES,
  BatchBuilder,
  type Codec,
  type NewRecord,
  type ProducerState,
  readRecords,
  setProducerState,
} from '../../record/index.ts';
import type { RecordMetadata } from './options.ts';

const EMPTY = Buffer.alloc(0);

/** Hears where a record landed. */
export type OnLanded = (landed: RecordMetadata) => void;
/** Hears that a record was given up. */
export type OnFailed = (error: Error) => void;

export interface BatchSettings {
  readonly codec: Codec;
  readonly level?: number;
  /** Bytes it will probably hold, so that the buffer need not grow. */
  readonly capacity: number;
  /** Instead of new memory. */
  readonly memory?: Buffer | null;
  /** Hears what those who are told of records throw. */
  readonly onFault: OnFault;
}

/** Which identity, and which place in its order, a batch was sent with. */
export type BatchIdentity = ProducerState;

export class ProducerBatch {
  readonly topic: string;
  readonly partition: number;
  /** When its first record came, on the monotonic clock. */
  readonly openedMs: number;
  /** Full or due: nothing more is added. */
  sealed = false;
  /** A request with it has no answer yet. */
  underWay = false;
  /** It was sent and nobody knows what became of it, so it may be in the log. */
  uncertain = false;
  /** Its records were told an end. */
  settled = false;
  /** Kept over retries, so that the broker knows a repeat. */
  identity: BatchIdentity | null = null;
  /** Bytes counted against the producer's limit until the records were told their end. */
  heldBytes = 0;
  /** What went wrong last. */
  lastError: Error | null = null;
  readonly #settings: BatchSettings;
  readonly #builder: BatchBuilder;
  readonly #landed: (OnLanded | null)[] = [];
  readonly #failed: (OnFailed | null)[] = [];
  readonly #timestamps: number[] = [];
  #onSettled: (() => void)[] | null = null;
  #bytes: Buffer | null = null;
  #header: Buffer = EMPTY;
  #builtWith: BatchIdentity | null = null;
  #repeated = false;

  constructor(
    place: { topic: string; partition: number },
    openedMs: number,
    settings: BatchSettings,
  ) {
    this.topic = place.topic;
    this.partition = place.partition;
    this.openedMs = openedMs;
    this.#settings = settings;
    this.#builder = new BatchBuilder(settings);
  }

  get count(): number {
    return this.#timestamps.length;
  }

  /** Bytes before compression. */
  get byteLength(): number {
    return this.#builder.byteLength;
  }

  /** Adds the record unless the batch would grow beyond `bytesMax`; a first record always fits. */
  tryAppend(
    record: NewRecord,
    bytesMax: number,
    landed: OnLanded | null,
    failed: OnFailed | null,
  ): boolean {
    if (this.sealed || !this.#builder.tryAppend(record, bytesMax)) return false;
    this.#landed.push(landed);
    this.#failed.push(failed);
    this.#timestamps.push(record.timestamp);
    this.heldBytes = this.#builder.byteLength;
    return true;
  }

  /**
   * The bytes for the next request. Those of an earlier one are no longer ours to change (a broker in this process may
   * keep them), so a repeat is a copy, with the header as we made it: such a broker writes offset, epoch and, where
   * the topic says so, its time into it. Throws KafkaError `UNSUPPORTED_COMPRESSION_TYPE`.
   */
  bytes(): Buffer {
    const { identity } = this;
    if (this.#bytes === null) {
      this.#bytes = this.#builder.build(identity ?? undefined);
      this.#builtWith = identity;
      this.#header = Buffer.from(this.#bytes.subarray(0, BATCH_HEADER_BYTES));
      return this.#bytes;
    }
    this.#repeated = true;
    this.#bytes = Buffer.from(this.#bytes);
    this.#header.copy(this.#bytes);
    if (identity !== null && identity !== this.#builtWith) {
      setProducerState(this.#bytes, identity);
      this.#builtWith = identity;
      this.#bytes.copy(this.#header);
    }
    return this.#bytes;
  }

  /** Two batches with the same records in the same order instead of this one, which is too large for the broker. */
  split(): [ProducerBatch, ProducerBatch] {
    const half = this.count >> 1;
    const parts = [this.#emptyCopy(half), this.#emptyCopy(this.count - half)] as const;
    let index = 0;
    for (const { key, value, timestamp, headers } of readRecords(this.bytes())) {
      const part = index < half ? parts[0] : parts[1];
      const record = { key, value, timestamp, headers: [...headers] };
      const landed = this.#landed[index] ?? null;
      part.tryAppend(record, Number.POSITIVE_INFINITY, landed, this.#failed[index] ?? null);
      index += 1;
    }
    let left = parts.length;
    const settled = (): void => {
      left -= 1;
      if (left === 0) for (const listener of this.#onSettled ?? []) listener();
    };
    for (const part of parts) {
      part.sealed = true;
      part.heldBytes = 0;
      part.onSettled(settled);
    }
    parts[1].heldBytes = this.heldBytes;
    return [parts[0], parts[1]];
  }

  #emptyCopy(records: number): ProducerBatch {
    const capacity = Math.ceil((this.byteLength * records) / this.count) + 128;
    return new ProducerBatch(this, this.openedMs, { ...this.#settings, capacity, memory: null });
  }

  /** Its memory for another, once it is acknowledged; null when it was sent more than once. */
  memory(): Buffer | null {
    return this.#repeated ? null : this.#builder.memory;
  }

  /** Calls `listener` when the records were told their end. */
  onSettled(listener: () => void): void {
    this.#onSettled ??= [];
    this.#onSettled.push(listener);
  }

  /** The broker has it: offsets follow each other from `baseOffset`; -1: it did not say. */
  land(baseOffset: number, logAppendTimeMs: number): void {
    if (this.settled) return;
    this.settled = true;
    const { topic, partition } = this;
    const { onFault } = this.#settings;
    for (let index = 0; index < this.#landed.length; index++) {
      const offset = baseOffset < 0 ? -1 : baseOffset + index;
      const own = this.#timestamps[index] ?? -1;
      const timestamp = logAppendTimeMs >= 0 ? logAppendTimeMs : own;
      const landed = this.#landed[index];
      if (landed) tell(landed, { topic, partition, offset, timestamp }, onFault);
    }
    for (const listener of this.#onSettled ?? []) listener();
  }

  fail(error: Error): void {
    if (this.settled) return;
    this.settled = true;
    for (const failed of this.#failed) tell(failed, error, this.#settings.onFault);
    for (const listener of this.#onSettled ?? []) listener();
  }
}
