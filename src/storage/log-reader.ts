// Reads batches by offset: the index says where to begin, headers lead to the batch, and one read brings it and what
// follows. Damaged stretches are never part of an answer: it ends before them or begins behind them.

import { KafkaError } from '../base/kafka-errors.ts';
import type { FileRegion } from '../base/payload.ts';
import { BATCH_HEADER_BYTES, BatchHeader } from '../record/index.ts';
import { findNextBatch, plausibleSize, scanBatches } from './batch-scan.ts';
import type { LogRead, LogReadOptions } from './contract.ts';
import { saveDamage } from './damage-file.ts';
import type { DiskFile } from './disk.ts';
import type { PinnedFile } from './file-pool.ts';
import type { LogCore } from './log-core.ts';
import type { Segment } from './segment.ts';
import { loadIndexes, rebuildIndexes } from './segment-files.ts';
import type { Tail } from './tail.ts';

const EMPTY: LogRead = { records: Buffer.alloc(0), byteLength: 0 };
/** Read at once while looking for a batch near an index entry. */
const LOCATE_CHUNK_BYTES = 16 * 1024;
/** A region shorter than this is cheaper to read than to send from the file. */
const REGION_BYTES_MIN = 64 * 1024;

/** Where a batch lies. */
export interface BatchPlace {
  readonly position: number;
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
}

