// Finds offsets by time, exact to the record, as Kafka's ListOffsets does (LogSegment.findOffsetByTimestamp,
// UnifiedLog.fetchOffsetByTimestamp). A search may take long: it holds the latch for one step at a time, and begins
// anew where its segment went in between.

import { BatchHeader, findByTime, LOOK_NOW_BYTES_MAX, prepareCodecOf } from '../../record/index.ts';
import type { TimestampOffset } from '../contract.ts';
import { behindDamage, isInOrder } from '../damage/damage.ts';
import type { DiskFile } from '../disk/disk.ts';
import type { LogView } from '../log-view.ts';
import { scanBatches } from '../scan/batch-scan.ts';
import type { Segment } from '../segment/segment.ts';
import { rebuildIndexes } from '../segment/segment-files.ts';
import { locateGood, withIndexes } from './log-reader.ts';
import type { BatchPlace } from './next-places.ts';

/**
 * First record at or after `fromOffset` with timestamp ≥ `timestamp`, below the high watermark. As the search for the
 * newest, it throws KAFKA_STORAGE_ERROR where the answer may lie behind the readable end.
 */
export function offsetForTimestamp(
  core: LogView,
  timestamp: number,
): Promise<TimestampOffset | null> {
  return whileSegmentsStay(() => searchFrom(core, timestamp));
}

/** Thrown within a search whose segment was taken or exchanged. */
const gone = new Error('the segment is gone');

async function whileSegmentsStay<T>(search: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await search();
    } catch (error) {
      if (error !== gone) throw error;
    }
  }
}

/** Runs a part of a search that goes by the names of the segment's files. Throws {@link gone}. */
function step<T>(core: LogView, segment: Segment, work: () => Promise<T>): Promise<T> {
  return core.latch.shared(async () => {
    if (!core.holds(segment)) throw gone;
    try {
      return await work();
    } catch (error) {
      throw core.holds(segment) ? error : gone;
    }
  });
}

/** Runs `work`, which may take long, with the segment's file; it stays readable when its name is another's. */
async function withLog<T>(
  core: LogView,
  segment: Segment,
  work: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const pinned = await step(core, segment, () => core.context.pool.acquire(segment.logPath));
  try {
    return await work(pinned.file);
  } finally {
    pinned.release();
  }
}

/** As {@link LogView.readableBytes}. Throws {@link gone}. */
function readableBytes(core: LogView, segment: Segment): number {
  if (!core.holds(segment)) throw gone;
  return core.readableBytes(segment);
}

async function searchFrom(core: LogView, timestamp: number): Promise<TimestampOffset | null> {
  for (const segment of [...core.segments]) {
    const end = readableBytes(core, segment);
    if (end === 0) continue;
    await withTimes(core, segment);
    if (segment.maxTimestamp < timestamp && segment.maxTimestamp >= 0) continue;
    const found = await searchSegment(core, segment, end, timestamp);
    if (found !== null) return found;
  }
  core.assertReadable(core.highWatermark - 1);
  return null;
}

async function searchSegment(
  core: LogView,
  segment: Segment,
  end: number,
  timestamp: number,
): Promise<TimestampOffset | null> {
  let offset = await searchBegin(core, segment, end, timestamp);
  offset = Math.max(offset, core.startOffset);
  for (;;) {
    const seen = await look(core, segment, { offset, end, timestamp });
    if (seen === null) return null;
    const found = seen.batch === null ? null : await findRecord(core, seen.batch, timestamp);
    if (found !== null) return found;
    offset = seen.place.lastOffset + 1;
  }
}

interface Seen {
  readonly place: BatchPlace;
  /** Its bytes, if it is new enough. */
  readonly batch: Buffer | null;
}

/** The first batch that ends at or after `offset`, with its bytes if it may hold a record as new as `timestamp`. */
function look(
  core: LogView,
  segment: Segment,
  wanted: { readonly offset: number; readonly end: number; readonly timestamp: number },
): Promise<Seen | null> {
  const { offset, end, timestamp } = wanted;
  return step(core, segment, async () => {
    const place = await locateGood(core, segment, { offset, end, bytes: 0 });
    if (place === null || place.maxTimestamp < timestamp) return place && { place, batch: null };
    const batch = Buffer.allocUnsafe(place.bytes);
    await core.context.pool.using(segment.logPath, (file) => file.read(batch, place.position));
    return { place, batch };
  });
}

