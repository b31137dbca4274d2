// Reads batches out of a stretch of log, and records out of a batch. Whatever the bytes say,
// nothing is allocated by a length that was read, every step moves forward, and damage ends in a
// RecordError that names its place.

import { type Cursor, readVarint, readVarlong } from '../base/varint.ts';
import type { RecordHeader } from './builder.ts';
import { codecOf, decompress, EXPANDED_BYTES_MAX_DEFAULT } from './codec/codec.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchBytes,
  BatchHeader,
  headOf,
  LOG_OVERHEAD,
  MAGIC_V2,
} from './header.ts';
import { RecordError } from './record-error.ts';

/**
 * A record as stored. Key, value and header values are views into the batch's (expanded) bytes, not
 * copies.
 */
export interface StoredRecord {
  readonly offset: number;
  /** Milliseconds since the epoch, -1 for none; the batch's for `LogAppendTime`. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** What a batch's header says that its records are read by. */
export interface RecordsContext {
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  /** The one timestamp of all records under `LogAppendTime`, else null. */
  readonly logAppendTimeMs: number | null;
  readonly recordCount: number;
  readonly lastOffsetDelta: number;
}

const NO_HEADERS: readonly RecordHeader[] = [];
// The smallest record: length, attributes, two deltas, two null fields, header count.
const RECORD_BYTES_MIN = 7;
// The smallest header: an empty key and a null value.
const HEADER_BYTES_MIN = 2;

/** Context of the records in the batch under `header`. Throws RecordError `unsafe_integer`. */
export function recordsContext(header: BatchHeader): RecordsContext {
  return {
    baseOffset: header.baseOffset,
    baseTimestamp: header.baseTimestamp,
    logAppendTimeMs: header.timestampType === 'LogAppendTime' ? header.maxTimestamp : null,
    recordCount: header.recordCount,
    lastOffsetDelta: header.lastOffsetDelta,
  };
}

export interface ReadOptions {
  /** Cap on the expanded size of a compressed batch in bytes; default 128 MiB. */
  readonly maxBytes?: number;
}

/**
 * The records of one whole batch, expanded when it is compressed. The checksum is not looked at
 * (see verifyBatch). zstd needs `prepareCodec('zstd')` once before.
 * Throws {@link RecordError} for damage, at once or while iterating, and KafkaError
 * `UNSUPPORTED_COMPRESSION_TYPE`.
 */
export function readRecords(batch: BatchBytes, options: ReadOptions = {}): Iterable<StoredRecord> {
  const header = new BatchHeader(headOf(batch));
  return iterateRecords(expandRecords(batch, options), recordsContext(header));
}

/** The records section of one whole batch without its compression. */
export function expandRecords(batch: BatchBytes, options: ReadOptions = {}): Buffer {
  const bytes = Buffer.isBuffer(batch) ? batch : Buffer.concat(batch);
  const header = new BatchHeader(bytes);
  checkFrame(bytes, 0);
  const section = bytes.subarray(BATCH_HEADER_BYTES, header.sizeInBytes);
  const place = { offset: header.baseOffset, position: BATCH_HEADER_BYTES };
  const codec = codecOf(header.codecId);
  if (codec === null) {
    throw new RecordError('corrupt_batch', `there is no codec ${header.codecId}`, place);
  }
  // A batch that compaction emptied may keep its codec bits, with nothing to expand.
  if (section.length === 0) return section;
  try {
    return decompress(codec, section, options.maxBytes ?? EXPANDED_BYTES_MAX_DEFAULT);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw new RecordError(error.code, `${codec} batch: ${error.message}`, place, { cause: error });
  }
}

/**
 * The records in an uncompressed section. Throws {@link RecordError} `corrupt_record` where it
 * cannot go on.
 */
export function* iterateRecords(
  section: Buffer,
  context: RecordsContext,
): Generator<StoredRecord, void, undefined> {
  const { recordCount } = context;
  if (recordCount < 0 || recordCount > section.length / RECORD_BYTES_MIN) {
    const message = `${section.length} bytes cannot hold ${recordCount} records`;
    throw corrupt(message, context.baseOffset, 0);
  }
  const cursor: Cursor = { position: 0 };
  for (let index = 0; index < recordCount; index++) {
    yield readRecord(section, cursor, context);
  }
  if (cursor.position !== section.length) {
    throw corrupt('bytes are left after the last record', context.baseOffset, cursor.position);
  }
}

function readRecord(section: Buffer, cursor: Cursor, context: RecordsContext): StoredRecord {
  const start = cursor.position;
  try {
    return parseRecord(section, cursor, context);
  } catch (error) {
    if (error instanceof RecordError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new RecordError('corrupt_record', message, place(context.baseOffset, start), {
      cause: error,
    });
  }
}

function parseRecord(section: Buffer, cursor: Cursor, context: RecordsContext): StoredRecord {
  const start = cursor.position;
  const length = readVarint(section, cursor, section.length);
  const end = cursor.position + length;
  if (length < RECORD_BYTES_MIN - 1 || end > section.length) {
    throw corrupt(`a record of ${length} bytes does not fit`, context.baseOffset, start);
  }
  // Record attributes: a byte without meaning so far.
  cursor.position += 1;
  const timestampDelta = readVarlong(section, cursor, end);
  const offsetDelta = readVarint(section, cursor, end);
  if (offsetDelta < 0 || offsetDelta > context.lastOffsetDelta) {
    throw corrupt(`offset delta ${offsetDelta} is out of range`, context.baseOffset, start);
  }
  const offset = context.baseOffset + offsetDelta;
  const key = readField(section, cursor, end);
  const value = readField(section, cursor, end);
  const headers = readHeaders(section, cursor, end);
  if (cursor.position !== end) {
    throw corrupt(`a record ends ${end - cursor.position} bytes early`, offset, start);
  }
  const timestamp = context.logAppendTimeMs ?? context.baseTimestamp + timestampDelta;
  return { offset, timestamp, key, value, headers };
}

function readField(section: Buffer, cursor: Cursor, end: number): Buffer | null {
  const length = readVarint(section, cursor, end);
  if (length < 0) return null;
  const from = cursor.position;
  if (length > end - from) {
    throw new RangeError(`a field of ${length} bytes does not fit at byte ${from}`);
  }
  cursor.position = from + length;
  return section.subarray(from, from + length);
}

function readHeaders(section: Buffer, cursor: Cursor, end: number): readonly RecordHeader[] {
  const count = readVarint(section, cursor, end);
  if (count === 0) return NO_HEADERS;
  if (count < 0 || count > (end - cursor.position) / HEADER_BYTES_MIN) {
    throw new RangeError(`${count} headers do not fit at byte ${cursor.position}`);
  }
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = readField(section, cursor, end);
    if (key === null) throw new RangeError(`a header without key at byte ${cursor.position}`);
    const value = readField(section, cursor, end);
    headers.push({ key: key.toString('utf8'), value });
  }
  return headers;
}

function place(offset: number, position: number): { offset: number; position: number } {
  return { offset, position };
}

function corrupt(message: string, offset: number, position: number): RecordError {
  return new RecordError('corrupt_record', message, place(offset, position));
}

/**
 * The batches in a stretch of log such as a fetch response, in order. It ends at the end of the
 * bytes or where the last batch is cut off, as a broker's limits may do. Throws {@link RecordError}
 * `corrupt_batch` or `unsupported_magic` at a batch that cannot be stepped over; it never skips
 * one. Checksums are not looked at.
 */
export function* iterateBatches(
  bytes: Buffer,
  position = 0,
): Generator<BatchHeader, void, undefined> {
  let at = position;
  while (bytes.length - at >= BATCH_HEADER_BYTES) {
    const size = checkFrame(bytes, at, { partialOk: true });
    if (size > bytes.length - at) return;
    yield new BatchHeader(bytes, at);
    at += size;
  }
}

/** The bytes of the batch that a header from {@link iterateBatches} stands at. */
export function batchBytes(header: BatchHeader): Buffer {
  return header.buffer.subarray(header.position, header.position + header.sizeInBytes);
}

/** Size of the batch at `position`, whose header is all there. */
function checkFrame(bytes: Buffer, position: number, options?: { partialOk: boolean }): number {
  const offset = bytes.length - position >= 8 ? Number(bytes.readBigInt64BE(position)) : -1;
  if (bytes.length - position < BATCH_HEADER_BYTES) {
    throw new RecordError(
      'truncated_batch',
      'the batch header is cut off',
      place(offset, position),
    );
  }
  const size = bytes.readInt32BE(position + 8) + LOG_OVERHEAD;
  const magic = bytes.readInt8(position + 16);
  if (magic !== MAGIC_V2) {
    const message = `message format ${magic} is not supported, only 2`;
    throw new RecordError('unsupported_magic', message, place(offset, position));
  }
  if (size < BATCH_HEADER_BYTES) {
    const message = `a batch of ${size} bytes is smaller than its header`;
    throw new RecordError('corrupt_batch', message, place(offset, position));
  }
  if (options?.partialOk !== true && size > bytes.length - position) {
    throw new RecordError('truncated_batch', 'the batch is cut off', place(offset, position));
  }
  return size;
}