/** Throws OFFSET_OUT_OF_RANGE unless `offset` lies in [start, limit]. */
export function checkOffset(core: LogCore, offset: number, limit: number): void {
  if (offset >= core.startOffset && offset <= limit) return;
  throw new KafkaError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${offset} of ${core.name} is outside of ${core.startOffset} to ${limit}`,
  );
}

/** PartitionLog.read. */
export async function readLog(
  core: LogCore,
  tail: Tail,
  options: LogReadOptions,
): Promise<LogRead> {
  const { offset, maxBytes, minOneBatch } = options;
  const limit = Math.min(options.limit, core.highWatermark);
  checkOffset(core, offset, options.limit);
  if (offset >= limit || (maxBytes <= 0 && !minOneBatch)) return EMPTY;
  const kept = tail.read(offset, limit, maxBytes, minOneBatch);
  if (kept !== null) return { records: kept.parts, byteLength: kept.bytes };
  return core.latch.shared(() => readSegments(core, { offset, limit, maxBytes, minOneBatch }));
}

async function readSegments(core: LogCore, options: LogReadOptions): Promise<LogRead> {
  const { offset, limit } = options;
  for (let index = core.segmentIndexFor(offset); index < core.segments.length; index++) {
    const segment = core.segments[index] as Segment;
    try {
      const read = await readSegment(core, index, options);
      if (read !== null) return read;
    } catch (error) {
      // Retention took the segment while we looked into it.
      if (segment.removed) checkOffset(core, offset, limit);
      throw error;
    }
    if (core.segments[index] !== segment) index = core.segmentIndexFor(offset) - 1;
  }
  return EMPTY;
}

/** Null when the segment holds nothing at or above the offset that may be read. */
async function readSegment(
  core: LogCore,
  index: number,
  options: LogReadOptions,
): Promise<LogRead | null> {
  const segment = core.segments[index] as Segment;
  const end = await readableEnd(core, index, options.limit);
  if (end === 0) return null;
  const place = await locate(core, segment, options.offset, end);
  if (place === null || place.baseOffset >= options.limit) return null;
  const damage = nextDamage(core, segment, place.position);
  const stop = Math.min(end, damage);
  let bytes = Math.min(stop - place.position, options.maxBytes);
  if (bytes < place.bytes && options.minOneBatch) bytes = place.bytes;
  if (bytes <= 0) return EMPTY;
  const pinned = await core.context.pool.acquire(segment.logPath);
  if (core.context.regions && bytes >= REGION_BYTES_MIN && pinned.file.descriptor !== null) {
    return { records: region(pinned, place.position, bytes), byteLength: bytes };
  }
  try {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const count = await pinned.file.read(buffer, place.position);
    const records = count === bytes ? buffer : buffer.subarray(0, count);
    return { records, byteLength: count };
  } finally {
    pinned.release();
  }
}

/** Position in segment `index` at which what lies below `limit` ends; 0 when nothing of it may be read. */
async function readableEnd(core: LogCore, index: number, limit: number): Promise<number> {
  const segment = core.segments[index] as Segment;
  const end = core.readableBytes(index);
  if (end === 0 || limit >= Math.min(core.highWatermark, core.segmentEnd(index))) return end;
  if (limit <= segment.baseOffset) return 0;
  const place = await locate(core, segment, limit, end);
  return place === null ? end : place.position;
}

/** A file range that keeps its file open; the file may be deleted meanwhile. */
function region(pinned: PinnedFile, position: number, bytes: number): FileRegion {
  let held = true;
  const { file } = pinned;
  return {
    byteLength: bytes,
    source: file.descriptor === null ? null : { descriptor: file.descriptor, position },
    async load() {
      const buffer = Buffer.allocUnsafeSlow(bytes);
      return buffer.subarray(0, await file.read(buffer, position));
    },
    release() {
      if (!held) return;
      held = false;
      pinned.release();
    },
  };
}

/** Position of the first damaged byte of the segment at or after `position`; infinity when there is none. */
function nextDamage(core: LogCore, segment: Segment, position: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const range of core.damaged) {
    if (range.segmentBaseOffset !== segment.baseOffset || range.position < position) continue;
    next = Math.min(next, range.position);
  }
  return next;
}

/** Where a walk that stopped at `position` goes on: behind the damage that begins there, or -1. */
function behindDamage(core: LogCore, segment: Segment, position: number): number {
  for (const range of core.damaged) {
    if (range.segmentBaseOffset !== segment.baseOffset || range.bytes === 0) continue;
    if (position >= range.position && position < range.position + range.bytes) {
      return range.position + range.bytes;
    }
  }
  return -1;
}

/** Makes sure that the segment's indexes are in memory. */
export function withIndexes(core: LogCore, segment: Segment): Promise<void> | undefined {
  if (segment.indexed) return undefined;
  return loadIndexes(core.context.disk, core.context.pool, segment, {
    endOffset: core.segmentEnd(core.segments.indexOf(segment)),
    intervalBytes: core.config.indexIntervalBytes,
  });
}

/** The first batch that ends at or after `offset` in a segment, below `end`; null when there is none. */
export async function locate(
  core: LogCore,
  segment: Segment,
  offset: number,
  end: number,
): Promise<BatchPlace | null> {
  await withIndexes(core, segment);
  const entry = segment.offsets.floor(offset - segment.baseOffset);
  if (entry >= 0) {
    const position = segment.offsets.positionAt(entry);
    const stated = segment.baseOffset + segment.offsets.offsetAt(entry);
    const found = await walk(core, segment, { from: position, end, offset, stated });
    if (found !== 'wrong index') return found;
    core.context.logger.warn({ segment: segment.logPath }, 'a wrong index is rebuilt');
    await rebuildIndexes(core.context.pool, segment, core.config.indexIntervalBytes);
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
  core: LogCore,
  segment: Segment,
  options: Walk,
): Promise<BatchPlace | null | 'wrong index'> {
  const { end, offset, stated } = options;
  let found: BatchPlace | null = null;
  let wrong = false;
  let from = options.from;
  let first = true;
  let expected = segment.baseOffset;
  await core.context.pool.using(segment.logPath, async (file) => {
    for (;;) {
      const result = await scanBatches(
        { file, from, to: end, depth: 'headers', chunkBytes: LOCATE_CHUNK_BYTES },
        (header, position, bytes) => {
          // A header may look good in front of bad records.
          if (behindDamage(core, segment, position) >= 0) return false;
          const { lastOffset } = header;
          if (first && stated >= 0 && lastOffset !== stated) wrong = true;
          first = false;
          if (wrong) return false;
          expected = lastOffset + 1;
          if (lastOffset < offset) return true;
          const { baseOffset, maxTimestamp } = header;
          found = { position, bytes, baseOffset, lastOffset, maxTimestamp };
          return false;
        },
      );
      if (found !== null || wrong || result.end === 'end') return;
      const known = behindDamage(core, segment, result.position);
      if (first && stated >= 0 && known < 0) wrong = true;
      if (wrong) return;
      const bad = { file, position: result.position, end, expected };
      const next = known >= 0 ? known : await noteDamage(core, segment, bad);
      if (next >= end) return;
      from = next;
      first = false;
    }
  });
  return wrong ? 'wrong index' : found;
}

interface BadPlace {
  readonly file: DiskFile;
  readonly position: number;
  readonly end: number;
  /** The offset that was due there. */
  readonly expected: number;
}

/** Damage met while reading: found out how far it goes, reported and kept. Answers the position behind it. */
async function noteDamage(core: LogCore, segment: Segment, bad: BadPlace): Promise<number> {
  const { file, position, end, expected } = bad;
  const segmentEnd = core.segmentEnd(core.segments.indexOf(segment));
  const found = await findNextBatch({
    file,
    from: position + 1,
    to: end,
    offsetMin: expected,
    offsetLimit: segmentEnd,
  });
  const next = found?.position ?? end;
  if (segment.removed || behindDamage(core, segment, position) >= 0) return next;
  const range = {
    firstOffset: expected,
    lastOffset: (found?.baseOffset ?? Math.min(segmentEnd, core.highWatermark)) - 1,
    segmentBaseOffset: segment.baseOffset,
    position,
    bytes: next - position,
  };
  core.damaged = [...core.damaged, range];
  const { context, name } = core;
  context.logger.error(
    { log: name, ...range },
    `${name}: offsets ${range.firstOffset} to ${range.lastOffset} are damaged and skipped`,
  );
  context.tasks.start(`noting damage of ${name}`, () =>
    saveDamage(context.disk, name, core.damaged),
  );
  return next;
}

/** Whole batches in offset order from the one that ends at or after `fromOffset`, up to what is written. */
export async function* readBatches(core: LogCore, fromOffset: number): AsyncGenerator<Buffer> {
  let offset = Math.max(fromOffset, core.startOffset);
  for (;;) {
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
async function readChunk(core: LogCore, from: number): Promise<Chunk | null> {
  const index = core.segmentIndexFor(from);
  const segment = core.segments[index];
  if (segment === undefined) return null;
  const place = segment.written > 0 ? await locate(core, segment, from, segment.written) : null;
  if (place === null) {
    const next = core.segments[index + 1];
    if (next === undefined) return null;
    const offset = Math.max(from, next.baseOffset);
    return { chunk: Buffer.alloc(0), bytesOfFirst: 0, offset };
  }
  const stop = Math.min(segment.written, nextDamage(core, segment, place.position));
  const want = Math.min(stop - place.position, Math.max(place.bytes, 1024 * 1024));
  const chunk = Buffer.allocUnsafe(want);
  const count = await core.context.pool.using(segment.logPath, (file) =>
    file.read(chunk, place.position),
  );
  return { chunk: chunk.subarray(0, count), bytesOfFirst: place.bytes, offset: from };
}
