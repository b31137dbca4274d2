// Offsets that are missing between two segments: a file that is gone, emptied or cut where a batch ends leaves no bad
// byte behind, only a gap. It is told from those that compaction leaves by what that has noted (cleaned-segments.ts).

import type { LogView } from '../log-view.ts';
import { NO_OFFSET, type Segment } from '../segment/segment.ts';
import { reportDamage } from './damage.ts';
import { offsetDueAt } from './verify.ts';

/** Notes what is missing behind a finished segment, once. Call with the latch held. Throws DiskError. */
export async function noteMissingBehind(core: LogView, segment: Segment): Promise<void> {
  if (segment.endProven || segment.removed || segment.written < segment.size) return;
  if (segment.nextBaseOffset === NO_OFFSET || core.gapsUnknown) return;
  // It may not be believed to its end.
  if (segment.nextBaseOffset > core.readableEnd) return;
  const { baseOffset, written } = segment;
  const due =
    written === 0
      ? baseOffset
      : await core.context.pool.using(segment.logPath, (file) =>
          offsetDueAt(core, segment, file, written),
        );
  if (segment.endProven || segment.removed || segment.nextBaseOffset > core.readableEnd) return;
  segment.proveEnd();
  const end = core.cleaned?.accountsTo({ baseOffset, bytes: written }, due) ?? due;
  const firstOffset = Math.max(end, core.startOffset);
  const lastOffset = segment.nextBaseOffset - 1;
  if (firstOffset > lastOffset) return;
  const known = core.damaged.some(
    (range) => range.firstOffset <= firstOffset && range.lastOffset >= lastOffset,
  );
  if (known) return;
  const range = { firstOffset, lastOffset, segmentBaseOffset: baseOffset, position: written };
  reportDamage(core, segment, { ...range, bytes: 0 });
}
