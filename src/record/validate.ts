// What is checked of a batch before it is stored (validateBatch, validateRecords: answers in
// Kafka's codes, for a produce) and after it was read back (verifyBatch). Codes and order follow
// Kafka 4.3: ProduceRequest.validateRecords, UnifiedLog.analyzeAndValidateRecords,
// LogValidator.validateBatch. Two differences on purpose: bytes after the batch that are no whole
// batch are refused (Kafka cuts them off silently), and an unknown codec is answered with
// UNSUPPORTED_COMPRESSION_TYPE (Kafka: UNKNOWN_SERVER_ERROR).

import { KafkaError } from '../base/kafka-errors.ts';
import { codecIdOf, codecOf } from './codec/codec.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchBytes,
  BatchHeader,
  computeBatchCrc,
  headOf,
  LOG_OVERHEAD,
  MAGIC_V2,
  NO_TIMESTAMP,
} from './header.ts';
import type { StoredRecord } from './iterator.ts';
import { RecordError, type RecordErrorCode } from './record-error.ts';
import { RECORD_BYTES_MIN } from './scanner.ts';

// Bytes up to and including the magic byte; with fewer Kafka sees no batch at all.
const BYTES_TO_MAGIC = 17;
const ZSTD_PRODUCE_VERSION_MIN = 7;

export interface ProduceRules {
  /** Version of the produce request; zstd needs 7. */
  readonly produceVersion: number;
  /** Largest batch, header included (`max.message.bytes`). */
  readonly maxMessageBytes: number;
}

/**
 * Checks the one batch that a produce request holds for a partition, by its header and checksum
 * alone, and returns a view of the header. `bytes` may come in several pieces, with the header
 * whole in the first.
 *
 * Throws KafkaError: `INVALID_RECORD` (no batch or more than one, old magic, base offset, counts,
 * control batch, sequence), `CORRUPT_MESSAGE` (sizes, unknown magic, checksum),
 * `MESSAGE_TOO_LARGE`, `INVALID_TIMESTAMP` (the producer claims LogAppendTime),
 * `UNSUPPORTED_COMPRESSION_TYPE`; as a {@link ProduceFormatError} what is wrong with the request
 * itself.
 */
export function validateBatch(bytes: BatchBytes, rules: ProduceRules): BatchHeader {
  const total = totalBytes(bytes);
  const header = new BatchHeader(headOf(bytes));
  checkFraming(header, total);
  if (rules.produceVersion < ZSTD_PRODUCE_VERSION_MIN) checkOldCodec(header);
  if (total > rules.maxMessageBytes) {
    const limit = rules.maxMessageBytes;
    const message = `the batch has ${total} bytes, more than max.message.bytes=${limit}`;
    throw new KafkaError('MESSAGE_TOO_LARGE', message);
  }
  if (computeBatchCrc(bytes) !== header.crc) {
    throw new KafkaError('CORRUPT_MESSAGE', 'the checksum of the batch is wrong');
  }
  checkFields(header);
  return header;
}

/**
 * A produce request that is wrong in itself, whatever partition it is for. Kafka looks for that
 * (ProduceRequest.validateRecords) before it looks for the partition.
 */
export class ProduceFormatError extends KafkaError {
  constructor(name: 'INVALID_RECORD' | 'UNSUPPORTED_COMPRESSION_TYPE', message: string) {
    super(name, message);
  }
}

function checkOldCodec({ codecId }: BatchHeader): void {
  if (codecId !== codecIdOf('zstd') && codecOf(codecId) !== null) return;
  const message =
    codecOf(codecId) === null
      ? `there is no codec ${codecId}`
      : `zstd needs produce version ${ZSTD_PRODUCE_VERSION_MIN} or later`;
  throw new ProduceFormatError('UNSUPPORTED_COMPRESSION_TYPE', message);
}

function totalBytes(bytes: BatchBytes): number {
  if (Buffer.isBuffer(bytes)) return bytes.length;
  return bytes.reduce((sum, part) => sum + part.length, 0);
}

