// The files of one segment: making them, loading and rebuilding indexes, writing these, deleting.

import { BATCH_HEADER_BYTES, type BatchHeader } from '../../record/index.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import type { FilePool, PinnedFile } from '../disk/file-pool.ts';
import { deletedName } from '../disk/gone-name.ts';
import type { GoneFile } from '../disk/paced-removal.ts';
import { directoryOf, readSmallFile, withFile, writeSmallFile } from '../disk/small-file.ts';
import { findNextInOrder } from '../scan/batch-order.ts';
import { scanBatches } from '../scan/batch-scan.ts';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import { type BatchFacts, RELATIVE_OFFSET_MAX, type Segment } from './segment.ts';
import type { IndexEntries } from './segment-indexes.ts';
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts';

/** Every suffix a segment's files may have. */
export const SEGMENT_SUFFIXES = ['.log', '.index', '.timeindex', '.txnindex', '.snapshot'] as const;

/** Makes an empty segment file (and its snapshot) and makes the names durable. */
export async function createSegment(
  disk: Disk,
  pool: FilePool,
  segment: Segment,
): Promise<PinnedFile> {
  if (segment.snapshot !== null) {
    await writeSmallFile(disk, `${segment.stem}.snapshot`, segment.snapshot);
  }
  const pinned = await pool.acquire(segment.logPath, 'create');
  try {
    if ((await pinned.file.size()) > 0) await pinned.file.truncate(0);
    await disk.syncDirectory(directoryOf(segment.stem));
    segment.made();
    return pinned;
  } catch (error) {
    pinned.release();
    throw error;
  }
}

/** Loads a segment's indexes from their files, or rebuilds them from the log where the files are not good. */
export async function loadIndexes(
  disk: Disk,
  pool: FilePool,
  segment: Segment,
  options: { readonly endOffset: number; readonly intervalBytes: number },
): Promise<void> {
  const { indexes } = segment;
  if (indexes.inMemory) return;
  const limit = options.endOffset - segment.baseOffset;
  const offsetBytes = await readSmallFile(disk, `${segment.stem}.index`);
  const timeBytes = await readSmallFile(disk, `${segment.stem}.timeindex`);
  if (indexes.inMemory) return;
  if (offsetBytes !== null && timeBytes !== null) {
    const offsets = OffsetIndex.decode(offsetBytes, segment.written);
    const times = TimeIndex.decode(timeBytes, limit);
    const whole = offsets.complete && times.complete;
    const found = { offsets: offsets.index, times: times.index };
    if (whole && (await reachesEnd(pool, segment, found, { ...options, limit }))) {
      if (!indexes.inMemory) indexes.loaded(found);
      return;
    }
  }
  const { intervalBytes } = options;
  await pool.using(segment.logPath, (file) => rebuildIndexes(file, segment, intervalBytes));
}

/** How far behind the last entry of a whole index a batch can begin: the interval may have been larger once. */
export function indexRoomMax(intervalBytes: number): number {
  return Math.max(intervalBytes, 4096) * 4;
}

/**
 * Whether indexes go on to the end of the log file: its last entry leads to a batch, from there whole batches lead to
 * the end with no room for further entries, and none of them is newer than the time index says.
 */
async function reachesEnd(
  pool: FilePool,
  segment: Segment,
  { offsets, times }: IndexEntries,
  options: { readonly limit: number; readonly intervalBytes: number },
): Promise<boolean> {
  const last = offsets.count - 1;
  if (last >= 0 && offsets.offsetAt(last) >= options.limit) return false;
  const from = last >= 0 ? offsets.positionAt(last) : 0;
  const newest = times.count > 0 ? times.timestampAt(times.count - 1) : -1;
  const roomMax = indexRoomMax(options.intervalBytes);
  let good = true;
  let offsetRight = last < 0;
  const visit = (header: BatchHeader, position: number): boolean => {
    const stated = segment.baseOffset + (last >= 0 ? offsets.offsetAt(last) : 0);
    if (position === from && header.lastOffset === stated) offsetRight = true;
    if (position - from > roomMax) good = false;
    // The active segment's newest entry is still to come.
    if (segment.sealed && header.maxTimestamp > newest) good = false;
    return good;
  };
  const chunkBytes = 64 * 1024;
  const to = segment.written;
  await pool.using(segment.logPath, (file) =>
    scanBatches({ file, from, to, depth: 'headers', chunkBytes }, visit),
  );
  return good && offsetRight;
}

/** Looks up the time of the first batch of the segment, which its file begins with. */
export async function learnFirstTimestamp(file: DiskFile, segment: Segment): Promise<void> {
  const { size: to } = segment;
  const first = { file, from: 0, to, depth: 'headers', chunkBytes: BATCH_HEADER_BYTES } as const;
  await scanBatches(first, ({ maxTimestamp }) => {
    segment.learnFirstTimestamp(maxTimestamp);
    return false;
  });
}

interface IndexedBatch extends BatchFacts {
  readonly position: number;
}

