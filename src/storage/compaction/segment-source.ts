// The batches of closed segments in order, checked, with breathing space for the caller between chunks.

import { BATCH_HEADER_BYTES } from '../../record/index.ts';
import { type Disk, DiskError, type DiskFile } from '../disk/disk.ts';
import { crcMatches, plausibleSize } from '../scan/batch-scan.ts';
import { segmentName } from '../segment/segment.ts';
import { CompactionError } from './compaction-error.ts';
import type { SkippedRange } from './job.ts';
import type { SegmentFacts } from './plan.ts';

export interface SegmentSource {
  readonly disk: Disk;
  readonly directory: string;
  readonly skip: readonly SkippedRange[];
}

/**
 * Groups of whole, verified batches of one segment, as many as fit into `memory`, or a longer one. They lie in that
 * memory, so they are gone with the next group. Known damage is stepped over. Throws CompactionError `damaged` at a
 * batch that is not good, DiskError `not_found` where the segment is gone.
 */
export async function* readSegment(
  source: SegmentSource,
  segment: SegmentFacts,
  memory: Buffer,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const path = `${source.directory}/${segmentName(segment.baseOffset)}.log`;
  const file = await source.disk.open(path, 'read');
  try {
    for (const [from, to] of goodStretches(source.skip, segment)) {
      yield* readStretch(file, { from, to, memory });
    }
  } catch (error) {
    // Retention took it meanwhile and may have begun to cut it.
    const gone = error instanceof CompactionError && (await source.disk.stat(path)) === undefined;
    if (gone) throw new DiskError('not_found', path, `${path} was deleted`, { cause: error });
    throw error;
  } finally {
    await file.close();
  }
}

function goodStretches(skip: readonly SkippedRange[], segment: SegmentFacts): [number, number][] {
  const stretches: [number, number][] = [];
  let from = 0;
  const damaged = skip
    .filter((range) => range.segmentBaseOffset === segment.baseOffset)
    .sort((a, b) => a.position - b.position);
  for (const range of damaged) {
    if (range.position > from) stretches.push([from, range.position]);
    from = Math.max(from, range.position + range.bytes);
  }
  if (from < segment.bytes) stretches.push([from, segment.bytes]);
  return stretches;
}

async function* readStretch(
  file: DiskFile,
  { from, to, memory }: { readonly from: number; readonly to: number; readonly memory: Buffer },
): AsyncGenerator<readonly Buffer[], void, undefined> {
  for (let position = from; position < to; ) {
    const room = memory.subarray(0, Math.min(memory.length, to - position));
    const loaded = room.subarray(0, await file.read(room, position));
    const long = longBatch(loaded, to - position);
    const batches = long === 0 ? goodBatches(loaded) : [await longOne(file, position, long)];
    if (batches.length === 0 || batches.includes(null)) {
      const message = `a bad batch in ${file.path} at position ${position}; run tidemark verify`;
      throw new CompactionError('damaged', message);
    }
    for (const batch of batches as Buffer[]) position += batch.length;
    yield batches as Buffer[];
  }
}

/** Bytes of the first batch when it does not fit into what was loaded, but into what there is; else 0. */
function longBatch(loaded: Buffer, rest: number): number {
  const bytes = loaded.length < BATCH_HEADER_BYTES ? 0 : plausibleSize(loaded, 0);
  return bytes > loaded.length && bytes <= rest ? bytes : 0;
}

async function longOne(file: DiskFile, position: number, bytes: number): Promise<Buffer | null> {
  const batch = Buffer.allocUnsafeSlow(bytes);
  return (await file.read(batch, position)) === bytes && crcMatches(batch) ? batch : null;
}

/** The batches that are whole and good, from the beginning up to the first that is not. */
function goodBatches(loaded: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let at = 0; at + BATCH_HEADER_BYTES <= loaded.length; ) {
    const bytes = plausibleSize(loaded, at);
    if (bytes === 0 || at + bytes > loaded.length) break;
    const batch = loaded.subarray(at, at + bytes);
    if (!crcMatches(batch)) break;
    batches.push(batch);
    at += bytes;
  }
  return batches;
}