function checkFraming(header: BatchHeader, total: number): void {
  const head = header.buffer.length;
  if (head < BYTES_TO_MAGIC) throw noBatch();
  const size = header.sizeInBytes;
  const magic = header.magic;
  if (magic < 0 || magic > MAGIC_V2) {
    throw new KafkaError('CORRUPT_MESSAGE', `there is no message format ${magic}`);
  }
  if (magic !== MAGIC_V2) {
    const message = `message format ${magic} is no longer accepted, only record batches (format 2)`;
    throw new ProduceFormatError('INVALID_RECORD', message);
  }
  if (size < BATCH_HEADER_BYTES) {
    throw new KafkaError('CORRUPT_MESSAGE', `a batch cannot have ${size} bytes`);
  }
  if (size > total || head < BATCH_HEADER_BYTES) throw noBatch();
  if (size < total) {
    throw new ProduceFormatError(
      'INVALID_RECORD',
      `a produce request holds exactly one batch per partition, ${total - size} bytes follow it`,
    );
  }
}

function noBatch(): KafkaError {
  const message = 'a produce request holds one whole batch per partition';
  return new ProduceFormatError('INVALID_RECORD', message);
}

function checkFields(header: BatchHeader): void {
  const { baseOffset, recordCount, lastOffsetDelta, baseSequence, producerId } = readFields(header);
  if (baseOffset !== 0) {
    throw invalid(`the base offset of a produced batch is 0, this is ${baseOffset}`);
  }
  if (recordCount <= 0) throw invalid(`a record count of ${recordCount}`);
  if (lastOffsetDelta !== recordCount - 1) {
    throw invalid(`last offset delta ${lastOffsetDelta} with ${recordCount} records`);
  }
  // Each takes an offset: a few bytes must not use up billions of them. What is compressed may hold any number.
  const room = header.sizeInBytes - BATCH_HEADER_BYTES;
  if (codecOf(header.codecId) === 'none' && recordCount > room / RECORD_BYTES_MIN) {
    throw invalid(`${room} bytes cannot hold ${recordCount} records`);
  }
  if (header.isControl) throw invalid('clients may not write control records');
  if (header.deleteHorizonMs !== null) throw invalid('clients may not set a delete horizon');
  if (producerId >= 0 && baseSequence < 0) {
    throw invalid(`sequence ${baseSequence} with producer id ${producerId}`);
  }
  if (header.timestampType === 'LogAppendTime') {
    throw new KafkaError('INVALID_TIMESTAMP', 'producers may not set timestamp type LogAppendTime');
  }
  if (codecOf(header.codecId) === null) {
    throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `there is no codec ${header.codecId}`);
  }
}

interface CheckedFields {
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly lastOffsetDelta: number;
  readonly baseSequence: number;
  readonly producerId: number;
}

/** Also touches both timestamps, so that whoever reads the stored batch finds safe integers. */
function readFields(header: BatchHeader): CheckedFields {
  try {
    void header.baseTimestamp;
    void header.maxTimestamp;
    const { baseOffset, recordCount, lastOffsetDelta, baseSequence, producerId } = header;
    return { baseOffset, recordCount, lastOffsetDelta, baseSequence, producerId };
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw new KafkaError('INVALID_RECORD', error.message, { cause: error });
  }
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_RECORD', `the batch is not valid: ${message}`);
}

/**
 * Rules that need the records themselves; the broker decodes them only on topics that ask for it.
 */