/** Makes the indexes anew from the headers in the log file. */
export async function rebuildIndexes(
  file: DiskFile,
  segment: Segment,
  intervalBytes: number,
): Promise<void> {
  const offsets = new OffsetIndex();
  const times = new TimeIndex();
  let maxTimestamp = -1;
  let maxOffset = segment.baseOffset;
  let sinceEntry = 0;
  let expected = segment.baseOffset;
  // One batch behind the walk: what follows tells whether its base offset is right.
  let waiting: IndexedBatch | null = null;
  const take = (nextBase: number): void => {
    if (waiting === null) return;
    const { baseOffset, lastOffset, position, bytes } = waiting;
    const contradicted = baseOffset > expected && nextBase >= expected && nextBase <= lastOffset;
    const far = lastOffset - segment.baseOffset > RELATIVE_OFFSET_MAX;
    // Entries go up, or nothing could be found by them.
    const inOrder = baseOffset >= expected && !contradicted && !far;
    if (waiting.maxTimestamp > maxTimestamp) {
      maxTimestamp = waiting.maxTimestamp;
      maxOffset = inOrder ? lastOffset : expected;
    }
    if (inOrder && sinceEntry > intervalBytes) {
      offsets.append(lastOffset - segment.baseOffset, position);
      times.append(maxTimestamp, maxOffset - segment.baseOffset);
      sinceEntry = 0;
    }
    sinceEntry += bytes;
    if (inOrder) expected = lastOffset + 1;
  };
  const visit = (header: BatchHeader, position: number, bytes: number): boolean => {
    const { baseOffset, lastOffset } = header;
    take(baseOffset);
    waiting = { baseOffset, lastOffset, maxTimestamp: header.maxTimestamp, position, bytes };
    return true;
  };
  const to = segment.written;
  for (let from = 0; from < to; ) {
    const { end, position } = await scanBatches({ file, from, to, depth: 'headers' }, visit);
    take(-1);
    waiting = null;
    if (end === 'end') break;
    // Damage, which readers go around, too.
    const limits = { offsetMin: expected, offsetLimit: segment.baseOffset + RELATIVE_OFFSET_MAX };
    const next = await findNextInOrder({ file, from: position + 1, to, ...limits });
    if (next === null) break;
    from = next.position;
  }
  times.append(maxTimestamp, maxOffset - segment.baseOffset);
  const newest = { maxTimestamp, maxTimestampOffset: maxOffset };
  // What was appended meanwhile lies behind the walk.
  const behind = segment.size > to ? expected : Number.POSITIVE_INFINITY;
  segment.indexes.rebuilt({ offsets, times }, newest, behind);
}

/**
 * Writes index entries that the files lack and syncs both files; the names are made durable too. Nothing for a segment
 * that is removed: its files may have other names by now, and new ones would stay for ever.
 */
export function saveIndexes(disk: Disk, segment: Segment): Promise<void> {
  return segment.indexes.saving.run(() => writeIndexes(disk, segment));
}

async function writeIndexes(disk: Disk, segment: Segment): Promise<void> {
  const { indexes, stem } = segment;
  for (;;) {
    if (!indexes.inMemory || segment.removed) return;
    const unsaved = indexes.unsaved();
    const { offsets, times, offsetsFrom, timesFrom } = unsaved;
    const index = offsets.encode(offsetsFrom);
    const time = times.encode(timesFrom);
    await appendSynced(disk, `${stem}.index`, index, offsetsFrom * OFFSET_ENTRY_BYTES);
    await appendSynced(disk, `${stem}.timeindex`, time, timesFrom * TIME_ENTRY_BYTES);
    if (offsetsFrom === 0 || timesFrom === 0) await disk.syncDirectory(directoryOf(stem));
    // Found to be wrong meanwhile, and made anew, they are written again.
    if (indexes.saved(unsaved)) return;
  }
}

function appendSynced(disk: Disk, path: string, bytes: Buffer, at: number): Promise<void> {
  return withFile(disk, path, 'create', async (file) => {
    // Entries of an older, longer file must not follow ours.
    if ((await file.size()) !== at) await file.truncate(at);
    if (bytes.length > 0) await file.write([bytes], at);
    await file.datasync();
  });
}

/** Renames a removed segment's files out of the way, durably; what is in `gone` is to be removed later. */
export async function renameDeleted(
  disk: Disk,
  pool: FilePool,
  segment: Segment,
  gone: GoneFile[],
): Promise<void> {
  await segment.indexes.saving.run(async () => {});
  // The log goes last: a segment whose log is still there is whole or can be made whole.
  for (const suffix of ['.index', '.timeindex', '.txnindex', '.log']) {
    const path = segment.stem + suffix;
    if ((await disk.stat(path)) === undefined) continue;
    const away = deletedName(path);
    await disk.rename(path, away);
    gone.push({ path: away, was: path });
  }
  pool.detach(segment.logPath);
  await disk.syncDirectory(directoryOf(segment.stem));
}
