// The short way of a read: what was checked, lies in the page cache, in an open file, and is found by the index, is
// answered at once, without a promise or a thread. Whatever is not so, or looks odd, takes the long way
// (log-reader.ts), which knows about damage, wrong indexes, gaps and cold files.

import { BATCH_HEADER_BYTES, BatchHeader } from '../../record/index.ts';
import type { LogRead, LogReadOptions } from '../contract.ts';
import { isInOrder } from '../damage/damage.ts';
import type { DiskFile } from '../disk/disk.ts';
import type { PinnedFile } from '../disk/file-pool.ts';
import { fileRegion, REGION_BYTES_MIN } from '../disk/file-region.ts';
import type { LogView } from '../log-view.ts';
import { plausibleSize } from '../scan/batch-scan.ts';
import type { Segment } from '../segment/segment.ts';

/** Headers looked at behind an index entry; with more, the batches are so small that the index was made for others. */
const STEPS_MAX = 64;
/** The header that is looked at, used up within each call. */
const header = Buffer.alloc(BATCH_HEADER_BYTES);

interface Place {
  readonly position: number;
  readonly bytes: number;
}

/** Batches from the one that ends at or after `offset`; null when they take the long way. */
export function readNow(core: LogView, options: LogReadOptions): LogRead | null {
  const { offset, limit, maxBytes, minOneBatch } = options;
  // Which damage there is, and whether files are exchanged, is looked at by the long way.
  if (core.damaged.length > 0 || !core.latch.free) return null;
  const segment = core.segments[core.segmentIndexFor(offset)];
  if (segment === undefined || !segment.indexes.inMemory) return null;
  segment.indexes.lookUp();
  if (limit < Math.min(core.readableEnd, core.endOf(segment))) return null;
  const end = core.readableBytes(segment);
  const pinned = core.context.pool.acquireNow(segment.logPath);
  if (pinned === null) return null;
  let read: LogRead | null = null;
  try {
    const place = find(core, segment, { file: pinned.file, offset, end });
    if (place === null) return null;
    const { position } = place;
    let bytes = Math.min(end - position, maxBytes);
    if (bytes < place.bytes && !minOneBatch) return null;
    bytes = wholeBatches(segment, place, bytes);
    if (!segment.verified.covers(position, position + bytes)) return null;
    read = answer(core, pinned, position, bytes);
    return read === null ? null : core.bounded(segment, position + bytes, read);
  } finally {
    if (read === null || Buffer.isBuffer(read.records)) pinned.release();
  }
}

function answer(
  core: LogView,
  pinned: PinnedFile,
  position: number,
  bytes: number,
): LogRead | null {
  if (bytes >= REGION_BYTES_MIN) {
    const { regions, pool } = core.context;
    if (!pool.roomy || !regions()) return null;
    return { records: fileRegion(pinned, position, bytes), byteLength: bytes };
  }
  const records = Buffer.allocUnsafeSlow(bytes);
  const count = pinned.file.readNow?.(records, position) ?? -1;
  return count === bytes ? { records, byteLength: bytes } : null;
}

/**
 * Less than `bytes`, if that ends with a batch: a reader can do nothing with the beginning of one. Only as good as the
 * index; what is cut in the middle of a batch is as good an answer, if it holds the first one whole.
 */
function wholeBatches(segment: Segment, place: Place, bytes: number): number {
  const { offsets } = segment.indexes;
  const entry = offsets.floorPosition(place.position + bytes);
  const end = entry < 0 ? 0 : offsets.positionAt(entry);
  return Math.max(place.bytes, end > place.position ? end - place.position : bytes);
}

interface Search {
  readonly file: DiskFile;
  readonly offset: number;
  readonly end: number;
}

/** As `locate` of log-reader.ts. */
function find(core: LogView, segment: Segment, search: Search): Place | null {
  const { file, offset, end } = search;
  if (file.readNow === undefined) return null;
  const { offsets } = segment.indexes;
  const entry = offsets.floor(offset - segment.baseOffset);
  const stated = entry < 0 ? -1 : segment.baseOffset + offsets.offsetAt(entry);
  let position = entry < 0 ? 0 : offsets.positionAt(entry);
  let expected = entry < 0 ? segment.baseOffset : -1;
  const endOffset = core.endOf(segment);
  for (let step = 0; step < STEPS_MAX && position < end; step++) {
    if (file.readNow(header, position) !== BATCH_HEADER_BYTES) return null;
    const bytes = plausibleSize(header, 0);
    if (bytes === 0 || position + bytes > end) return null;
    const batch = new BatchHeader(header);
    const { lastOffset } = batch;
    if (step === 0 && stated >= 0 && lastOffset !== stated) return null;
    if (!isInOrder(core, batch, { expected, endOffset })) return null;
    // A batch that begins behind the offset lies behind a gap, about which the long way has more to say.
    if (lastOffset >= offset) return batch.baseOffset <= offset ? { position, bytes } : null;
    expected = lastOffset + 1;
    position += bytes;
  }
  return null;
}
