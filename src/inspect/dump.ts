// What is in a file of a partition directory, entry by entry, as plain objects; the command prints them. Files of
// Apache Kafka and ours alike. Damage is an entry too, and what follows it is shown.

import { readInt64 } from '../base/int64.ts';
import {
  addSequence,
  type BatchHeader,
  codecNames,
  decodeControlKey,
  decodeEndTransactionMarker,
  prepareCodec,
  RecordError,
  readRecords,
  type StoredRecord,
} from '../record/index.ts';
import {
  ABORTED_ENTRY_BYTES,
  type AbortedTransaction,
  baseOffsetOf,
  type Disk,
  type DiskFile,
  decodeTransactionIndex,
  findNextBatch,
  LEADER_EPOCH_FILE,
  LeaderEpochs,
  MARKS_FILE,
  type Mark,
  nameBefore,
  OFFSET_ENTRY_BYTES,
  readSmallFile,
  scanBatches,
  TIME_ENTRY_BYTES,
} from '../storage/index.ts';
import { whyBad } from './check-log.ts';
import { type CatalogueRecords, dumpCatalogue, dumpJournal, dumpMarks } from './dump-own.ts';
import { decodeKafkaSnapshot, isKafkaSnapshot, type ProducerFacts } from './kafka-formats.ts';

/** A batch's header, with Kafka's names. */
export interface DumpedBatch {
  readonly kind: 'batch';
  readonly position: number;
  readonly size: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly partitionLeaderEpoch: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly deleteHorizonMs: number | null;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly maxTimestamp: number;
  readonly compression: string;
  readonly crc: number;
}

export interface DumpedRecord {
  readonly kind: 'record';
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: StoredRecord['headers'];
  /** Bytes; -1 for none. */
  readonly keySize: number;
  readonly valueSize: number;
  /** Of a producer that numbers its records; else -1. */
  readonly sequence: number;
  /** Of a control batch: what the marker says; else null. */
  readonly control: string | null;
  /** Of the end of a transaction: the epoch of the coordinator that ended it. */
  readonly coordinatorEpoch?: number;
}

/** Bytes that are no good batch, or a batch whose records cannot be read. */
export interface DumpedDamage {
  readonly kind: 'damage';
  readonly position: number;
  readonly bytes: number;
  readonly what: string;
}

export type DumpEntry =
  | DumpedBatch
  | DumpedRecord
  | DumpedDamage
  | { readonly kind: 'offset-entry'; readonly offset: number; readonly position: number }
  | { readonly kind: 'time-entry'; readonly timestamp: number; readonly offset: number }
  | ({ readonly kind: 'aborted-transaction' } & AbortedTransaction)
  | ({ readonly kind: 'producer' } & ProducerFacts)
  | { readonly kind: 'leader-epoch'; readonly epoch: number; readonly startOffset: number }
  | ({ readonly kind: 'mark' } & Mark)
  | JournalDumped
  | { readonly kind: 'catalogue-record'; readonly record: unknown };

type JournalDumped =
  | { readonly kind: 'journal-forget'; readonly log: string; readonly topicId: string }
  | {
      readonly kind: 'journal-batches';
      readonly log: string;
      readonly topicId: string;
      /** The segment, and where in it. */
      readonly segmentBase: number;
      readonly position: number;
      readonly bytes: number;
    };

export interface DumpOptions {
  readonly disk: Disk;
  readonly path: string;
  /** Records of each batch too. */
  readonly records: boolean;
  /** Reads our own producer snapshots; throws for bytes that are none. */
  readonly readSnapshot?: (bytes: Buffer) => readonly ProducerFacts[];
  /** Reads files of our catalogue. */
  readonly readCatalogue?: (bytes: Buffer) => CatalogueRecords;
}

/** A file that {@link dumpFile} knows nothing about. */
export class UnknownFileError extends Error {}

/**
 * Entries of the file, in file order. Throws DiskError when it cannot be read, {@link UnknownFileError} for a name
 * that tells nothing.
 */
