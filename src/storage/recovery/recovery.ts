// Opens a log's directory: after a clean stop from what was noted, else by scanning from the recovery point and
// putting the end in order (DESIGN, promises: kill -9, power cut). Every step can be cut short and done again.

import type { DamagedRange } from '../contract.ts';
import { loadDamage, saveDamage } from '../damage/damage-file.ts';
import { isWithin, overlaps, sameDamage, tellGood } from '../damage/damaged-ranges.ts';
import { copyRange, setAside } from '../damage/quarantine.ts';
import type { Disk } from '../disk/disk.ts';
import type { LogContents, SyncedPlace } from '../log-contents.ts';
import { CleanedSegments } from '../metadata/cleaned-segments.ts';
import { LeaderEpochs } from '../metadata/leader-epochs.ts';
import { baseOffsetOf, Segment, segmentName } from '../segment/segment.ts';
import { loadIndexes, SEGMENT_SUFFIXES, saveIndexes } from '../segment/segment-files.ts';
import { AbortedTransactions } from '../segment/transaction-index.ts';
import {
  damageWithin,
  keptEpochs,
  listSegments,
  missingBegin,
  type OpenDirectory,
  recoveredEpochs,
  scanDirectory,
  wholeSegment,
} from './recovery-files.ts';
import type { Leftover, Piece, ScanOutcome, SegmentFile } from './recovery-scan.ts';

const REWRITE_SUFFIX = '.rewrite';
/** A segment up to this size needs no index: one read covers it. */
const INDEX_FREE_BYTES = 4096;
/** When a recovery scanned more than this, it also moves the recovery point: twice what a kill leaves, about. */
const SCANNED_BYTES_MAX = 8 * 1024 * 1024;

/** Opens the directory; throws DiskError when the disk refuses what must be done. */
export async function openDirectory(options: OpenDirectory): Promise<LogContents> {
  const listed = await listSegments(options, true);
  const { files } = listed;
  const known = await loadDamage(options.disk, options.name);
  const begin = missingBegin(options, listed);
  const told = known.some((range) => range.lastOffset === begin?.lastOffset);
  const missing = begin === null || told ? [] : [begin];
  await reportDamage(options, missing, []);
  const damaged = [...known, ...missing];
  if (missing.length > 0) await saveDamage(options.disk, options.name, damaged);
  const cleaned = await CleanedSegments.load(options.disk, options.name);
  const aborted = await AbortedTransactions.load(options, listed.transactions);
  let found = files.length === 0 ? await emptyLog(options, damaged) : null;
  if (found === null && options.stop === 'clean') found = await openClean(options, files, damaged);
  found ??= await recover(options, files, { damaged, cleaned });
  return { ...found, believedEnd: found.endOffset, cleaned, aborted };
}

type Found = Omit<LogContents, 'believedEnd' | 'cleaned' | 'aborted'>;

async function emptyLog(options: OpenDirectory, known: readonly DamagedRange[]): Promise<Found> {
  const { name, clock, mark, startOffset, stop } = options;
  // Offsets that were given out before are never given out again, whatever became of the files.
  const end = Math.max(startOffset, Number.isFinite(mark) ? mark : 0);
  const { believed, latest } = await keptEpochs(options);
  const epochs = believed ?? new LeaderEpochs();
  if (stop === 'crashed' || epochs.latest < 0) epochs.assign(latest + 1, end);
  const damaged = await damageBelow(options, known, [], end);
  const segment = new Segment(name, end, clock.now());
  const contents = { segments: [segment], startOffset: end, endOffset: end, damaged };
  return { ...contents, epochs, recovery: null, scanned: null };
}

/** What the marks noted at a clean stop; null when the files are not as they were then. */
async function openClean(
  options: OpenDirectory,
  files: readonly SegmentFile[],
  damaged: DamagedRange[],
): Promise<Found | null> {
  const { disk, pool, name, config, recoveryOffset, recoveryPosition, times } = options;
  const last = files[files.length - 1] as SegmentFile;
  const { believed: epochs } = await keptEpochs(options);
  const asNoted = last.bytes === recoveryPosition && recoveryOffset >= last.baseOffset;
  if (!asNoted || recoveryOffset !== options.mark || epochs === null || epochs.latest < 0)
    return null;
  const segments = files.slice(0, -1).map((file) => wholeSegment(name, file));
  const active = Segment.resumed(name, last, times);
  segments.push(active);
  if (active.size > INDEX_FREE_BYTES) {
    const { indexIntervalBytes } = config;
    const limits = { endOffset: recoveryOffset, intervalBytes: indexIntervalBytes };
    await loadIndexes(disk, pool, active, limits);
  } else {
    active.indexes.leaveEmpty();
  }
  return {
    segments,
    startOffset: Math.max(options.startOffset, (files[0] as SegmentFile).baseOffset),
    endOffset: recoveryOffset,
    damaged,
    epochs,
    recovery: null,
    scanned: null,
  };
}