/** The first batch that ends at or after `offset`. */
function placeOf(
  core: LogView,
  segment: Segment,
  offset: number,
  end: number,
): Promise<BatchPlace | null> {
  return step(core, segment, () => locateGood(core, segment, { offset, end, bytes: 0 }));
}

/**
 * Nothing below the answer is as new as `timestamp`, by the time index. An entry from a file counts only if it names a
 * batch that is there and carries its time.
 */
async function searchBegin(
  core: LogView,
  segment: Segment,
  end: number,
  timestamp: number,
): Promise<number> {
  const { indexes, baseOffset } = segment;
  const { times } = indexes;
  const entry = times.before(timestamp);
  if (entry < 0) return baseOffset;
  const offset = baseOffset + times.offsetAt(entry);
  if (!indexes.timesLoaded || offset < core.startOffset) return offset;
  const place = await placeOf(core, segment, offset, end);
  if (place !== null && isNamed(place, offset, times.timestampAt(entry))) return offset;
  core.context.logger.warn({ segment: segment.logPath }, 'a wrong time index is rebuilt');
  const { indexIntervalBytes } = core.config;
  await withLog(core, segment, (file) => rebuildIndexes(file, segment, indexIntervalBytes));
  const right = indexes.times.before(timestamp);
  return right < 0 ? baseOffset : baseOffset + indexes.times.offsetAt(right);
}

function isNamed(place: BatchPlace, lastOffset: number, maxTimestamp: number): boolean {
  return place.lastOffset === lastOffset && place.maxTimestamp === maxTimestamp;
}

/** Makes sure that the segment's time index is in memory and knows its newest record. Call without the latch. */
export async function withTimes(core: LogView, segment: Segment): Promise<void> {
  if (!segment.indexes.inMemory) await step(core, segment, async () => withIndexes(core, segment));
  if (segment.indexes.timesProven) return;
  await withLog(core, segment, async (file) => {
    if (await timesReachNewest(segment, file)) return;
    await rebuildIndexes(file, segment, core.config.indexIntervalBytes);
  });
  segment.indexes.proveTimes();
}

/**
 * Whether the last entry names a batch with its time, and nothing behind that batch is newer. Times that only rise
 * need a look at the end of the file, whatever the segment's length.
 */
async function timesReachNewest(segment: Segment, file: DiskFile): Promise<boolean> {
  const { written: to } = segment;
  const { times, offsets } = segment.indexes;
  const last = times.count - 1;
  if (last < 0) return false;
  const newest = times.timestampAt(last);
  const lastOffset = segment.baseOffset + times.offsetAt(last);
  const entry = offsets.floor(times.offsetAt(last));
  const from = entry < 0 ? 0 : offsets.positionAt(entry);
  let named = false;
  const result = await scanBatches({ file, from, to, depth: 'headers' }, (header) => {
    if (header.lastOffset === lastOffset) named = header.maxTimestamp === newest;
    return header.maxTimestamp <= newest;
  });
  return named && result.end === 'end';
}

/** First record of the batch, at or after the log's start, that is as new as `timestamp`. */
async function findRecord(
  core: LogView,
  batch: Buffer,
  timestamp: number,
): Promise<TimestampOffset | null> {
  const header = new BatchHeader(batch);
  const leaderEpoch = header.partitionLeaderEpoch;
  const search = { batch, timestamp, fromOffset: core.startOffset };
  try {
    await prepareCodecOf(header.codecId);
    let found = findByTime(search, LOOK_NOW_BYTES_MAX);
    if (found === undefined) found = await core.context.recordWorker.find(search);
    return found === null ? null : { ...found, leaderEpoch };
  } catch {
    // What is inside a batch was never checked; the batch as a whole is the best answer left.
    return { offset: header.baseOffset, timestamp: header.maxTimestamp, leaderEpoch };
  }
}

