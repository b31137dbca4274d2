// What of a segment lies below a recovery point is not scanned again where its index files are good. They are not
// believed without a look: they must lead from batch to batch exactly to the recovery point.

import type { Disk, DiskFile } from '../disk/disk.ts';
import { readSmallFile } from '../disk/small-file.ts';
import { scanBatches } from '../scan/batch-scan.ts';
import { OffsetIndex } from '../segment/offset-index.ts';
import type { Segment } from '../segment/segment.ts';
import { indexRoomMax } from '../segment/segment-files.ts';
import type { NewestBatch } from '../segment/segment-indexes.ts';
import { TimeIndex } from '../segment/time-index.ts';

/** Where a recovery is to go on in a segment. */
interface Place {
  readonly offset: number;
  readonly position: number;
  readonly intervalBytes: number;
}

/** Takes over the indexes up to the place; false, with the segment as it was, when they may not be believed. */
export async function resumeByIndexes(
  disk: Disk,
  segment: Segment,
  file: DiskFile,
  place: Place,
): Promise<boolean> {
  const indexBytes = await readSmallFile(disk, `${segment.stem}.index`);
  const timeBytes = await readSmallFile(disk, `${segment.stem}.timeindex`);
  if (indexBytes === null || timeBytes === null) return false;
  const relative = place.offset - segment.baseOffset;
  const offsets = OffsetIndex.decode(indexBytes, place.position).index;
  const times = TimeIndex.decode(timeBytes, relative).index;
  while (offsets.count > 0 && offsets.offsetAt(offsets.count - 1) >= relative) {
    offsets.truncate(offsets.count - 1);
  }
  const last = times.count - 1;
  const stated = {
    maxTimestamp: last < 0 ? -1 : times.timestampAt(last),
    maxTimestampOffset: segment.baseOffset + (last < 0 ? 0 : times.offsetAt(last)),
  };
  // From the newest time on: what follows must show that no newer one is missing.
  const entry = last < 0 ? -1 : offsets.floor(times.offsetAt(last));
  const from = entry < 0 ? 0 : offsets.positionAt(entry);
  // A write that was refused may have left them empty, or with their first entries only.
  const reach = offsets.count > 0 ? offsets.positionAt(offsets.count - 1) : 0;
  const walk = { baseOffset: segment.baseOffset, from, reach, stated };
  const newest = await newestUpTo(file, walk, place);
  if (newest === null) return false;
  // What the files have is not written again: a disk that refuses the rest would have taken it away.
  const saved = {
    offsets: isBeginningOf(offsets.encode(0), indexBytes) ? offsets.count : 0,
    times: isBeginningOf(times.encode(0), timeBytes) ? times.count : 0,
  };
  segment.indexes.resumed({ offsets, times }, saved, newest);
  segment.resumeAt(place.position);
  return true;
}

interface Walk {
  readonly baseOffset: number;
  /** The index entry that is at or before the newest time. */
  readonly from: number;
  /** The last index entry. */
  readonly reach: number;
  /** By the time index. */
  readonly stated: NewestBatch;
}

/**
 * The newest batch, by a walk through the headers: null unless a batch ends exactly at the place and behind the last
 * entry there is no room for another.
 */
async function newestUpTo(
  file: DiskFile,
  { baseOffset, from, reach, stated }: Walk,
  { offset, position: to, intervalBytes }: Place,
): Promise<NewestBatch | null> {
  if (to - from > intervalBytes * 2 + 64 * 1024 * 1024) return null;
  let end = baseOffset;
  let newest = stated;
  // The newest time must be that of the batch which its entry names.
  let named = stated.maxTimestamp < 0;
  const positionMax = reach + indexRoomMax(intervalBytes);
  const result = await scanBatches({ file, from, to, depth: 'headers' }, (header, position) => {
    if (position > positionMax) return false;
    const { lastOffset, maxTimestamp } = header;
    end = lastOffset + 1;
    const isStated = lastOffset === stated.maxTimestampOffset;
    if (isStated && maxTimestamp === stated.maxTimestamp) named = true;
    if (maxTimestamp > newest.maxTimestamp) {
      newest = { maxTimestamp, maxTimestampOffset: lastOffset };
    }
    return true;
  });
  // Exactly there: a place in a segment that is gone must not pass for one in the segment before.
  return named && result.end === 'end' && end === offset ? newest : null;
}

function isBeginningOf(bytes: Buffer, whole: Buffer): boolean {
  return bytes.equals(whole.subarray(0, bytes.length));
}
