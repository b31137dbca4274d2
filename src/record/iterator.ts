// Reads batches out of a stretch of log, and records out of a batch. Whatever the bytes say,
// nothing is allocated by a length that was read, every step moves forward, and damage ends in a
// RecordError that names its place.

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
import { RecordScanner, type RecordsContext, recordsContext } from './scanner.ts';

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
  const scanner = new RecordScanner(section, context);
  while (scanner.next()) {
    const { offset, timestamp, keyAt, keyLength, valueAt, valueLength } = scanner;
    const key = keyLength < 0 ? null : section.subarray(keyAt, keyAt + keyLength);
    const value = valueLength < 0 ? null : section.subarray(valueAt, valueAt + valueLength);
    yield { offset, timestamp, key, value, headers: scanner.headers() };
  }
}

function place(offset: number, position: number): { offset: number; position: number } {
  return { offset, position };
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
