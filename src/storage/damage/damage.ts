// What is known of a log's damage, and what happens when more of it is met: how far it goes is found out, it is
// reported, counted, kept for later starts, and a copy of the bytes is set aside. Readers go around it.

import { asError } from '../../base/errors.ts';
import { KafkaError } from '../../base/kafka-errors.ts';
import { BATCH_HEADER_BYTES, type BatchHeader } from '../../record/index.ts';
import type { DamagedRange } from '../contract.ts';
import type { DiskFile } from '../disk/disk.ts';
import type { LogView } from '../log-view.ts';
import { findNextInOrder } from '../scan/batch-order.ts';
import { scanBatches } from '../scan/batch-scan.ts';
import type { Segment } from '../segment/segment.ts';
import { saveDamage } from './damage-file.ts';
import { setAside } from './quarantine.ts';

/**
 * Position of the first damage of the segment at or after `position` that an answer may not run over; infinity when
 * there is none. Offsets that are missing between two good batches stop only those who asked to be stopped.
 */
export function nextDamage(core: LogView, segment: Segment, position: number): number {
  const stops = core.config.damagedRecords === 'stop';
  let next = Number.POSITIVE_INFINITY;
  for (const range of core.damaged) {
    if (range.segmentBaseOffset !== segment.baseOffset || range.position < position) continue;
    if (range.bytes === 0 && (!stops || range.position === position)) continue;
    next = Math.min(next, range.position);
  }
  return next;
}

/** Where a walk that came to `position` goes on: behind the damage that holds it, or -1 when none does. */
export function behindDamage(core: LogView, segment: Segment, position: number): number {
  for (const range of core.damaged) {
    if (range.segmentBaseOffset !== segment.baseOffset || range.bytes === 0) continue;
    if (position >= range.position && position < range.position + range.bytes) {
      return range.position + range.bytes;
    }
  }
  return -1;
}

/** Throws CORRUPT_MESSAGE when `offset` was lost to damage and the topic wants its readers to stop there. */
export function stopAtDamage(core: LogView, offset: number): void {
  if (core.config.damagedRecords !== 'stop') return;
  for (const { firstOffset, lastOffset } of core.damaged) {
    if (offset < firstOffset || offset > lastOffset) continue;
    throw new KafkaError(
      'CORRUPT_MESSAGE',
      `offsets ${firstOffset} to ${lastOffset} of ${core.name} are damaged, and its config ` +
        'tidemark.damaged.records=stop keeps readers from going past them',
    );
  }
}

/**
 * Whether a batch may lie where `expected` is the next offset due (-1: anything) in a segment that ends at `endOffset`.
 * Base offsets are outside of the checksum: this is what they are checked by.
 */
export function isInOrder(
  core: LogView,
  header: BatchHeader,
  due: { readonly expected: number; readonly endOffset: number },
): boolean {
  const { baseOffset, lastOffset } = header;
  const { expected } = due;
  if (baseOffset < expected || lastOffset >= due.endOffset) return false;
  if (expected < 0 || baseOffset === expected || core.gapsAllowed) return true;
  return core.damaged.some((d) => d.firstOffset <= expected && d.lastOffset + 1 >= baseOffset);
}

export interface BadPlace {
  readonly file: DiskFile;
  readonly position: number;
  /** The offset that was due there. */
  readonly expected: number;
}

/**
 * Notes damage that was met. Answers the position of the next good batch, or else the end of what may be read. Throws
 * KAFKA_STORAGE_ERROR where the file may not be believed: what is bad there now may be good after a reopening.
 */
