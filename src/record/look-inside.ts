// Work that needs the records of a batch, as a task with its outcome in plain data: a few kilobytes may expand to
// 128 MiB and millions of records, seconds of work that a server leaves to another thread (RecordWorker). What is
// small is looked into at once.

import { KafkaError, type KafkaErrorName } from '../base/kafka-errors.ts';
import { BatchBuilder, type BatchOptions } from './builder.ts';
import { EXPANDED_BYTES_MAX_DEFAULT } from './codec/codec.ts';
import { type BatchBytes, BatchHeader, headOf } from './header.ts';
import { expandRecords, iterateRecords, type StoredRecord } from './iterator.ts';
import { RecordError } from './record-error.ts';
import { recordsContext } from './scanner.ts';
import {
  checkRecords,
  InvalidRecordsError,
  type RecordRefusal,
  type RecordRules,
} from './validate.ts';

/** Expanded bytes that are looked into at once: about 3 ms of the smallest records. */
export const LOOK_NOW_BYTES_MAX = 256 * 1024;

/** What is wanted of a batch that passed `validateBatch`. */
export interface RecordLook {
  readonly batch: BatchBytes;
  /** What its records must keep to; null: they are not checked. */
  readonly rules: RecordRules | null;
  /** How it is built anew; null: it stays as it is. */
  readonly rebuild: BatchOptions | null;
}

export type LookOutcome =
  | {
      readonly refused: null;
      readonly rebuilt: Buffer | null;
      /** Of all records, in milliseconds, -1 for none; null where they were not checked. */
      readonly largestTimestamp: number | null;
    }
  | { readonly refused: Refusal };

/** An error's fields: its class would be lost on the way between threads. */
interface Refusal {
  readonly name: KafkaErrorName;
  readonly message: string;
  /** Of refused records, the first; their number is `count`. */
  readonly recordErrors: readonly RecordRefusal[];
  readonly count: number;
}

/** The outcome; null when the records have more than `bytesMax`. Throws KafkaError for a codec that is missing. */
export function lookInside(
  { batch, rules, rebuild }: RecordLook,
  bytesMax = EXPANDED_BYTES_MAX_DEFAULT,
): LookOutcome | null {
  try {
    const records = expanded(batch, bytesMax);
    if (records === null) return null;
    const largestTimestamp = rules === null ? null : checkRecords(records(), rules);
    const rebuilt = rebuild === null ? null : rebuiltFrom(records(), rebuild);
    return { refused: null, rebuilt, largestTimestamp };
  } catch (error) {
    if (!(error instanceof KafkaError || error instanceof RecordError)) throw error;
    return { refused: refusalOf(error) };
  }
}

/** Throws what the look has found to be wrong. */
export function throwRefusal({ name, message, recordErrors, count }: Refusal): never {
  if (recordErrors.length === 0) throw new KafkaError(name, message);
  const kind = name === 'INVALID_TIMESTAMP' ? name : 'INVALID_RECORD';
  throw new InvalidRecordsError(kind, recordErrors, count);
}

function refusalOf(error: KafkaError | RecordError): Refusal {
  const { message } = error;
  if (error instanceof InvalidRecordsError) {
    const { code: name, recordErrors, count } = error;
    return { name, message, recordErrors, count };
  }
  const name = error instanceof RecordError ? 'INVALID_RECORD' : error.code;
  return { name, message, recordErrors: [], count: 0 };
}

/** As often as they are asked for; null when they have more than `bytesMax`, unless that is what any batch may have. */
function expanded(batch: BatchBytes, bytesMax: number): (() => Iterable<StoredRecord>) | null {
  const isBound = bytesMax >= EXPANDED_BYTES_MAX_DEFAULT;
  const context = recordsContext(new BatchHeader(headOf(batch)));
  try {
    const section = expandRecords(batch, { maxBytes: bytesMax });
    if (section.length > bytesMax && !isBound) return null;
    return () => iterateRecords(section, context);
  } catch (error) {
    const tooLarge = error instanceof RecordError && error.code === 'expanded_too_large';
    if (tooLarge && !isBound) return null;
    throw error;
  }
}

/**
 * Record by record: a batch of a megabyte can expand to millions. As in Kafka they get their offsets anew, in the order
 * in which they lie there.
 */
function rebuiltFrom(records: Iterable<StoredRecord>, options: BatchOptions): Buffer {
  const builder = new BatchBuilder(options);
  for (const { timestamp, key, value, headers } of records) {
    builder.append({ timestamp, key, value, headers });
  }
  return builder.build();
}

/** The first record at or after an offset that is as new as `timestamp`. */
export interface TimeSearch {
  readonly batch: Buffer;
  readonly timestamp: number;
  readonly fromOffset: number;
}

export interface FoundRecord {
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * Null when there is none; undefined when the records have more than `bytesMax`. Throws RecordError for what cannot be
 * read, KafkaError for a codec that is missing.
 */
export function findByTime(
  { batch, timestamp, fromOffset }: TimeSearch,
  bytesMax = EXPANDED_BYTES_MAX_DEFAULT,
): FoundRecord | null | undefined {
  const records = expanded(batch, bytesMax);
  if (records === null) return undefined;
  for (const record of records()) {
    if (record.offset < fromOffset || record.timestamp < timestamp) continue;
    return { offset: record.offset, timestamp: record.timestamp };
  }
  return null;
}

/** Where batches are looked into that are too large for at once. */
export interface RecordWorker {
  look(task: RecordLook): Promise<LookOutcome>;
  /** Null when there is none. Rejects for what cannot be read. */
  find(search: TimeSearch): Promise<FoundRecord | null>;
  close(): Promise<void>;
}

/** In the caller's thread: under simulation, in memory, and where threads cannot be had. */
export const inPlaceRecordWorker: RecordWorker = {
  look: async (task) => lookInside(task) as LookOutcome,
  find: async (search) => findByTime(search) ?? null,
  close: async () => {},
};