/** The record with the largest timestamp below the high watermark; the first of them when several share it. */
export function maxTimestampOf(core: LogView): Promise<TimestampOffset | null> {
  return whileSegmentsStay(() => findNewest(core));
}

/** The batch that is thought to be the newest that may be seen of a segment. */
interface Newest {
  readonly segment: Segment;
  /** Its last. */
  readonly offset: number;
  readonly timestamp: number;
}

async function findNewest(core: LogView): Promise<TimestampOffset | null> {
  const candidates: Newest[] = [];
  for (const segment of [...core.segments]) {
    if (readableBytes(core, segment) === 0) continue;
    await withTimes(core, segment);
    const newest = await newestIn(core, segment);
    if (newest !== null) candidates.push(newest);
  }
  for (;;) {
    core.assertReadable(core.highWatermark - 1);
    let best = candidates[0];
    if (best === undefined) return null;
    for (const next of candidates) if (next.timestamp > best.timestamp) best = next;
    const { segment, offset, timestamp } = best;
    const end = readableBytes(core, segment);
    const seen = await look(core, segment, { offset, end, timestamp });
    if (seen !== null && seen.batch !== null && isNamed(seen.place, offset, timestamp)) {
      const record = await findRecord(core, seen.batch, timestamp);
      if (record !== null) return record;
    }
    // It is damaged, which is known now, or holds nothing: the next newest may be anywhere.
    const other = await walkOn(core, segment, core.startOffset, null);
    const left = other === null || other.offset === offset ? [] : [other];
    candidates.splice(candidates.indexOf(best), 1, ...left);
  }
}

/** By the indexes; behind their last entry, and where these tell of nothing that may be seen, by the headers. */
async function newestIn(core: LogView, segment: Segment): Promise<Newest | null> {
  const { baseOffset, indexes, maxTimestamp, maxTimestampOffset } = segment;
  const { startOffset, highWatermark } = core;
  if (maxTimestamp < 0) return null;
  if (maxTimestampOffset < startOffset) return walkOn(core, segment, startOffset, null);
  if (maxTimestampOffset < highWatermark) {
    return { segment, offset: maxTimestampOffset, timestamp: maxTimestamp };
  }
  const { times, offsets } = indexes;
  const seenLast = highWatermark - 1 - baseOffset;
  let entry = times.count - 1;
  while (entry >= 0 && times.offsetAt(entry) > seenLast) entry--;
  if (entry < 0 || baseOffset + times.offsetAt(entry) < startOffset) {
    return walkOn(core, segment, startOffset, null);
  }
  const offset = baseOffset + times.offsetAt(entry);
  // Had any batch up to the last offset entry been newer, there would be another entry of its time.
  const near = offsets.floor(seenLast);
  const known = Math.max(offset, near < 0 ? offset : baseOffset + offsets.offsetAt(near));
  return walkOn(core, segment, known + 1, { segment, offset, timestamp: times.timestampAt(entry) });
}

/** The newest of `newest` and the batches from `from` on, by their headers. */
async function walkOn(
  core: LogView,
  segment: Segment,
  from: number,
  newest: Newest | null,
): Promise<Newest | null> {
  const end = readableBytes(core, segment);
  let best = newest;
  let expected = from;
  const take = ({ lastOffset, maxTimestamp }: { lastOffset: number; maxTimestamp: number }) => {
    if (maxTimestamp > (best?.timestamp ?? -1)) {
      best = { segment, offset: lastOffset, timestamp: maxTimestamp };
    }
    expected = lastOffset + 1;
  };
  for (;;) {
    // Damage that stops the walk is noted and passed here.
    const place = await placeOf(core, segment, expected, end);
    if (place === null) return best;
    take(place);
    const { end: how } = await withLog(core, segment, (file) => {
      const span = { file, from: place.position + place.bytes, to: end };
      const endOffset = core.endOf(segment);
      return scanBatches({ ...span, depth: 'headers' }, (header, position) => {
        const good = isInOrder(core, header, { expected, endOffset });
        if (!good || behindDamage(core, segment, position) >= 0) return false;
        take(header);
        return true;
      });
    });
    if (how === 'end') return best;
  }
}
