// The list of damage is what was seen, once: memory, a cable or the page cache may have been at fault. So each range is
// looked at again by the first reader who comes to its segment after a start, by each pass of the scrub, and before
// compaction drops what lies there. What is good by then is served.

import { asError } from '../../base/errors.ts';
import type { DamagedRange } from '../contract.ts';
import { DiskError, type DiskFile } from '../disk/disk.ts';
import type { LogView } from '../log-view.ts';
import { findNextInOrder, scanInOrder } from '../scan/batch-order.ts';
import { withScanMemory } from '../scan/scan-memory.ts';
import type { Segment } from '../segment/segment.ts';
import { rebuildIndexes } from '../segment/segment-files.ts';
import { saveDamageOf } from './damage.ts';
import { overlaps, sameDamage, tellGood } from './damaged-ranges.ts';

/**
 * Looks again at the damage of a segment; `again`: also at what was looked at in this run. Call with the latch held.
 * Throws DiskError only where the segment itself cannot be read.
 */
export async function proveDamage(core: LogView, segment: Segment, again = false): Promise<void> {
  for (const range of core.damaged) {
    if (range.segmentBaseOffset !== segment.baseOffset) continue;
    if (!again && core.provenDamage.has(range)) continue;
    // Whatever lies behind the readable end is not judged.
    if (range.position + range.bytes > core.readableBytes(segment)) continue;
    const left = await stillDamaged(core, segment, range);
    core.provenDamage.add(range);
    if (sameDamage(left, [range]) || !core.replaceDamage(range, left)) continue;
    tellGood(core.context.logger, core.name, range, left.length === 0);
    const { pool, tasks } = core.context;
    // Indexes may have been made when it could not be read.
    await pool.using(segment.logPath, (file) =>
      rebuildIndexes(file, segment, core.config.indexIntervalBytes),
    );
    tasks.start(`noting damage of ${core.name}`, () => saveDamageOf(core, segment));
  }
}

/** What of a range is damaged now. */
async function stillDamaged(
  core: LogView,
  segment: Segment,
  range: DamagedRange,
): Promise<DamagedRange[]> {
  if (range.bytes === 0 && isBack(core, range)) return [];
  try {
    return await core.context.pool.using(segment.logPath, (file) =>
      range.bytes === 0
        ? notThere(core, segment, range, file)
        : badStretches(core, segment, range, file),
    );
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    // What cannot be read is not good, and readers are to get around it.
    const fields = { log: core.name, ...range, error: asError(error).message };
    core.context.logger.warn(fields, `${core.name}: known damage could not be looked at again`);
    return [range];
  }
}

/** Whether offsets that were missing beside a segment are in one of their own: its file was put back. */
function isBack(core: LogView, { lastOffset, segmentBaseOffset }: DamagedRange): boolean {
  const holder = core.segments[core.segmentIndexFor(lastOffset)];
  if (holder === undefined || holder.baseOffset === segmentBaseOffset) return false;
  return holder.baseOffset <= lastOffset && holder.written > 0;
}

/** Offsets that were missing before a good batch are there when that batch is another one. */
async function notThere(
  core: LogView,
  segment: Segment,
  range: DamagedRange,
  file: DiskFile,
): Promise<DamagedRange[]> {
  const from = range.position;
  const to = core.readableBytes(segment);
  let there = false;
  const offsetLimit = core.endOf(segment);
  const scan = { file, from, to, until: from + 1, expected: () => -1, offsetLimit };
  await scanInOrder(scan, ({ baseOffset: firstOffset, lastOffset }) => {
    there = overlaps(range, { firstOffset, lastOffset });
    return false;
  });
  return there ? [] : [range];
}

/** The stretches of a range that hold no good batches in their order. */
async function badStretches(
  core: LogView,
  segment: Segment,
  range: DamagedRange,
  file: DiskFile,
): Promise<DamagedRange[]> {
  const { firstOffset, segmentBaseOffset, position: begin } = range;
  const to = begin + range.bytes;
  const offsetLimit = range.lastOffset + 1;
  const left: DamagedRange[] = [];
  let due = firstOffset;
  for (let from = begin; from < to; ) {
    const scan = { file, from, to, expected: () => due, offsetLimit };
    const { position } = await withScanMemory((memory) =>
      scanInOrder({ ...scan, memory }, ({ baseOffset, lastOffset }) => {
        const inPlace = baseOffset === due || (baseOffset > due && core.gapsAllowed);
        if (!inPlace || lastOffset >= offsetLimit) return false;
        due = lastOffset + 1;
        return true;
      }),
    );
    segment.verified.add(from, position);
    if (position >= to) break;
    const offsets = { offsetMin: due, offsetLimit };
    const next = await findNextInOrder({ file, from: position + 1, to, ...offsets });
    const following = next?.baseOffset ?? offsetLimit;
    const bytes = (next?.position ?? to) - position;
    left.push({ firstOffset: due, lastOffset: following - 1, segmentBaseOffset, position, bytes });
    due = following;
    from = position + bytes;
  }
  const rest = due < offsetLimit && !core.gapsAllowed;
  const missing = { firstOffset: due, lastOffset: range.lastOffset, segmentBaseOffset };
  if (rest) left.push({ ...missing, position: to, bytes: 0 });
  return left;
}
