// Builds one record batch, byte for byte what Java's MemoryRecordsBuilder would write for the same
// records. The bytes of the records are written as they are appended, so the size is known at any
// time.

import { assert } from '../base/errors.ts';
import { writeInt64 } from '../base/int64.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import { varintSize, varlongSize, writeVarint, writeVarlong } from '../base/varint.ts';
import { type Codec, codecIdOf, compress } from './codec/codec.ts';
import {
  BATCH_HEADER_BYTES,
  BatchAttribute,
  BatchField,
  LOG_OVERHEAD,
  MAGIC_V2,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  type ProducerState,
  rewriteBatchCrc,
} from './header.ts';

/** A header's key is text, its value bytes or null. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** One record to append. */
export interface NewRecord {
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Its offset, when not the one after the last; must rise. Compaction leaves gaps. */
  readonly offset?: number;
}

export interface BatchOptions {
  /** Default `none`. */
  readonly codec?: Codec;
  /** Level of gzip or zstd. */
  readonly level?: number;
  /** Default 0, which is what producers send. */
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  /** Default: no producer id. Can also be given to {@link BatchBuilder.build}. */
  readonly producer?: ProducerState;
  readonly transactional?: boolean;
  readonly control?: boolean;
  /** Set for `LogAppendTime`: this time stands for every record. */
  readonly logAppendTimeMs?: number;
  /** Compaction's horizon (KIP-534); becomes the base timestamp. */
  readonly deleteHorizonMs?: number;
  /**
   * Offset the batch ends with, when later records were compacted away. Default: the last record's.
   */
  readonly lastOffset?: number;
  /** First allocation in bytes; it doubles as needed. Default 1024. */
  readonly capacity?: number;
  /** To be written into, instead of a first allocation. */
  readonly memory?: Buffer | null;
}

const CAPACITY_DEFAULT = 1024;
const OFFSET_DELTA_MAX = 0x7fff_ffff;
const NO_HEADERS: readonly RecordHeader[] = [];

/**
 * Collects records into one batch.
 *
 * `build()` hands its buffer out (an uncompressed batch is not copied), so it is called once.
 */
export class BatchBuilder {
  readonly #options: BatchOptions;
  readonly #baseOffset: number;
  #bytes: Buffer;
  #position = BATCH_HEADER_BYTES;
  #count = 0;
  #lastOffset: number;
  #baseTimestamp: number | null;
  #maxTimestamp = NO_TIMESTAMP;
  #built = false;

  constructor(options: BatchOptions = {}) {
    this.#options = options;
    this.#baseOffset = options.baseOffset ?? 0;
    this.#lastOffset = this.#baseOffset - 1;
    this.#baseTimestamp = options.deleteHorizonMs ?? null;
    const capacity = Math.max(BATCH_HEADER_BYTES, options.capacity ?? CAPACITY_DEFAULT);
    this.#bytes = options.memory ?? Buffer.allocUnsafe(capacity);
  }

  /** Records appended so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the batch if it were built now without compression. */
  get byteLength(): number {
    return this.#position;
  }

  /** What the records are written into; without compression {@link build} gives a slice of it. */
  get memory(): Buffer {
    return this.#bytes;
  }

