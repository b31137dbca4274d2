// What compaction does to one batch: which records stay, and the bytes that are left. Pure.

import {
  BatchHeader,
  buildBatch,
  codecOf,
  emptyBatch,
  expandRecords,
  iterateRecords,
  RecordError,
  RecordScanner,
  type RecordsContext,
  Retained,
  type RetainedRecords,
  recordsContext,
  replaceRecords,
} from '../../record/index.ts';
import { keyOf } from './keys.ts';

/** What the whole pass knows that one batch does not. */
export interface CleanContext {
  /** Offset of the last record with this key in the part of the log that the pass has read; -1 for none. */
  lastOffsetOf(key: Buffer): number;
  /** Whether the batch ending at `lastOffset` is the newest of its producer: its sequence must not be forgotten. */
  isLastOfProducer(producerId: number, lastOffset: number): boolean;
  /** Whether something before the batch is left as it is, of which only tombstones tell what is gone. */
  tombstonesStay(): boolean;
  readonly nowMs: number;
  /** `delete.retention.ms`: how long tombstones stay after the pass that first cleans them. */
  readonly deleteRetentionMs: number;
}

/**
 * `kept`: as it was, byte for byte. `rewritten`: fewer records, or a delete horizon set. `dropped`:
 * nothing is left.
 */
export type CleanedBatch =
  | { readonly kind: 'kept'; readonly unreadable: RecordError | null }
  | { readonly kind: 'rewritten'; readonly bytes: Buffer; readonly recordsRemoved: number }
  | { readonly kind: 'dropped'; readonly recordsRemoved: number };

const KEPT: CleanedBatch = { kind: 'kept', unreadable: null };

/**
 * Cleans one whole batch (its checksum already verified).
 *
 * A record stays when it is the last of its key and, for a tombstone, while its delete horizon has not passed. The
 * batch keeps its base and last offset, codec, timestamp type and producer fields (Kafka's
 * `MemoryRecords.filterTo`). Control batches and transactional batches stay as they are. A batch whose records do
 * not parse stays as it is and is reported: compaction never throws data away that it cannot read.
 * zstd needs `prepareCodec('zstd')` before.
 */
export function cleanBatch(batch: Buffer, context: CleanContext): CleanedBatch {
  const header = new BatchHeader(batch);
  if (header.isControl || header.isTransactional) return KEPT;
  try {
    return clean(batch, header, context);
  } catch (error) {
    if (error instanceof RecordError) return { kind: 'kept', unreadable: error };
    throw error;
  }
}

function clean(batch: Buffer, header: BatchHeader, context: CleanContext): CleanedBatch {
  const horizonMs = header.deleteHorizonMs;
  const isPast = horizonMs !== null && context.nowMs > horizonMs;
  const tombstonesExpired = isPast && !context.tombstonesStay();
  const section = expandRecords(batch);
  const records = recordsContext(header);
  const scanner = new RecordScanner(section, records);
  const retained = new Retained(section);
  let tombstones = 0;
  let total = 0;
  while (scanner.next()) {
    total += 1;
    // Looked at for damage: a record that does not parse keeps its batch.
    scanner.headers();
    const key = keyOf(scanner);
    if (key === null || context.lastOffsetOf(key) > scanner.offset) continue;
    if (scanner.valueLength < 0) {
      if (tombstonesExpired) continue;
      tombstones += 1;
    }
    retained.keep(scanner.startAt, scanner.endAt, scanner.timestamp);
  }
  const removed = total - retained.count;
  if (retained.count === 0) return withoutRecords(header, context, removed);
  const newHorizonMs =
    tombstones === 0 ? null : (horizonMs ?? context.nowMs + context.deleteRetentionMs);
  const sameHorizon = newHorizonMs === horizonMs;
  if (removed === 0 && sameHorizon) return KEPT;
  const bytes = sameHorizon
    ? replaceRecords(batch, codecOf(header.codecId) ?? 'none', retained.records())
    : rebuild(header, records, retained.records(), newHorizonMs);
  return { kind: 'rewritten', bytes, recordsRemoved: removed };
}

function withoutRecords(header: BatchHeader, context: CleanContext, removed: number): CleanedBatch {
  if (!header.hasProducerId || !context.isLastOfProducer(header.producerId, header.lastOffset)) {
    return { kind: 'dropped', recordsRemoved: removed };
  }
  if (removed === 0) return KEPT;
  const bytes = emptyBatch({
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    producer: producerOf(header),
    timestamp: header.maxTimestamp,
    timestampType: header.timestampType,
    transactional: false,
    control: false,
  });
  return { kind: 'rewritten', bytes, recordsRemoved: removed };
}

/** The horizon takes the place of the base timestamp, or gives it back: all deltas change. */
function rebuild(
  header: BatchHeader,
  context: RecordsContext,
  { section, count }: RetainedRecords,
  deleteHorizonMs: number | null,
): Buffer {
  return buildBatch([...iterateRecords(section, { ...context, recordCount: count })], {
    codec: codecOf(header.codecId) ?? 'none',
    baseOffset: header.baseOffset,
    lastOffset: header.lastOffset,
    partitionLeaderEpoch: header.partitionLeaderEpoch,
    producer: producerOf(header),
    ...(header.timestampType === 'LogAppendTime' ? { logAppendTimeMs: header.maxTimestamp } : {}),
    ...(deleteHorizonMs === null ? {} : { deleteHorizonMs }),
    capacity: header.sizeInBytes,
  });
}

function producerOf(header: BatchHeader) {
  return {
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
  };
}
