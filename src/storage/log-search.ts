// Finds offsets by time, exact to the record, as Kafka's ListOffsets does (LogSegment.findOffsetByTimestamp,
// UnifiedLog.fetchOffsetByTimestamp).

import {
  BatchHeader,
  codecOf,
  findByTime,
  LOOK_NOW_BYTES_MAX,
  prepareCodec,
} from '../record/index.ts';
import { scanBatches } from './batch-scan.ts';
import type { TimestampOffset } from './contract.ts';
import type { LogCore } from './log-core.ts';
import { locateGood, withIndexes } from './log-reader.ts';
import type { BatchPlace } from './next-places.ts';
import type { Segment } from './segment.ts';
import { rebuildIndexes } from './segment-files.ts';

/** First record at or after `fromOffset` with timestamp ≥ `timestamp`, below the high watermark. */
export function offsetForTimestamp(
  core: LogCore,
  timestamp: number,
): Promise<TimestampOffset | null> {
  return core.latch.shared(() => searchFrom(core, timestamp));
}

async function searchFrom(core: LogCore, timestamp: number): Promise<TimestampOffset | null> {
  for (let index = 0; index < core.segments.length; index++) {
    const segment = core.segments[index] as Segment;
    const end = core.readableBytes(index);
    if (end === 0) continue;
    await withTimes(core, segment);
    if (segment.maxTimestamp < timestamp && segment.maxTimestamp >= 0) continue;
    const found = await searchSegment(core, segment, end, timestamp);
    if (found !== null) return found;
  }
  return null;
}

async function searchSegment(
  core: LogCore,
  segment: Segment,
  end: number,
  timestamp: number,
): Promise<TimestampOffset | null> {
  let offset = await searchBegin(core, segment, end, timestamp);
  offset = Math.max(offset, core.startOffset);
  for (;;) {
    const place = await locateGood(core, segment, { offset, end, bytes: 0 });
    if (place === null) return null;
    if (place.maxTimestamp >= timestamp) {
      const found = await findRecord(core, segment, place, timestamp);
      if (found !== null) return found;
    }
    offset = place.lastOffset + 1;
  }
}

/**
 * Nothing below the answer is as new as `timestamp`, by the time index. An entry from a file counts only if it names a
 * batch that is there and carries its time.
 */
async function searchBegin(
  core: LogCore,
  segment: Segment,
  end: number,
  timestamp: number,
): Promise<number> {
  const { times, baseOffset } = segment;
  const entry = times.before(timestamp);
  if (entry < 0) return baseOffset;
  const offset = baseOffset + times.offsetAt(entry);
  if (!segment.timesLoaded || offset < core.startOffset) return offset;
  const place = await locateGood(core, segment, { offset, end, bytes: 0 });
  if (place !== null && isNamed(place, offset, times.timestampAt(entry))) return offset;
  const { pool, logger } = core.context;
  logger.warn({ segment: segment.logPath }, 'a wrong time index is rebuilt');
  await rebuildIndexes(pool, segment, core.config.indexIntervalBytes);
  const right = segment.times.before(timestamp);
  return right < 0 ? baseOffset : baseOffset + segment.times.offsetAt(right);
}

function isNamed(place: BatchPlace, lastOffset: number, maxTimestamp: number): boolean {
  return place.lastOffset === lastOffset && place.maxTimestamp === maxTimestamp;
}

/** Makes sure that the segment's time index is in memory and knows its newest record. */
export async function withTimes(core: LogCore, segment: Segment): Promise<void> {
  await withIndexes(core, segment);
  if (segment.timesProven) return;
  if (!(await timesReachNewest(core, segment))) {
    await rebuildIndexes(core.context.pool, segment, core.config.indexIntervalBytes);
  }
  segment.timesProven = true;
}

/**
 * Whether the last entry names a batch with its time, and nothing behind that batch is newer. Times that only rise
 * need a look at the end of the file, whatever the segment's length.
 */
