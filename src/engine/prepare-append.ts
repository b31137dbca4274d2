// From the bytes of an append request to a batch that may be stored: checks, and the two cases in
// which Kafka's broker changes a batch (LogAppendTime, and a topic with a codec of its own).

import { KafkaError } from '../base/kafka-errors.ts';
import {
  BATCH_HEADER_BYTES,
  BatchBuilder,
  BatchHeader,
  type BatchOptions,
  type Codec,
  codecOf,
  isCodecReady,
  RecordError,
  readRecords,
  setMaxTimestampAndLogAppendTime,
  validateBatch,
  validateRecords,
} from '../record/index.ts';
import type { AppendRequest } from './contract.ts';
import type { AppendRules } from './topic-settings.ts';

/** Produce version that is taken where none is told: a caller in this process. */
const PRODUCE_VERSION_NEWEST = 13;

/** A batch that passed, as it will be stored. */
export interface PreparedBatch {
  /** The header lies whole in the first part. */
  readonly parts: readonly Buffer[];
  readonly header: BatchHeader;
  readonly byteLength: number;
  /** Set under LogAppendTime, else -1. */
  readonly logAppendTimeMs: number;
}

/** The parts of a request's batch, the header whole in the first one if it is all there. */
export function partsOf(records: Buffer | readonly Buffer[]): readonly Buffer[] {
  if (Buffer.isBuffer(records)) return [records];
  const first = records[0];
  if (first === undefined) return [Buffer.alloc(0)];
  if (first.length >= BATCH_HEADER_BYTES || records.length === 1) return records;
  return [Buffer.concat(records)];
}

const noCodecs: readonly Codec[] = [];

/** Codecs that must be loaded before {@link checkedBatch} can look into or rebuild this batch. */
export function codecsMissing(parts: readonly Buffer[], rules: AppendRules): readonly Codec[] {
  const looksInside = rules.compacted || rules.timestampBeforeMaxMs !== Number.POSITIVE_INFINITY;
  if (!looksInside && rules.codec === null) return noCodecs;
  const head = parts[0];
  if (head === undefined || head.length < BATCH_HEADER_BYTES) return [];
  const codec = codecOf(new BatchHeader(head).codecId);
  if (codec === null) return [];
  const rebuilds = rules.codec !== null && rules.codec !== codec;
  const needed: Codec[] = looksInside || rebuilds ? [codec] : [];
  if (rebuilds && rules.codec !== null) needed.push(rules.codec);
  return needed.filter((name) => !isCodecReady(name));
}

/**
 * The view of a batch from inside the broker: our own coordinators wrote it, so it is not checked
 * again.
 */
export function trustedBatch(parts: readonly Buffer[]): PreparedBatch {
  const header = new BatchHeader(parts[0] ?? Buffer.alloc(0));
  return { parts, header, byteLength: header.sizeInBytes, logAppendTimeMs: -1 };
}

/**
 * Checks the header and checksum of a client's batch; nothing of it is changed.
 * Throws KafkaError as `validateBatch` does, and `INVALID_TXN_STATE` for a transactional batch.
 */
export function checkedBatch(
  request: AppendRequest,
  parts: readonly Buffer[],
  rules: AppendRules,
): PreparedBatch {
  const header = validateBatch(parts, {
    produceVersion: request.produceVersion ?? PRODUCE_VERSION_NEWEST,
    maxMessageBytes: rules.maxMessageBytes,
  });
  if (header.isTransactional) {
    const message = 'this broker has no transactions yet: write without a transactional id';
    throw new KafkaError('INVALID_TXN_STATE', message);
  }
  return { parts, header, byteLength: header.sizeInBytes, logAppendTimeMs: -1 };
}

/**
 * Checks a batch's records where the topic asks for it and gives it the form that is stored.
 * Throws KafkaError `INVALID_TIMESTAMP`, `INVALID_RECORD`, `MESSAGE_TOO_LARGE`.
 */
export function finishedBatch(
  batch: PreparedBatch,
  rules: AppendRules,
  nowMs: number,
): PreparedBatch {
  checkRecords(batch, rules, nowMs);
  const codec = codecOf(batch.header.codecId);
  const rebuilt =
    rules.codec === null || rules.codec === codec ? batch : recompressed(batch, rules, rules.codec);
  if (!rules.logAppendTime) return rebuilt;
  setMaxTimestampAndLogAppendTime(rebuilt.parts, nowMs);
  return { ...rebuilt, logAppendTimeMs: nowMs };
}

function checkRecords(batch: PreparedBatch, rules: AppendRules, nowMs: number): void {
  const { header, parts } = batch;
  const timed = !rules.logAppendTime;
  // The header's largest timestamp settles the common case; only a bound in the past needs each
  // record.
  const tooNew = timed && header.maxTimestamp - nowMs > rules.timestampAfterMaxMs;
  const old = timed && rules.timestampBeforeMaxMs !== Number.POSITIVE_INFINITY;
  const codec = codecOf(header.codecId);
  const readable = codec !== null && isCodecReady(codec);
  if (rules.compacted || old || (tooNew && readable)) {
    validateRecords(parts, {
      keysRequired: rules.compacted,
      nowMs,
      timestampBeforeMaxMs: timed ? rules.timestampBeforeMaxMs : Number.POSITIVE_INFINITY,
      timestampAfterMaxMs: timed ? rules.timestampAfterMaxMs : Number.POSITIVE_INFINITY,
    });
  }
  if (tooNew) {
    const ahead = header.maxTimestamp - nowMs;
    const limit = rules.timestampAfterMaxMs;
    throw new KafkaError(
      'INVALID_TIMESTAMP',
      `a timestamp is ${ahead} ms in the future, message.timestamp.after.max.ms=${limit}`,
    );
  }
}

function recompressed(batch: PreparedBatch, rules: AppendRules, codec: Codec): PreparedBatch {
  const { header, parts } = batch;
  const bytes = rebuild(parts, {
    codec,
    ...(rules.level === undefined ? {} : { level: rules.level }),
    transactional: header.isTransactional,
    producer: {
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
    },
  });
  if (bytes.length > rules.maxMessageBytes) {
    const message =
      `the batch has ${bytes.length} bytes as ${codec}, ` +
      `more than max.message.bytes=${rules.maxMessageBytes}`;
    throw new KafkaError('MESSAGE_TOO_LARGE', message);
  }
  return { ...batch, parts: [bytes], header: new BatchHeader(bytes), byteLength: bytes.length };
}

/**
 * Record by record: a batch of a megabyte can expand to millions. As in Kafka they get their offsets anew, in the order
 * in which they lie there.
 */
function rebuild(parts: readonly Buffer[], options: BatchOptions): Buffer {
  const builder = new BatchBuilder(options);
  try {
    for (const { timestamp, key, value, headers } of readRecords(parts)) {
      builder.append({ timestamp, key, value, headers });
    }
    return builder.build();
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw new KafkaError('INVALID_RECORD', error.message, { cause: error });
  }
}
