// The batches of closed segments in order, checked, with breathing space for the caller between chunks.

import { scanBatches } from '../batch-scan.ts';
import type { Disk, DiskFile } from '../disk.ts';
import { segmentName } from '../segment.ts';
import { CompactionError } from './compaction-error.ts';
import type { SkippedRange } from './job.ts';
import type { SegmentFacts } from './plan.ts';

/** Bytes after which {@link readSegment} hands over what it has. */
const HANDOVER_BYTES = 1024 * 1024;

export interface SegmentSource {
  readonly disk: Disk;
  readonly directory: string;
  readonly skip: readonly SkippedRange[];
}

/**
 * Groups of whole, verified batches of one segment, about a megabyte each. The buffers are the caller's. Known damage
 * is stepped over. Throws CompactionError `damaged` at a batch that is not good.
 */
export async function* readSegment(
  source: SegmentSource,
  segment: SegmentFacts,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const path = `${source.directory}/${segmentName(segment.baseOffset)}.log`;
  const file = await source.disk.open(path, 'read');
  try {
    for (const [from, to] of goodStretches(source.skip, segment)) {
      yield* readStretch(file, from, to);
    }
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
  from: number,
  to: number,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  let position = from;
  while (position < to) {
    const batches: Buffer[] = [];
    let bytes = 0;
    const result = await scanBatches(
      { file, from: position, to, depth: 'checked' },
      (header, _at, size) => {
        if (bytes >= HANDOVER_BYTES) return false;
        batches.push(header.buffer.subarray(header.position, header.position + size));
        bytes += size;
        return true;
      },
    );
    if (result.end === 'bad') {
      const message = `a bad batch in ${file.path} at position ${result.position}; run tidemark verify`;
      throw new CompactionError('damaged', message);
    }
    position = result.position;
    if (batches.length > 0) yield batches;
  }
}