async function timesReachNewest(core: LogCore, segment: Segment): Promise<boolean> {
  const { times, offsets, written: to } = segment;
  const last = times.count - 1;
  if (last < 0) return false;
  const newest = times.timestampAt(last);
  const lastOffset = segment.baseOffset + times.offsetAt(last);
  const entry = offsets.floor(times.offsetAt(last));
  const from = entry < 0 ? 0 : offsets.positionAt(entry);
  let named = false;
  const result = await core.context.pool.using(segment.logPath, (file) =>
    scanBatches({ file, from, to, depth: 'headers' }, (header) => {
      if (header.lastOffset === lastOffset) named = header.maxTimestamp === newest;
      return header.maxTimestamp <= newest;
    }),
  );
  return named && result.end === 'end';
}

/** First record of the batch, at or after the log's start, that is as new as `timestamp`. */
async function findRecord(
  core: LogCore,
  segment: Segment,
  place: { readonly position: number; readonly bytes: number },
  timestamp: number,
): Promise<TimestampOffset | null> {
  const batch = Buffer.allocUnsafe(place.bytes);
  await core.context.pool.using(segment.logPath, (file) => file.read(batch, place.position));
  const header = new BatchHeader(batch);
  const leaderEpoch = header.partitionLeaderEpoch;
  const codec = codecOf(header.codecId);
  const search = { batch, timestamp, fromOffset: core.startOffset };
  try {
    if (codec !== null) await prepareCodec(codec);
    let found = findByTime(search, LOOK_NOW_BYTES_MAX);
    if (found === undefined) found = await core.context.recordWorker.find(search);
    return found === null ? null : { ...found, leaderEpoch };
  } catch {
    // What is inside a batch was never checked; the batch as a whole is the best answer left.
    return { offset: header.baseOffset, timestamp: header.maxTimestamp, leaderEpoch };
  }
}

/** The record with the largest timestamp below the high watermark; the first of them when several share it. */
export function maxTimestampOf(core: LogCore): Promise<TimestampOffset | null> {
  return core.latch.shared(() => findNewest(core));
}

async function findNewest(core: LogCore): Promise<TimestampOffset | null> {
  let best: Segment | null = null;
  for (let index = 0; index < core.segments.length; index++) {
    const segment = core.segments[index] as Segment;
    if (core.readableBytes(index) === 0) continue;
    await withTimes(core, segment);
    if (best === null || segment.maxTimestamp > best.maxTimestamp) best = segment;
  }
  if (best === null) return null;
  if (best.maxTimestampOffset < core.highWatermark && best.maxTimestampOffset >= core.startOffset) {
    return newestIn(core, best);
  }
  // Its newest record may not be seen yet: walk what may be.
  return newestSeen(core);
}

async function newestIn(core: LogCore, segment: Segment): Promise<TimestampOffset | null> {
  const end = core.readableBytes(core.segments.indexOf(segment));
  const place = await locateGood(core, segment, {
    offset: segment.maxTimestampOffset,
    end,
    bytes: 0,
  });
  // It was damaged: the next newest may be anywhere.
  if (place === null || place.maxTimestamp < segment.maxTimestamp) return newestSeen(core);
  if (place.maxTimestamp < 0) return null;
  return findRecord(core, segment, place, place.maxTimestamp);
}

async function newestSeen(core: LogCore): Promise<TimestampOffset | null> {
  let found: TimestampOffset | null = null;
  for (let index = 0; index < core.segments.length; index++) {
    const segment = core.segments[index] as Segment;
    const end = core.readableBytes(index);
    for (let offset = Math.max(core.startOffset, segment.baseOffset); end > 0; ) {
      const place = await locateGood(core, segment, { offset, end, bytes: 0 });
      if (place === null) break;
      if (place.maxTimestamp > (found?.timestamp ?? -1)) {
        const record = await findRecord(core, segment, place, place.maxTimestamp);
        if (record !== null) found = record;
      }
      offset = place.lastOffset + 1;
    }
  }
  return found;
}
