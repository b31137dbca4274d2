// From the bytes of an append request to a batch that may be stored: checks, and the three cases in which Kafka's
// broker changes a batch: LogAppendTime, a topic with a codec of its own, and a header that states another largest
// timestamp than the records have (LogValidator). That one is what retention and searches by time go by, so Kafka reads
// it from every record. Here the records of a compressed batch are not expanded for it, unless the topic asks for a
// look at them, or the header shows that it is wrong: the largest is below the base timestamp, which is the first
// record's.

import { readInt64 } from '../base/int64.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  type BatchOptions,
  type Codec,
  codecOf,
  isCodecReady,
  LOOK_NOW_BYTES_MAX,
  type LookOutcome,
  largestTimestamp,
  lookInside,
  type RecordLook,
  type RecordRules,
  setMaxTimestamp,
  setMaxTimestampAndLogAppendTime,
  throwRefusal,
  validateBatch,
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

/** Codecs that must be loaded before this batch can be looked into or rebuilt. */
export function codecsMissing(parts: readonly Buffer[], rules: AppendRules): readonly Codec[] {
  const head = parts[0];
  if (head === undefined || head.length < BATCH_HEADER_BYTES) return noCodecs;
  const header = new BatchHeader(head);
  const checks = checksRecords(header, rules);
  if (!checks && rules.codec === null) return noCodecs;
  const codec = codecOf(header.codecId);
  if (codec === null) return noCodecs;
  const rebuilds = rules.codec !== null && rules.codec !== codec;
  const needed: Codec[] = checks || rebuilds ? [codec] : [];
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

/** Whether each record has to be checked. Nothing of the header needs to be checked before. */
function checksRecords(header: BatchHeader, rules: AppendRules): boolean {
  if (rules.compacted) return true;
  if (rules.logAppendTime) return false;
  // The header's largest timestamp settles the common case; only a bound in the past needs each record's.
  if (rules.timestampBeforeMaxMs !== Number.POSITIVE_INFINITY) return true;
  return header.isCompressed && statesTooOld(header);
}

/** The largest timestamp is below that of the first record. */
function statesTooOld({ buffer }: BatchHeader): boolean {
  const largest = readInt64(buffer, BatchField.maxTimestamp);
  return largest < readInt64(buffer, BatchField.baseTimestamp);
}

/**
 * Sets the largest timestamp of a batch from its records. One that is compressed stays as it is here; `lookInside` may
 * find what it should have.
 */
export function setTimeFromRecords({ parts, header }: PreparedBatch, rules: AppendRules): void {
  if (rules.logAppendTime || header.isCompressed) return;
  const largest = largestTimestamp(parts, header);
  // Records that cannot be read tell nothing.
  if (largest !== null) setLargest(parts, header, largest);
}

function setLargest(parts: readonly Buffer[], header: BatchHeader, timestamp: number): void {
  if (timestamp !== header.maxTimestamp) setMaxTimestamp(parts, timestamp);
}

/**
 * What has to be looked at inside a batch, or made of it; null where its header says enough. Throws KafkaError
 * `INVALID_TIMESTAMP` where that says too much.
 */
export function lookWanted(
  { header, parts }: PreparedBatch,
  rules: AppendRules,
  nowMs: number,
): RecordLook | null {
  const checks = checksRecords(header, rules);
  if (!rules.logAppendTime && header.maxTimestamp - nowMs > rules.timestampAfterMaxMs) {
    refuseTooNew(parts, header, rules, nowMs);
  }
  const rebuilds = rules.codec !== null && rules.codec !== codecOf(header.codecId);
  if (!checks && !rebuilds) return null;
  return {
    batch: parts,
    rules: checks ? recordRules(rules, nowMs) : null,
    rebuild: rebuilds && rules.codec !== null ? rebuildOptions(header, rules, rules.codec) : null,
  };
}

/**
 * The form in which a batch is stored, after what `lookInside` found. Throws KafkaError `INVALID_TIMESTAMP`,
 * `INVALID_RECORD`, `MESSAGE_TOO_LARGE`.
 */
export function finishedBatch(
  batch: PreparedBatch,
  rules: AppendRules,
  nowMs: number,
  outcome: LookOutcome | null,
): PreparedBatch {
  const finished = outcome === null ? batch : lookedInto(batch, rules, outcome);
  if (!rules.logAppendTime) return finished;
  setMaxTimestampAndLogAppendTime(finished.parts, nowMs);
  return { ...finished, logAppendTimeMs: nowMs };
}

/** Names the records that are too new where that is quick; the header alone is enough to refuse them. */
function refuseTooNew(
  parts: readonly Buffer[],
  header: BatchHeader,
  rules: AppendRules,
  nowMs: number,
): never {
  const codec = codecOf(header.codecId);
  if (codec !== null && isCodecReady(codec)) {
    const look = { batch: parts, rules: recordRules(rules, nowMs), rebuild: null };
    const outcome = lookInside(look, LOOK_NOW_BYTES_MAX);
    if (outcome !== null && outcome.refused !== null) throwRefusal(outcome.refused);
  }
  const ahead = header.maxTimestamp - nowMs;
  const limit = rules.timestampAfterMaxMs;
  throw new KafkaError(
    'INVALID_TIMESTAMP',
    `a timestamp is ${ahead} ms in the future, message.timestamp.after.max.ms=${limit}`,
  );
}

function recordRules(rules: AppendRules, nowMs: number): RecordRules {
  const timed = !rules.logAppendTime;
  return {
    keysRequired: rules.compacted,
    nowMs,
    timestampBeforeMaxMs: timed ? rules.timestampBeforeMaxMs : Number.POSITIVE_INFINITY,
    timestampAfterMaxMs: timed ? rules.timestampAfterMaxMs : Number.POSITIVE_INFINITY,
  };
}

function rebuildOptions(header: BatchHeader, rules: AppendRules, codec: Codec): BatchOptions {
  return {
    codec,
    ...(rules.level === undefined ? {} : { level: rules.level }),
    transactional: header.isTransactional,
    producer: {
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
    },
  };
}

function lookedInto(batch: PreparedBatch, rules: AppendRules, outcome: LookOutcome): PreparedBatch {
  if (outcome.refused !== null) return throwRefusal(outcome.refused);
  const { rebuilt, largestTimestamp: largest } = outcome;
  if (rebuilt === null) {
    if (largest !== null && !rules.logAppendTime) setLargest(batch.parts, batch.header, largest);
    return batch;
  }
  const { length: byteLength } = rebuilt;
  if (byteLength > rules.maxMessageBytes) {
    const message =
      `the batch has ${byteLength} bytes as ${rules.codec}, ` +
      `more than max.message.bytes=${rules.maxMessageBytes}`;
    throw new KafkaError('MESSAGE_TOO_LARGE', message);
  }
  return { ...batch, parts: [rebuilt], header: new BatchHeader(rebuilt), byteLength };
}