  /** Largest timestamp so far, -1 before the first record. */
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  /**
   * Expected bytes of the built batch, when compressed records shrink to `ratio` of their size
   * (take what the last batches reached; 1 to be safe). Exact without compression.
   */
  estimatedBytes(ratio = 1): number {
    if ((this.#options.codec ?? 'none') === 'none') return this.#position;
    return BATCH_HEADER_BYTES + Math.ceil((this.#position - BATCH_HEADER_BYTES) * ratio);
  }

  /** Exactly how many bytes {@link append} would add for this record, before compression. */
  sizeOf(record: NewRecord): number {
    const body = this.#bodyBytes(record, this.#offsetOf(record));
    return varintSize(body) + body;
  }

  /** Adds a record. Returns its offset. Throws KafkaError `INVALID_TIMESTAMP`. */
  append(record: NewRecord): number {
    this.tryAppend(record, Number.POSITIVE_INFINITY);
    return this.#lastOffset;
  }

  /**
   * Adds a record unless {@link byteLength} would go beyond `bytesMax`; a first record always fits. Returns whether
   * it did. Throws KafkaError `INVALID_TIMESTAMP`.
   */
  tryAppend(record: NewRecord, bytesMax: number): boolean {
    assert(!this.#built, 'a built batch takes no more records');
    const { timestamp } = record;
    if (!Number.isSafeInteger(timestamp) || timestamp < NO_TIMESTAMP) {
      const message = `${timestamp} is no timestamp: whole milliseconds since the epoch, or -1`;
      throw new KafkaError('INVALID_TIMESTAMP', message);
    }
    const offset = this.#offsetOf(record);
    assert(offset > this.#lastOffset, 'offsets in a batch rise');
    assert(offset - this.#baseOffset <= OFFSET_DELTA_MAX, 'offset deltas are int32');
    const body = this.#bodyBytes(record, offset);
    const full = this.#position + varintSize(body) + body > bytesMax;
    if (full && this.#count > 0) return false;
    this.#baseTimestamp ??= timestamp;
    this.#reserve(body + 5);
    this.#write(record, offset, body);
    this.#lastOffset = offset;
    this.#count += 1;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    return true;
  }

  /**
   * The finished batch. `producer` overrides the options', for clients that learn it late.
   * Throws KafkaError `UNSUPPORTED_COMPRESSION_TYPE` when the codec is missing or not prepared.
   */
  build(producer?: ProducerState): Buffer {
    assert(!this.#built, 'a batch is built once');
    assert(this.#count > 0, 'a batch has at least one record; see emptyBatch()');
    this.#built = true;
    const batch = this.#withRecords();
    writeHeader(batch, {
      options: this.#options,
      producer: producer ?? this.#options.producer,
      baseOffset: this.#baseOffset,
      lastOffset: this.#options.lastOffset ?? this.#lastOffset,
      baseTimestamp: this.#baseTimestamp ?? NO_TIMESTAMP,
      maxTimestamp: this.#options.logAppendTimeMs ?? this.#maxTimestamp,
      count: this.#count,
    });
    return batch;
  }

  #withRecords(): Buffer {
    const { codec = 'none', level } = this.#options;
    if (codec === 'none') return this.#bytes.subarray(0, this.#position);
    const plain = this.#bytes.subarray(BATCH_HEADER_BYTES, this.#position);
    const records = compress(codec, plain, level === undefined ? {} : { level });
    const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + records.length);
    records.copy(batch, BATCH_HEADER_BYTES);
    return batch;
  }

  #offsetOf(record: NewRecord): number {
    return record.offset ?? this.#lastOffset + 1;
  }

  #bodyBytes(record: NewRecord, offset: number): number {
    const timestampDelta = record.timestamp - (this.#baseTimestamp ?? record.timestamp);
    let bytes = 1 + varlongSize(timestampDelta) + varintSize(offset - this.#baseOffset);
    bytes += fieldSize(record.key) + fieldSize(record.value);
    const headers = record.headers ?? NO_HEADERS;
    bytes += varintSize(headers.length);
    for (const { key, value } of headers) {
      const keyBytes = Buffer.byteLength(key);
      bytes += varintSize(keyBytes) + keyBytes + fieldSize(value);
    }
    return bytes;
  }

  #write(record: NewRecord, offset: number, bodyBytes: number): void {
    const bytes = this.#bytes;
    let position = writeVarint(bytes, this.#position, bodyBytes);
    // Record attributes: none are defined.
    bytes[position++] = 0;
    const timestampDelta = record.timestamp - (this.#baseTimestamp ?? record.timestamp);
    position = writeVarlong(bytes, position, timestampDelta);
    position = writeVarint(bytes, position, offset - this.#baseOffset);
    position = writeField(bytes, position, record.key);
    position = writeField(bytes, position, record.value);
    const headers = record.headers ?? NO_HEADERS;
    position = writeVarint(bytes, position, headers.length);
    for (const { key, value } of headers) {
      position = writeVarint(bytes, position, Buffer.byteLength(key));
      position += bytes.write(key, position);
      position = writeField(bytes, position, value);
    }
    this.#position = position;
  }

  #reserve(more: number): void {
    const needed = this.#position + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, BATCH_HEADER_BYTES, BATCH_HEADER_BYTES, this.#position);
    this.#bytes = larger;
  }
}

function fieldSize(field: Uint8Array | null): number {
  return field === null ? 1 : varintSize(field.length) + field.length;
}

function writeField(bytes: Buffer, position: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(bytes, position, -1);
  const start = writeVarint(bytes, position, field.length);
  bytes.set(field, start);
  return start + field.length;
}

/** Builds a batch of the given records (at least one) in one call. */
export function buildBatch(records: readonly NewRecord[], options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder(options);
  for (const record of records) builder.append(record);
  return builder.build();
}

/** What is known of a batch whose records were all compacted away. */
export interface EmptyBatchOptions {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly producer: ProducerState;
  /** Stored as max timestamp; the base timestamp stays -1. */
  readonly timestamp: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly transactional: boolean;
  readonly control: boolean;
}

/**
 * A header without records, which compaction keeps so that a producer's last sequence is not
 * forgotten (DefaultRecordBatch.writeEmptyHeader).
 */
export function emptyBatch(options: EmptyBatchOptions): Buffer {
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES);
  const { transactional, control, producer, partitionLeaderEpoch, timestamp } = options;
  const times = options.timestampType === 'LogAppendTime' ? { logAppendTimeMs: timestamp } : {};
  writeHeader(batch, {
    options: { transactional, control, partitionLeaderEpoch, ...times },
    producer,
    baseOffset: options.baseOffset,
    lastOffset: options.lastOffset,
    baseTimestamp: NO_TIMESTAMP,
    maxTimestamp: timestamp,
    count: 0,
  });
  return batch;
}

interface HeaderFields {
  readonly options: BatchOptions;
  readonly producer: ProducerState | undefined;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly count: number;
}

const NO_PRODUCER: ProducerState = {
  producerId: NO_PRODUCER_ID,
  producerEpoch: NO_PRODUCER_EPOCH,
  baseSequence: NO_SEQUENCE,
};

function writeHeader(batch: Buffer, fields: HeaderFields): void {
  const { options } = fields;
  const { producerId, producerEpoch, baseSequence } = fields.producer ?? NO_PRODUCER;
  writeInt64(batch, BatchField.baseOffset, fields.baseOffset);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD, BatchField.batchLength);
  const epoch = options.partitionLeaderEpoch ?? NO_LEADER_EPOCH;
  batch.writeInt32BE(epoch, BatchField.partitionLeaderEpoch);
  batch.writeInt8(MAGIC_V2, BatchField.magic);
  batch.writeInt16BE(attributesOf(options), BatchField.attributes);
  batch.writeInt32BE(fields.lastOffset - fields.baseOffset, BatchField.lastOffsetDelta);
  writeInt64(batch, BatchField.baseTimestamp, fields.baseTimestamp);
  writeInt64(batch, BatchField.maxTimestamp, fields.maxTimestamp);
  writeInt64(batch, BatchField.producerId, producerId);
  batch.writeInt16BE(producerEpoch, BatchField.producerEpoch);
  batch.writeInt32BE(baseSequence, BatchField.baseSequence);
  batch.writeInt32BE(fields.count, BatchField.recordCount);
  rewriteBatchCrc(batch);
}

function attributesOf(options: BatchOptions): number {
  let attributes = codecIdOf(options.codec ?? 'none');
  if (options.logAppendTimeMs !== undefined) attributes |= BatchAttribute.logAppendTime;
  if (options.transactional === true) attributes |= BatchAttribute.transactional;
  if (options.control === true) attributes |= BatchAttribute.control;
  if (options.deleteHorizonMs !== undefined) attributes |= BatchAttribute.deleteHorizon;
  return attributes;
}