export interface RecordRules {
  /** The topic is compacted: every record needs a key. */
  readonly keysRequired: boolean;
  readonly nowMs: number;
  /** `message.timestamp.before.max.ms`; Infinity for no bound. */
  readonly timestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms`; Infinity for no bound. */
  readonly timestampAfterMaxMs: number;
}

/** One refused record: its index in the batch and why (`recordErrors` of a produce response). */
export interface RecordRefusal {
  readonly batchIndex: number;
  readonly message: string;
}

/**
 * So many refused records are named: a batch of a megabyte can expand to millions of records, and an answer that names
 * them all would be larger than what was asked.
 */
const REFUSALS_NAMED_MAX = 1_000;

/** A produce refused for single records, of which the first are named. */
export class InvalidRecordsError extends KafkaError {
  readonly recordErrors: readonly RecordRefusal[];
  /** How many records are refused. */
  readonly count: number;

  constructor(
    name: 'INVALID_RECORD' | 'INVALID_TIMESTAMP',
    refusals: readonly RecordRefusal[],
    count: number,
  ) {
    const first = refusals[0]?.message ?? '';
    super(name, `${count} records are refused, the first since ${first}`);
    this.recordErrors = refusals;
    this.count = count;
  }
}

/**
 * Checks every record of a batch that passed {@link validateBatch}, and answers their largest timestamp, -1 for none.
 * Throws {@link InvalidRecordsError} `INVALID_TIMESTAMP` or `INVALID_RECORD`, and what reading the records throws.
 */
export function checkRecords(records: Iterable<StoredRecord>, rules: RecordRules): number {
  const refusals: RecordRefusal[] = [];
  let count = 0;
  let outOfTime = false;
  let batchIndex = 0;
  let largest = NO_TIMESTAMP;
  const refuse = (why: () => string): void => {
    count += 1;
    if (count <= REFUSALS_NAMED_MAX) refusals.push({ batchIndex, message: why() });
  };
  for (const record of records) {
    if (rules.keysRequired && record.key === null) {
      refuse(() => 'a compacted topic takes no record without key');
    } else if (!inTime(record.timestamp, rules)) {
      outOfTime = true;
      refuse(() => `timestamp ${record.timestamp} is out of the topic's bounds`);
    }
    if (record.timestamp > largest) largest = record.timestamp;
    batchIndex += 1;
  }
  if (count === 0) return largest;
  throw new InvalidRecordsError(
    outOfTime ? 'INVALID_TIMESTAMP' : 'INVALID_RECORD',
    refusals,
    count,
  );
}

function inTime(timestamp: number, rules: RecordRules): boolean {
  if (timestamp === -1) return true;
  const age = rules.nowMs - timestamp;
  return age <= rules.timestampBeforeMaxMs && -age <= rules.timestampAfterMaxMs;
}

/**
 * Checks one whole batch as it was read back from disk or network: size, magic, checksum, and
 * counts that agree. Returns a view of its header. Throws {@link RecordError}.
 */
export function verifyBatch(bytes: BatchBytes): BatchHeader {
  const head = headOf(bytes);
  const total = totalBytes(bytes);
  if (head.length < BATCH_HEADER_BYTES) throw damage('truncated_batch', head, 'header cut off');
  const header = new BatchHeader(head);
  const size = header.batchLength + LOG_OVERHEAD;
  if (header.magic !== MAGIC_V2) throw damage('unsupported_magic', head, `magic ${header.magic}`);
  if (size < BATCH_HEADER_BYTES) throw damage('corrupt_batch', head, `size ${size}`);
  if (size > total) throw damage('truncated_batch', head, `${size} bytes needed, ${total} there`);
  if (size < total) throw damage('corrupt_batch', head, `${total - size} bytes too many`);
  if (computeBatchCrc(bytes) !== header.crc) throw damage('corrupt_batch', head, 'wrong checksum');
  const { recordCount, lastOffsetDelta } = header;
  // Compaction leaves fewer records than offsets, down to none.
  if (recordCount < 0 || lastOffsetDelta < 0 || recordCount > lastOffsetDelta + 1) {
    const message = `${recordCount} records in ${lastOffsetDelta + 1} offsets`;
    throw damage('corrupt_batch', head, message);
  }
  if (header.baseOffset < 0) throw damage('corrupt_batch', head, 'a negative offset');
  return header;
}

function damage(code: RecordErrorCode, head: Buffer, message: string): RecordError {
  const offset = head.length >= 8 ? Number(head.readBigInt64BE(0)) : -1;
  return new RecordError(code, `damaged batch: ${message}`, { offset, position: 0 });
}
