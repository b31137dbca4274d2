// No batch of a file is served before its checksum was compared once in this run. What this process wrote and what a
// recovery scanned is known to be good; the rest is checked as it is first read, a stretch at a time, and remembered,
// so that later reads go straight to the file.

import type { DiskFile } from '../disk/disk.ts';
import type { LogView } from '../log-view.ts';
import { scanInOrder } from '../scan/batch-order.ts';
import { scanBatches } from '../scan/batch-scan.ts';
import { withScanMemory } from '../scan/scan-memory.ts';
import type { Segment } from '../segment/segment.ts';
import { behindDamage, isInOrder, noteDamage } from './damage.ts';

/** Checked at once at least, so that small reads in a row do not check in small pieces. */
const VERIFY_BYTES = 1024 * 1024;

export interface UncheckedSpan {
  /** Where a batch begins. */
  readonly from: number;
  /** Bytes up to here are wanted; no further than `end`. */
  readonly wanted: number;
  /** End of what may be looked at: where a batch ends. */
  readonly end: number;
  /** The offset due at `from`; -1 when unknown. */
  readonly expected: number;
}

/**
 * Checks what of the span was not checked yet; damage is noted. Call with the latch held. Throws DiskError when the
 * disk refuses.
 */
export function verifySpan(
  core: LogView,
  segment: Segment,
  span: UncheckedSpan,
): Promise<void> | undefined {
  if (segment.verified.covers(span.from, Math.min(span.wanted, span.end))) return undefined;
  return core.context.pool.using(segment.logPath, async (file) => {
    const { wanted, end } = span;
    let { from, expected } = span;
    while (from < wanted && from < end) {
      const checked = segment.verified.endOf(from);
      const known = checked > from ? checked : behindDamage(core, segment, from);
      if (known >= 0) {
        from = known;
        expected = -1;
        continue;
      }
      const to = Math.max(wanted, from + VERIFY_BYTES);
      const result = await checkStretch(core, segment, { file, from, to, end, expected });
      from = result.position;
      expected = result.expected;
    }
  });
}

/**
 * Checks the segments that begin at `bases` as far as that was not done; others get their turn between the steps. A
 * segment that is not of the log any more (taken, exchanged, or the log was opened anew) is left out.
 */
export async function verifySegments(core: LogView, bases: ReadonlySet<number>): Promise<void> {
  for (const segment of [...core.segments]) {
    if (!bases.has(segment.baseOffset)) continue;
    for (let from = 0; from < segment.written; ) {
      const next = segment.verified.endOf(from);
      if (next > from) {
        from = next;
        continue;
      }
      const expected = from === 0 ? segment.baseOffset : -1;
      const step = { from, wanted: from + 1, end: segment.written, expected };
      const looked = await core.latch.shared(async () => {
        if (!core.holds(segment)) return false;
        await verifySpan(core, segment, step);
        return true;
      });
      if (!looked) break;
      const reached = segment.verified.endOf(from);
      from = reached > from ? reached : Math.max(from + 1, behindDamage(core, segment, from));
    }
  }
}

export interface CheckedSpan {
  readonly file: DiskFile;
  readonly from: number;
  /** No batch that begins at or behind `to` is looked at. */
  readonly to: number;
  readonly end: number;
  /** -1: unknown. */
  readonly expected: number;
  /** Bytes read at once; default 1 MiB. */
  readonly chunkBytes?: number;
}

/**
 * Checks batches up to `to`, or up to damage, which it notes and passes. Answers where to go on and the offset due
 * there (-1 behind damage).
 */
export async function checkStretch(
  core: LogView,
  segment: Segment,
  span: CheckedSpan,
): Promise<{ readonly position: number; readonly expected: number }> {
  const { file, from, to, end, chunkBytes = VERIFY_BYTES } = span;
  const endOffset = core.endOf(segment);
  let { expected } = span;
  let full = false;
  const scan = { file, from, to: end, until: Math.min(to, end), chunkBytes };
  const result = await withScanMemory((memory) =>
    scanInOrder(
      { ...scan, memory, expected: () => expected, offsetLimit: endOffset },
      (header, position) => {
        full = position >= to || behindDamage(core, segment, position) >= 0;
        if (full || !isInOrder(core, header, { expected, endOffset })) return false;
        expected = header.lastOffset + 1;
        return true;
      },
    ),
  );
  const { position } = result;
  segment.verified.add(from, position);
  core.context.integrity.verifiedBytes += position - from;
  if (full || result.end === 'end') return { position, expected };
  const due = expected >= 0 ? expected : await offsetDueAt(core, segment, file, position);
  const next = await noteDamage(core, segment, { file, position, expected: due });
  if (next === position) {
    // Whole, but offsets are missing before it, which is noted now.
    return { position, expected: -1 };
  }
  return { position: next, expected: -1 };
}

/** The offset due at a position, by the headers of the segment up to there. */
export async function offsetDueAt(
  core: LogView,
  segment: Segment,
  file: DiskFile,
  to: number,
): Promise<number> {
  let due = segment.baseOffset;
  for (let from = 0; from < to; ) {
    const result = await scanBatches({ file, from, to, depth: 'headers' }, (header, position) => {
      if (behindDamage(core, segment, position) >= 0) return false;
      due = Math.max(due, header.lastOffset + 1);
      return true;
    });
    if (result.end === 'end') break;
    const behind = behindDamage(core, segment, result.position);
    if (behind < 0) break;
    from = behind;
  }
  for (const range of core.damaged) {
    const before = range.position + range.bytes <= to;
    if (range.segmentBaseOffset === segment.baseOffset && before) {
      due = Math.max(due, range.lastOffset + 1);
    }
  }
  return due;
}