export async function noteDamage(core: LogView, segment: Segment, bad: BadPlace): Promise<number> {
  const { file, position, expected } = bad;
  // Taken together: the offset is that of what follows these bytes.
  const to = core.readableBytes(segment);
  const toOffset = Math.min(core.endOf(segment), core.readableEnd);
  if (position < to) {
    const offsets = { offsetMin: expected, offsetLimit: core.endOf(segment) };
    const found = await findNextInOrder({ file, from: position + 1, to, ...offsets });
    const following = found?.baseOffset ?? toOffset;
    const gap = await wholeBatchAt(bad, to, following);
    const next = gap === null ? (found?.position ?? to) : position;
    // Not so when a sync has failed meanwhile.
    if (core.readableBytes(segment) >= to) {
      // Where the offset due comes next all the same, none is lost.
      const lastOffset = Math.max(expected, gap ?? following) - 1;
      const { baseOffset: segmentBaseOffset } = segment;
      const bytes = next - position;
      note(core, segment, {
        firstOffset: expected,
        lastOffset,
        segmentBaseOffset,
        position,
        bytes,
      });
      return next;
    }
  }
  const message = `${segment.logPath} cannot be read at ${position} before ${core.name} is reopened`;
  throw core.failure ?? new KafkaError('KAFKA_STORAGE_ERROR', message);
}

/** Takes damage that was met into the list, unless it is known. */
function note(core: LogView, segment: Segment, range: DamagedRange): void {
  const { position } = range;
  if (segment.removed || behindDamage(core, segment, position) >= 0) return;
  if (core.damaged.some((d) => d.position === position && sameGap(d, range))) return;
  reportDamage(core, segment, range);
}

function sameGap(one: DamagedRange, other: DamagedRange): boolean {
  return one.segmentBaseOffset === other.segmentBaseOffset && one.bytes === 0 && other.bytes === 0;
}

/** The base offset of a good batch at the place, if it ends where `following` begins: only offsets are missing then. */
async function wholeBatchAt(
  { file, position, expected }: BadPlace,
  to: number,
  following: number,
): Promise<number | null> {
  let base: number | null = null;
  await scanBatches(
    { file, from: position, to, depth: 'checked', chunkBytes: BATCH_HEADER_BYTES },
    ({ baseOffset, lastOffset }) => {
      if (baseOffset > expected && lastOffset + 1 === following) base = baseOffset;
      return false;
    },
  );
  return base;
}

/** Takes damage into the list, tells of it and keeps it for later starts. */
export function reportDamage(core: LogView, segment: Segment, range: DamagedRange): void {
  core.addDamage(range);
  const { context, name, startOffset } = core;
  const { lastOffset, bytes } = range;
  // What was deleted is not lost.
  if (lastOffset < startOffset && range.firstOffset < startOffset) return;
  const firstOffset = Math.max(range.firstOffset, Math.min(startOffset, lastOffset));
  const lost = lastOffset - firstOffset + 1;
  context.integrity.damagedRanges++;
  context.integrity.damagedOffsets += lost;
  const what =
    lost > 0
      ? `offsets ${firstOffset} to ${lastOffset} are damaged and skipped`
      : `${bytes} bytes before offset ${firstOffset} are no batch of it and skipped; no offset is missing`;
  context.logger.error({ log: name, ...range }, `${name}: ${what}`);
  context.tasks.start(`noting damage of ${name}`, () =>
    saveDamageOf(core, segment, () => copyAside(core, segment, range)),
  );
}

/**
 * Makes the list as it is now known to later starts, and then does `more`. In the latch, since compaction exchanges the
 * segment and the list; one after the other, since they share a file.
 */
export function saveDamageOf(
  core: LogView,
  segment: Segment,
  more = async (): Promise<void> => {},
): Promise<void> {
  return core.damageLane.run(() =>
    core.latch.shared(async () => {
      if (!core.holds(segment) || core.state === 'closed') return;
      await saveDamage(core.context.disk, core.name, core.damaged);
      await more();
    }),
  );
}

async function copyAside(core: LogView, segment: Segment, range: DamagedRange): Promise<void> {
  const { disk, pool, clock, logger } = core.context;
  const { position, ...rest } = range;
  if (range.bytes === 0) return;
  const why = 'bad batches met while reading';
  try {
    const copy = await pool.using(segment.logPath, (file) =>
      setAside(disk, clock, file, { log: core.name, position, ...rest, why }),
    );
    logger.warn({ log: core.name, copy }, `${core.name}: damaged bytes are copied to ${copy}`);
  } catch (error) {
    // They also stay where they are until retention takes the segment.
    const { message } = asError(error);
    logger.warn({ log: core.name, error: message }, 'damaged bytes could not be copied aside');
  }
}