async function recover(
  options: OpenDirectory,
  files: readonly SegmentFile[],
  told: { readonly damaged: readonly DamagedRange[]; readonly cleaned: CleanedSegments | null },
): Promise<Found> {
  const { name, logger } = options;
  const { damaged: known } = told;
  const outcome = await scanDirectory(options, files, told);
  const all = [...outcome.kept, ...outcome.damaged];
  const fresh = outcome.damaged.filter((range) => !known.some((other) => isWithin(range, other)));
  await reportDamage(options, fresh, outcome.pieces);
  if (!sameDamage(all, known)) await saveDamage(options.disk, name, all);
  await settleFiles(options, outcome);
  const scannedFrom = (outcome.pieces[0] as Piece).segment.baseOffset;
  const older = files.filter((file) => file.baseOffset < scannedFrom);
  const segments = older.map((file) => wholeSegment(name, file));
  for (const { segment } of outcome.pieces) segments.push(segment);
  const recovery = await finishSegments(options, outcome);
  const { endOffset } = outcome;
  const damaged = await damageBelow(options, all, segments, endOffset);
  for (const range of damageWithin(known, segments, endOffset)) {
    const isLoss = range.lastOffset >= Math.max(range.firstOffset, options.startOffset);
    const good = isLoss && !damaged.some((other) => overlaps(range, other));
    if (good) tellGood(logger, name, range, true);
  }
  if (outcome.rollAtEnd) segments.push(new Segment(name, endOffset, options.clock.now()));
  const epochs = await raisedEpochs(options, segments, outcome);
  await dropSnapshotsAbove(options, endOffset);
  logger.info({ log: name, endOffset, mark: options.mark }, `${name} recovered up to ${endOffset}`);
  const startOffset = Math.max(options.startOffset, (segments[0] as Segment).baseOffset);
  return {
    segments,
    startOffset: Math.min(startOffset, endOffset),
    endOffset,
    damaged,
    epochs,
    recovery,
    scanned: outcome.headers,
  };
}

/** Damage below the mark that was not known: a copy aside and a report. */
async function reportDamage(
  options: OpenDirectory,
  damaged: readonly DamagedRange[],
  pieces: readonly Piece[],
): Promise<void> {
  const { disk, clock, logger, name, integrity } = options;
  for (const range of damaged) {
    if (integrity !== undefined) {
      integrity.damagedRanges++;
      integrity.damagedOffsets += range.lastOffset - range.firstOffset + 1;
    }
    logger.error(
      { log: name, ...range },
      `${name}: offsets ${range.firstOffset} to ${range.lastOffset} are damaged and skipped`,
    );
    const piece = pieces.find((p) => p.segment.baseOffset === range.segmentBaseOffset);
    if (piece === undefined || range.bytes === 0) continue;
    const file = await disk.open(`${name}/${segmentName(piece.origin.baseOffset)}.log`, 'read');
    try {
      await setAside(disk, clock, file, {
        log: name,
        segmentBaseOffset: piece.origin.baseOffset,
        position: piece.from + range.position,
        bytes: range.bytes,
        firstOffset: range.firstOffset,
        lastOffset: range.lastOffset,
        why: 'bad batches below the durable mark',
      });
    } finally {
      await file.close();
    }
  }
}

/** What of the damage is in the log. The rest is forgotten for good: good batches may come to lie in its places. */
async function damageBelow(
  { disk, name }: OpenDirectory,
  all: readonly DamagedRange[],
  segments: readonly Segment[],
  endOffset: number,
): Promise<DamagedRange[]> {
  const below = damageWithin(all, segments, endOffset);
  if (!sameDamage(below, all)) await saveDamage(disk, name, below);
  return below;
}