export function dumpFile(options: DumpOptions): AsyncGenerator<DumpEntry, void, undefined> {
  const name = options.path.slice(options.path.lastIndexOf('/') + 1);
  // Files that were set aside or are on their way keep their kind in front of one more suffix, or a number and that.
  const before = nameBefore(name);
  const plain = before === name ? name.replace(/\.(cleaned|swap|tmp|damaged)$/, '') : before;
  const { readCatalogue } = options;
  const folder = options.path.split('/').at(-2);
  if (readCatalogue !== undefined && folder === 'catalogue') {
    return dumpWhole(options, (bytes) => dumpCatalogue(readCatalogue(bytes)));
  }
  if (plain === MARKS_FILE) return dumpWhole(options, dumpMarks);
  if (plain.endsWith('.journal'))
    return dumpWhole(options, (bytes) => dumpJournal(bytes, options.path));
  if (plain === LEADER_EPOCH_FILE) return dumpEpochs(options);
  // A snapshot of the cluster's metadata is of batches, too.
  if (/\.(log|checkpoint)$/.test(plain)) return dumpLog(options);
  if (plain.endsWith('.index')) return dumpOffsets(options, baseOf(plain, '.index'));
  if (plain.endsWith('.timeindex')) return dumpTimes(options, baseOf(plain, '.timeindex'));
  if (plain.endsWith('.txnindex')) return dumpTransactions(options);
  if (plain.endsWith('.snapshot')) return dumpSnapshot(options);
  const text = /^(partition\.metadata|meta\.properties|.*-checkpoint)$/.test(plain);
  const why = text ? 'it is text, which needs no decoder' : "its name is none of a log's files";
  throw new UnknownFileError(`${options.path}: ${why}`);
}

async function* dumpWhole(
  options: DumpOptions,
  entries: (bytes: Buffer) => Iterable<DumpEntry>,
): AsyncGenerator<DumpEntry, void, undefined> {
  yield* entries(await wholeFile(options));
}

/** Offsets in index files count from the base offset in the name; from 0 where the name has none. */
function baseOf(name: string, suffix: string): number {
  return Math.max(0, baseOffsetOf(name, suffix));
}

async function* dumpLog(options: DumpOptions): AsyncGenerator<DumpEntry, void, undefined> {
  if (options.records) for (const codec of codecNames) await prepareCodec(codec).catch(() => {});
  const file = await options.disk.open(options.path, 'read');
  try {
    const to = await file.size();
    let from = 0;
    while (from < to) {
      const step = await nextBatches(file, from, to, options.records);
      yield* step.entries;
      if (step.end === 'bad') {
        const what = await whyBad(file, step.position, to);
        const next = await resync(file, step.position + 1, to);
        const position = next?.position ?? to;
        yield { kind: 'damage', position: step.position, bytes: position - step.position, what };
        from = position;
      } else from = step.position;
    }
  } finally {
    await file.close();
  }
}

function resync(
  file: DiskFile,
  from: number,
  to: number,
): Promise<{ position: number; baseOffset: number } | null> {
  return findNextBatch({ file, from, to, offsetMin: 0, offsetLimit: Number.MAX_SAFE_INTEGER });
}

/** Bytes of batches that are turned into entries before they are given out. */
const STEP_BYTES = 1024 * 1024;

async function nextBatches(
  file: DiskFile,
  from: number,
  to: number,
  records: boolean,
): Promise<{ entries: DumpEntry[]; end: 'bad' | 'more'; position: number }> {
  const entries: DumpEntry[] = [];
  const result = await scanBatches({ file, from, to, depth: 'checked' }, (header, at, bytes) => {
    if (at - from >= STEP_BYTES) return false;
    entries.push(batchEntry(header, at));
    if (records) addRecords(entries, header, { position: at, bytes });
    return true;
  });
  const position = result.end === 'end' ? to : result.position;
  return { entries, end: result.end === 'bad' ? 'bad' : 'more', position };
}

function batchEntry(header: BatchHeader, position: number): DumpedBatch {
  return {
    kind: 'batch',
    position,
    size: header.sizeInBytes,
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    count: header.recordCount,
    baseSequence: header.baseSequence,
    lastSequence: header.lastSequence,
    producerId: unlessUnsafe(() => header.producerId),
    producerEpoch: header.producerEpoch,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    isTransactional: header.isTransactional,
    isControl: header.isControl,
    deleteHorizonMs: unlessUnsafe(() => header.deleteHorizonMs),
    timestampType: header.timestampType,
    maxTimestamp: header.maxTimestamp,
    compression: codecNames[header.codecId] ?? `codec ${header.codecId}`,
    crc: header.crc,
  };
}

/** A header field; -1 for a number that no safe integer holds, which only a broken producer writes. */
function unlessUnsafe<T>(read: () => T): T | -1 {
  try {
    return read();
  } catch (error) {
    if (error instanceof RecordError) return -1;
    throw error;
  }
}

