// Reads batches by offset: the index says where to begin, headers lead to the batch, and one read brings it and what
// follows. Damaged stretches are never part of an answer: it ends before them or begins behind them.

import { KafkaError } from '../../base/kafka-errors.ts';
import { BATCH_HEADER_BYTES, BatchHeader } from '../../record/index.ts';
import type { LogRead, LogReadOptions } from '../contract.ts';
import { behindDamage, isInOrder, nextDamage, noteDamage, stopAtDamage } from '../damage/damage.ts';
import { lostEnd } from '../damage/lost-end.ts';
import { noteMissingBehind } from '../damage/missing-offsets.ts';
import { proveDamage } from '../damage/prove-damage.ts';
import { verifySpan } from '../damage/verify.ts';
import { fileRegion, REGION_BYTES_MIN } from '../disk/file-region.ts';
import type { LogView } from '../log-view.ts';
import { plausibleSize, scanBatches } from '../scan/batch-scan.ts';
import { NO_OFFSET, type Segment } from '../segment/segment.ts';
import { loadIndexes, rebuildIndexes } from '../segment/segment-files.ts';
import type { BatchPlace } from './next-places.ts';
import { readNow } from './read-now.ts';
import type { Tail } from './tail.ts';

const EMPTY: LogRead = { records: Buffer.alloc(0), byteLength: 0 };
/** Read at once while looking for a batch near an index entry. */
const LOCATE_CHUNK_BYTES = 16 * 1024;

/** Read at once when a log is read from one end to the other. */
const CHUNK_BYTES = 1024 * 1024;