/** Moves what does not belong aside, rewrites what is above the mark, cuts the files. */
async function settleFiles(options: OpenDirectory, outcome: ScanOutcome): Promise<void> {
  const { disk, pool, name, rewriteFrom } = options;
  for (const leftover of outcome.leftovers)
    await keepLeftover(options, leftover, outcome.endOffset);
  const rewritten = outcome.pieces.filter(
    ({ segment }) => segment.baseOffset >= rewriteFrom && segment.size > 0,
  );
  for (const piece of rewritten) {
    await rewrite(disk, name, piece);
    pool.detach(piece.segment.logPath);
  }
  const cut = new Map<string, number>();
  for (const { origin, from } of outcome.leftovers) {
    cut.set(`${name}/${segmentName(origin.baseOffset)}`, from);
  }
  for (const { origin, from, segment } of outcome.pieces) {
    if (segment.baseOffset !== origin.baseOffset) {
      cut.set(`${name}/${segmentName(origin.baseOffset)}`, from);
    }
  }
  let removed = false;
  for (const [stem, bytes] of cut) {
    pool.detach(`${stem}.log`);
    const kept = outcome.pieces.some(({ segment }) => segment.stem === stem);
    if (kept) await cutFile(disk, `${stem}.log`, bytes);
    else {
      for (const suffix of SEGMENT_SUFFIXES) await disk.remove(stem + suffix);
      removed = true;
    }
  }
  if (removed) await disk.syncDirectory(name);
  for (const { segment } of outcome.pieces) segment.settled();
  // An unknown mark says nothing of what is on the disk: sync what counts from now on.
  if (Number.isFinite(options.mark)) return;
  for (const { segment } of outcome.pieces) {
    await pool.using(segment.logPath, (file) => file.datasync());
  }
}

async function keepLeftover(
  options: OpenDirectory,
  { origin, from, overlap }: Leftover,
  endOffset: number,
): Promise<void> {
  if (overlap || origin.bytes <= from) return;
  const { disk, clock, logger, name } = options;
  const bytes = origin.bytes - from;
  const file = await disk.open(`${name}/${segmentName(origin.baseOffset)}.log`, 'read');
  try {
    const copy = await setAside(disk, clock, file, {
      log: name,
      segmentBaseOffset: origin.baseOffset,
      position: from,
      bytes,
      firstOffset: Math.max(endOffset, origin.baseOffset),
      lastOffset: null,
      why: 'bytes behind the end of the log after a stop that was not clean',
    });
    const fields = { log: name, endOffset, bytes, copy };
    logger.warn(
      fields,
      `${name} ends at ${endOffset}; ${bytes} bytes behind it were moved to ${copy}`,
    );
  } finally {
    await file.close();
  }
}

/** Copies a piece into a new file, syncs it and puts it in place. */
async function rewrite(disk: Disk, name: string, { origin, from, segment }: Piece): Promise<void> {
  const path = segment.logPath + REWRITE_SUFFIX;
  const source = await disk.open(`${name}/${segmentName(origin.baseOffset)}.log`, 'read');
  try {
    await copyRange(disk, source, { from, bytes: segment.size, path });
  } finally {
    await source.close();
  }
  await disk.rename(path, segment.logPath);
  await disk.syncDirectory(name);
}

async function cutFile(disk: Disk, path: string, bytes: number): Promise<void> {
  const file = await disk.open(path, 'write');
  try {
    if ((await file.size()) <= bytes) return;
    await file.truncate(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * Answers the place up to which a later start need not scan again; null: the end. After a short scan that is where
 * this one began, and indexes are written later, as those of segments that were rolled: nobody waits for them.
 */
async function finishSegments(
  options: OpenDirectory,
  { pieces, rollAtEnd, begin, endOffset }: ScanOutcome,
): Promise<SyncedPlace | null> {
  const { disk } = options;
  const [first] = pieces as [Piece];
  const last = pieces[pieces.length - 1] as Piece;
  if (first === last && !rollAtEnd && begin.offset === endOffset && begin.position > 0) return null;
  const before = rollAtEnd ? pieces : pieces.slice(0, -1);
  for (const { segment } of before) segment.indexes.finish();
  let bytes = -begin.position;
  for (const { segment } of pieces) bytes += segment.size;
  if (bytes <= SCANNED_BYTES_MAX) return { ...begin, segment: first.segment };
  for (const { segment } of before) {
    await saveIndexes(disk, segment);
    segment.seal();
    segment.dropIndexes();
  }
  if (!rollAtEnd) await saveIndexes(disk, last.segment);
  return null;
}

/** A new leader epoch from the log's end on; the writer makes it durable before the first append. */
async function raisedEpochs(
  options: OpenDirectory,
  segments: readonly Segment[],
  outcome: ScanOutcome,
): Promise<LeaderEpochs> {
  const { epochs, latest } = await recoveredEpochs(options, segments, outcome);
  epochs.truncateEnd(outcome.endOffset);
  epochs.assign(latest + 1, outcome.endOffset);
  return epochs;
}

/** Snapshots of states that the log no longer reaches would be believed once it grows past them. */
async function dropSnapshotsAbove({ disk, name }: OpenDirectory, endOffset: number): Promise<void> {
  let dropped = false;
  for (const entry of await disk.list(name)) {
    if (baseOffsetOf(entry, '.snapshot') <= endOffset) continue;
    await disk.remove(`${name}/${entry}`);
    dropped = true;
  }
  if (dropped) await disk.syncDirectory(name);
}
