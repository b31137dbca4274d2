// What compaction does to one batch: which records stay, and the bytes that are left. Pure.

import {
  BatchHeader,
  buildBatch,
  codecOf,
  emptyBatch,
  RecordError,
  readRecords,
  type StoredRecord,
} from '../../record/index.ts';

/** What the whole pass knows that one batch does not. */
export interface CleanContext {
  /** Offset of the last record with this key in the part of the log that the pass has read; -1 for none. */
  lastOffsetOf(key: Buffer): number;
  /** Whether the batch ending at `lastOffset` is the newest of its producer: its sequence must not be forgotten. */
  isLastOfProducer(producerId: number, lastOffset: number): boolean;
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
  const tombstonesExpired = horizonMs !== null && context.nowMs > horizonMs;
  const kept: StoredRecord[] = [];
  let tombstones = 0;
  let total = 0;
  for (const record of readRecords(batch)) {
    total += 1;
    if (record.key === null || context.lastOffsetOf(record.key) > record.offset) continue;
    if (record.value === null) {
      if (tombstonesExpired) continue;
      tombstones += 1;
    }
    kept.push(record);
  }
  const removed = total - kept.length;
  if (kept.length === 0) return withoutRecords(header, context, removed);
  const newHorizonMs =
    tombstones === 0 ? null : (horizonMs ?? context.nowMs + context.deleteRetentionMs);
  if (removed === 0 && newHorizonMs === horizonMs) return KEPT;
  return { kind: 'rewritten', bytes: rebuild(header, kept, newHorizonMs), recordsRemoved: removed };
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

function rebuild(
  header: BatchHeader,
  records: readonly StoredRecord[],
  deleteHorizonMs: number | null,
): Buffer {
  return buildBatch(records, {
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