/** Throws OFFSET_OUT_OF_RANGE unless `offset` lies in [start, limit]. */
export function checkOffset(core: LogView, offset: number, limit: number): void {
  if (offset >= core.startOffset && offset <= limit) return;
  throw new KafkaError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${offset} of ${core.name} is outside of ${core.startOffset} to ${limit}`,
  );
}

/** PartitionLog.read. */
export async function readLog(
  core: LogView,
  tail: Tail,
  options: LogReadOptions,
): Promise<LogRead> {
  const read = readLogNow(core, tail, options);
  if (read !== null) return read;
  return core.latch.shared(() => readSegments(core, options));
}

/** PartitionLog.readNow. */
export function readLogNow(core: LogView, tail: Tail, options: LogReadOptions): LogRead | null {
  const { offset, maxBytes, minOneBatch } = options;
  const limit = Math.min(options.limit, core.highWatermark);
  checkOffset(core, offset, options.limit);
  if (offset >= limit || (maxBytes <= 0 && !minOneBatch)) return EMPTY;
  const kept = tail.read(offset, limit, maxBytes, minOneBatch);
  if (kept !== null) return kept;
  core.assertReadable(offset);
  return readNow(core, believable(core, options));
}

/** What is asked for, up to the readable end: asked anew after each wait, since a sync may fail meanwhile. */
function believable(core: LogView, options: LogReadOptions): LogReadOptions {
  const { offset, maxBytes, minOneBatch } = options;
  return { offset, limit: Math.min(options.limit, core.readableEnd), maxBytes, minOneBatch };
}

async function readSegments(core: LogView, options: LogReadOptions): Promise<LogRead> {
  const { offset } = options;
  for (let index = core.segmentIndexFor(offset); index < core.segments.length; index++) {
    const segment = core.segments[index] as Segment;
    try {
      const read = await readSegment(core, segment, believable(core, options));
      if (read !== null) return read;
      await noteMissingBehind(core, segment);
      stopAtDamage(core, offset);
    } catch (error) {
      // Retention took the segment while we looked into it.
      if (segment.removed) checkOffset(core, offset, Math.min(options.limit, core.highWatermark));
      throw error;
    }
    if (core.segments[index] !== segment) index = core.segmentIndexFor(offset) - 1;
  }
  core.assertReadable(offset);
  return lostEnd(core, believable(core, options)) ?? EMPTY;
}

/** Null when the segment holds nothing at or above the offset that may be read. */
async function readSegment(
  core: LogView,
  segment: Segment,
  options: LogReadOptions,
): Promise<LogRead | null> {
  const { offset, limit, maxBytes, minOneBatch } = options;
  const { damaged } = core;
  const end = await endBelow(core, segment, limit);
  if (end === 0) return null;
  const place = await locateGood(core, segment, { offset, end, bytes: maxBytes });
  // The end may have been looked for where something lies that is known to be good, or bad, by now.
  if (core.damaged !== damaged) return readSegment(core, segment, believable(core, options));
  if (place === null || place.baseOffset > offset) stopAtDamage(core, offset);
  if (place === null || place.baseOffset >= limit) return null;
  const stop = Math.min(end, nextDamage(core, segment, place.position));
  let bytes = Math.min(stop - place.position, maxBytes);
  if (bytes < place.bytes && minOneBatch) bytes = place.bytes;
  if (bytes <= 0) return EMPTY;
  const pinned = await core.context.pool.acquire(segment.logPath);
  const { pool, regions } = core.context;
  if (bytes >= REGION_BYTES_MIN && pool.roomy && regions()) {
    const records = fileRegion(pinned, place.position, bytes);
    return core.bounded(segment, place.position + bytes, { records, byteLength: bytes });
  }
  try {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const count = await pinned.file.read(buffer, place.position);
    assertStill(core, segment, place.position + count);
    const records = count === bytes ? buffer : buffer.subarray(0, count);
    core.nextPlaces.learn(segment, place.position, records);
    return core.bounded(segment, place.position + count, { records, byteLength: count });
  } finally {
    pinned.release();
  }
}

/** Throws KAFKA_STORAGE_ERROR if a sync has failed while the segment was read up to `end`. */
function assertStill(core: LogView, segment: Segment, end: number): void {
  if (core.readableBytes(segment) < end) core.assertReadable(core.highWatermark - 1);
}

/** Position in the segment at which what lies below `limit` ends; 0 when nothing of it may be read. */
async function endBelow(core: LogView, segment: Segment, limit: number): Promise<number> {
  const end = core.readableBytes(segment);
  if (end === 0 || limit >= Math.min(core.readableEnd, core.endOf(segment))) return end;
  if (limit <= segment.baseOffset) return 0;
  const place = await locate(core, segment, limit, end);
  return place === null ? end : place.position;
}

/** Makes sure that the segment's indexes are in memory. */
export function withIndexes(core: LogView, segment: Segment): Promise<void> | undefined {
  segment.indexes.lookUp();
  return segment.indexes.inMemory ? undefined : load(core, segment);
}

async function load(core: LogView, segment: Segment): Promise<void> {
  const { disk, pool, loadedIndexes } = core.context;
  await loadIndexes(disk, pool, segment, {
    endOffset: core.endOf(segment),
    intervalBytes: core.config.indexIntervalBytes,
  });
  loadedIndexes.add(segment);
}

/**
 * As {@link locate}, for a batch that is about to be read, with up to `bytes` of what follows: checksums are compared
 * where that was not done yet, and damage is noted and passed.
 */
export async function locateGood(
  core: LogView,
  segment: Segment,
  wanted: { readonly offset: number; readonly end: number; readonly bytes: number },
): Promise<BatchPlace | null> {
  const { offset, end } = wanted;
  for (;;) {
    const place = await locate(core, segment, offset, end);
    if (place === null) return null;
    const { position, expected } = place;
    const bytes = Math.max(place.bytes, wanted.bytes);
    const span = { from: position, wanted: Math.min(end, position + bytes), end, expected };
    const checking = verifySpan(core, segment, span);
    if (checking === undefined) return place;
    await checking;
    if (segment.verified.covers(position, position + place.bytes)) return place;
    // It was not what its header said; what was found about it is known now.
  }
}

/** The first batch that ends at or after `offset` in a segment, below `end`; null when there is none. */
export async function locate(
  core: LogView,
  segment: Segment,
  offset: number,
  end: number,
): Promise<BatchPlace | null> {
  const next = core.nextPlaces.take(segment, offset);
  if (next !== null && next.position + next.bytes <= end) {
    if (behindDamage(core, segment, next.position) < 0) return next;
  }
  if (core.damaged.length > 0) await proveDamage(core, segment);
  await withIndexes(core, segment);
  const { offsets } = segment.indexes;
  const entry = offsets.floor(offset - segment.baseOffset);
  if (entry >= 0) {
    const position = offsets.positionAt(entry);
    const stated = segment.baseOffset + offsets.offsetAt(entry);
    const found = await walk(core, segment, { from: position, end, offset, stated });
    if (found !== 'wrong index') return found;
    core.context.logger.warn({ segment: segment.logPath }, 'a wrong index is rebuilt');
    const { indexIntervalBytes } = core.config;
    await core.context.pool.using(segment.logPath, (file) =>
      rebuildIndexes(file, segment, indexIntervalBytes),
    );
  }
  const found = await walk(core, segment, { from: 0, end, offset, stated: -1 });
  return found === 'wrong index' ? null : found;
}

interface Walk {
  readonly from: number;
  readonly end: number;
  readonly offset: number;
  /** Last offset that the index states for the batch at `from`; -1 for none. */
  readonly stated: number;
}

async function walk(
  core: LogView,
  segment: Segment,
  options: Walk,
): Promise<BatchPlace | null | 'wrong index'> {
  const { end, offset, stated } = options;
  let found: BatchPlace | null = null;
  let wrong = false;
  let from = options.from;
  let first = true;
  let expected = stated >= 0 ? -1 : segment.baseOffset;
  const endOffset = core.endOf(segment);
  await core.context.pool.using(segment.logPath, async (file) => {
    let checked = false;
    for (;;) {
      const leg = { from, expected };
      const result = await scanBatches(
        { file, from, to: end, depth: 'headers', chunkBytes: LOCATE_CHUNK_BYTES },
        (header, position, bytes) => {
          // A header may look good in front of bad records.
          if (behindDamage(core, segment, position) >= 0) return false;
          const { lastOffset, baseOffset, maxTimestamp } = header;
          if (first && stated >= 0 && lastOffset !== stated) wrong = true;
          first = false;
          if (wrong || !isInOrder(core, header, { expected, endOffset })) return false;
          const due = expected < 0 ? baseOffset : expected;
          expected = lastOffset + 1;
          if (lastOffset < offset) return true;
          found = { position, bytes, baseOffset, lastOffset, maxTimestamp, expected: due };
          return false;
        },
      );
      if (found !== null || wrong || result.end === 'end') return;
      const { position } = result;
      let next = behindDamage(core, segment, position);
      if (first && stated >= 0 && next < 0) wrong = true;
      if (wrong) return;
      if (next < 0 && !checked) {
        // A length is outside of the checksum's reach until that is compared: one that is wrong led us here.
        await verifySpan(core, segment, { ...leg, wanted: position + 1, end });
        checked = true;
        ({ from, expected } = leg);
        continue;
      }
      if (next < 0) {
        const due = Math.max(expected, segment.baseOffset);
        next = await noteDamage(core, segment, { file, position, expected: due });
      }
      checked = false;
      if (next >= end) return;
      // Offsets may be missing behind damage.
      expected = -1;
      from = next;
      first = false;
    }
  });
  return wrong ? 'wrong index' : found;
}

/**
 * Whole batches in offset order from the one that ends at or after `fromOffset`, up to the high watermark. Throws
 * KAFKA_STORAGE_ERROR where the files may not be believed so far.
 */
export async function* readBatches(core: LogView, fromOffset: number): AsyncGenerator<Buffer> {
  let offset = Math.max(fromOffset, core.startOffset);
  while (offset < core.highWatermark) {
    core.assertReadable(offset);
    const from = offset;
    const read = await core.latch.shared(() => readChunk(core, from));
    if (read === null) return;
    const { chunk, bytesOfFirst } = read;
    offset = read.offset;
    const header = new BatchHeader(chunk);
    for (let at = 0; at + BATCH_HEADER_BYTES <= chunk.length; ) {
      const bytes = plausibleSize(chunk, at);
      if (bytes === 0 || at + bytes > chunk.length) break;
      offset = header.at(chunk, at).lastOffset + 1;
      yield chunk.subarray(at, at + bytes);
      at += bytes;
    }
    if (chunk.length < bytesOfFirst) return;
  }
}

interface Chunk {
  readonly chunk: Buffer;
  readonly bytesOfFirst: number;
  /** Where to go on when the chunk is empty. */
  readonly offset: number;
}

/** Batches of one segment from the one that ends at or after `offset`; null behind the last. */
async function readChunk(core: LogView, from: number): Promise<Chunk | null> {
  const segment = core.segments[core.segmentIndexFor(from)];
  if (segment === undefined) return null;
  // Taken together: where nothing is found below the one, nothing is left below the other.
  const end = core.readableBytes(segment);
  const { readableEnd } = core;
  const place =
    end > 0 ? await locateGood(core, segment, { offset: from, end, bytes: CHUNK_BYTES }) : null;
  if (place === null) {
    await noteMissingBehind(core, segment);
    // Told by the segment: retention may have moved its place in the list.
    const { nextBaseOffset: next } = segment;
    const offset = Math.max(from, next === NO_OFFSET ? readableEnd : Math.min(next, readableEnd));
    return { chunk: Buffer.alloc(0), bytesOfFirst: 0, offset };
  }
  const stop = Math.min(end, nextDamage(core, segment, place.position));
  const want = Math.min(stop - place.position, Math.max(place.bytes, CHUNK_BYTES));
  const chunk = Buffer.allocUnsafe(want);
  const count = await core.context.pool.using(segment.logPath, (file) =>
    file.read(chunk, place.position),
  );
  assertStill(core, segment, place.position + count);
  return { chunk: chunk.subarray(0, count), bytesOfFirst: place.bytes, offset: from };
}