function addRecords(
  entries: DumpEntry[],
  header: BatchHeader,
  at: { readonly position: number; readonly bytes: number },
): void {
  const start = header.position;
  // Entries outlive the scan's buffer only until the generator is asked again, so views would do; a copy is safer
  // for callers that keep them, and records are printed one by one anyway.
  const batch = Buffer.from(header.buffer.subarray(start, start + at.bytes));
  try {
    for (const { offset, timestamp, key, value, headers } of readRecords(batch)) {
      const { baseSequence, baseOffset } = header;
      entries.push({
        kind: 'record',
        offset,
        timestamp,
        key,
        value,
        headers,
        keySize: key?.length ?? -1,
        valueSize: value?.length ?? -1,
        sequence: baseSequence < 0 ? -1 : addSequence(baseSequence, offset - baseOffset),
        ...(header.isControl ? controlFacts(key, value) : { control: null }),
      });
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const what = `the records cannot be read: ${error.message}`;
    entries.push({ kind: 'damage', position: at.position, bytes: at.bytes, what });
  }
}

/** Of the logs of KRaft; the types 0 and 1 end transactions. */
const kraftTypes = [
  null,
  null,
  'leader change',
  'snapshot header',
  'snapshot footer',
  'kraft version',
  'kraft voters',
];

function controlFacts(
  key: Buffer | null,
  value: Buffer | null,
): Pick<DumpedRecord, 'control' | 'coordinatorEpoch'> {
  try {
    const control = decodeControlKey(key);
    if (control !== 'unknown') {
      return { control, coordinatorEpoch: decodeEndTransactionMarker(value) };
    }
    const type = key?.readInt16BE(2) ?? -1;
    return { control: kraftTypes[type] ?? `unknown (type ${type})` };
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return { control: 'unreadable' };
  }
}

async function wholeFile(options: DumpOptions): Promise<Buffer> {
  const bytes = await readSmallFile(options.disk, options.path);
  if (bytes === null) throw new Error(`${options.path}: the file cannot be read`);
  return bytes;
}

/** Whole entries; zeros at the end are preallocated space. */
function entryCount(bytes: Buffer, entryBytes: number): number {
  let count = Math.floor(bytes.length / entryBytes);
  const isZero = (entry: number): boolean =>
    bytes.subarray(entry * entryBytes, (entry + 1) * entryBytes).every((byte) => byte === 0);
  while (count > 0 && isZero(count - 1)) count--;
  return count;
}

function* rest(bytes: Buffer, entryBytes: number): Generator<DumpedDamage, void, undefined> {
  const left = bytes.length % entryBytes;
  if (left === 0) return;
  const what = `${left} bytes at the end are no whole entry`;
  yield { kind: 'damage', position: bytes.length - left, bytes: left, what };
}

async function* dumpOffsets(
  options: DumpOptions,
  baseOffset: number,
): AsyncGenerator<DumpEntry, void, undefined> {
  const bytes = await wholeFile(options);
  const count = entryCount(bytes, OFFSET_ENTRY_BYTES);
  for (let entry = 0; entry < count; entry++) {
    const at = entry * OFFSET_ENTRY_BYTES;
    const offset = baseOffset + bytes.readInt32BE(at);
    yield { kind: 'offset-entry', offset, position: bytes.readInt32BE(at + 4) };
  }
  yield* rest(bytes, OFFSET_ENTRY_BYTES);
}

async function* dumpTimes(
  options: DumpOptions,
  baseOffset: number,
): AsyncGenerator<DumpEntry, void, undefined> {
  const bytes = await wholeFile(options);
  const count = entryCount(bytes, TIME_ENTRY_BYTES);
  for (let entry = 0; entry < count; entry++) {
    const at = entry * TIME_ENTRY_BYTES;
    const offset = baseOffset + bytes.readInt32BE(at + 8);
    yield { kind: 'time-entry', timestamp: readInt64(bytes, at), offset };
  }
  yield* rest(bytes, TIME_ENTRY_BYTES);
}

async function* dumpTransactions(options: DumpOptions): AsyncGenerator<DumpEntry, void, undefined> {
  const bytes = await wholeFile(options);
  for (const entry of decodeTransactionIndex(bytes)) {
    yield { kind: 'aborted-transaction', ...entry };
  }
  yield* rest(bytes, ABORTED_ENTRY_BYTES);
}

async function* dumpSnapshot(options: DumpOptions): AsyncGenerator<DumpEntry, void, undefined> {
  const bytes = await wholeFile(options);
  const { readSnapshot } = options;
  const ours = !isKafkaSnapshot(bytes) && readSnapshot !== undefined;
  let producers: readonly ProducerFacts[];
  try {
    producers = ours ? readSnapshot(bytes) : decodeKafkaSnapshot(bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    yield { kind: 'damage', position: 0, bytes: bytes.length, what: error.message };
    return;
  }
  for (const producer of producers) yield { kind: 'producer', ...producer };
}

async function* dumpEpochs(options: DumpOptions): AsyncGenerator<DumpEntry, void, undefined> {
  const epochs = LeaderEpochs.decode((await wholeFile(options)).toString('utf8'));
  if (epochs === null) {
    const { length } = await wholeFile(options);
    yield { kind: 'damage', position: 0, bytes: length, what: 'it is no leader epoch checkpoint' };
    return;
  }
  for (const entry of epochs.entries) yield { kind: 'leader-epoch', ...entry };
}
