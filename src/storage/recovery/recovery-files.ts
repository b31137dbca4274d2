// What every way of opening a log's directory shares: its options, its segment files, the scan.

import type { Clock, Logger } from '../../base/ports.ts';
import { isOfCompaction, settleSwap } from '../compaction/swap-file.ts';
import type { DamagedRange, IntegrityStats, LogConfig } from '../contract.ts';
import type { Disk } from '../disk/disk.ts';
import type { FilePool } from '../disk/file-pool.ts';
import type { CleanedSegments } from '../metadata/cleaned-segments.ts';
import { addEpoch, type EpochEntry, LeaderEpochs } from '../metadata/leader-epochs.ts';
import { scanBatches } from '../scan/batch-scan.ts';
import { baseOffsetOf, Segment } from '../segment/segment.ts';
import { RecoveryScan, type ScanOutcome, type SegmentFile } from './recovery-scan.ts';

const ORPHAN_SUFFIXES = ['.index', '.timeindex', '.txnindex'] as const;

export interface OpenDirectory {
  readonly disk: Disk;
  readonly pool: FilePool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly name: string;
  readonly config: LogConfig;
  /** `clean`: the marks tell all. `crashed`: scan from the recovery point. */
  readonly stop: 'clean' | 'crashed';
  /** Committed end; infinity when it is not known. */
  readonly mark: number;
  /** From here on the files' bytes are rewritten into new files and synced. */
  readonly rewriteFrom: number;
  readonly startOffset: number;
  readonly recoveryOffset: number;
  readonly recoveryPosition: number;
  /** Compacted at some time, whatever the config says now: offsets may be missing. */
  readonly wasCompacted: boolean;
  /** Newest leader epoch that the marks know; -1 for none. */
  readonly leaderEpoch: number;
  /** What the marks know of the epochs that began below `epochsBelow`: a checksum of them, or null for nothing. */
  readonly epochsBelow: number;
  readonly epochsChecksum: number | null;
  readonly integrity?: IntegrityStats;
  readonly times: Pick<Segment, 'maxTimestamp' | 'maxTimestampOffset' | 'firstTimestamp'>;
}

export interface ListedSegments {
  /** Sorted. */
  readonly files: SegmentFile[];
  /** Segments are there that retention had taken out. */
  readonly retired: boolean;
  /** Bases of those that have an index of aborted transactions; sorted. */
  readonly transactions: readonly number[];
}

/** Segment files; with `tidy`, what earlier runs left half done is removed. */
export async function listSegments(
  { disk, name, logger }: OpenDirectory,
  tidy: boolean,
): Promise<ListedSegments> {
  const files: SegmentFile[] = [];
  const transactions = new Set<number>();
  let retired = false;
  let entries = await disk.list(name);
  if (entries.some(isOfCompaction)) {
    await settleSwap({ disk, directory: name, logger });
    entries = await disk.list(name);
  }
  for (const entry of entries) {
    const path = `${name}/${entry}`;
    if (/\.(?:deleted|tmp|rewrite)$/.test(entry)) {
      if (entry.endsWith('.log.deleted')) retired = true;
      if (tidy) await disk.remove(path);
      continue;
    }
    transactions.add(baseOffsetOf(entry, '.txnindex'));
    const baseOffset = baseOffsetOf(entry, '.log');
    if (baseOffset < 0) continue;
    const status = await disk.stat(path);
    if (status?.kind !== 'file') continue;
    files.push({ baseOffset, bytes: status.bytes, modifiedMs: status.modifiedMs });
  }
  files.sort((a, b) => a.baseOffset - b.baseOffset);
  if (tidy) await removeOrphans(disk, name, entries, files);
  const bases = files.map(({ baseOffset }) => baseOffset);
  return { files, retired, transactions: bases.filter((base) => transactions.has(base)) };
}

/** Indexes whose log file is gone serve nobody. */
async function removeOrphans(
  disk: Disk,
  name: string,
  entries: readonly string[],
  files: readonly SegmentFile[],
): Promise<void> {
  const bases = new Set(files.map((file) => file.baseOffset));
  for (const entry of entries) {
    const suffix = ORPHAN_SUFFIXES.find((one) => entry.endsWith(one));
    if (suffix === undefined) continue;
    const base = baseOffsetOf(entry, suffix);
    if (base >= 0 && !bases.has(base)) await disk.remove(`${name}/${entry}`);
  }
}

/** What is gone from the beginning of the log, by the start offset that was kept; null when nothing is. */
export function missingBegin(
  options: OpenDirectory,
  { files, retired }: ListedSegments,
): DamagedRange | null {
  const { startOffset, mark } = options;
  if (retired || !Number.isFinite(mark)) return null;
  const first = files[0]?.baseOffset ?? mark;
  const lastOffset = Math.min(first, mark) - 1;
  if (lastOffset < startOffset) return null;
  return { firstOffset: startOffset, lastOffset, segmentBaseOffset: first, position: 0, bytes: 0 };
}

/**
 * What of the damage lies below the end of a log of these segments, in offsets as in bytes: where its bytes went on,
 * good batches may come to lie.
 */
export function damageWithin(
  all: readonly DamagedRange[],
  segments: readonly Segment[],
  endOffset: number,
): DamagedRange[] {
  const below: DamagedRange[] = [];
  for (const range of all) {
    if (range.firstOffset >= endOffset) continue;
    if (range.lastOffset < endOffset) {
      below.push(range);
      continue;
    }
    const segment = segments.find(({ baseOffset }) => baseOffset === range.segmentBaseOffset);
    const room = Math.max(0, (segment?.size ?? 0) - range.position);
    below.push({ ...range, lastOffset: endOffset - 1, bytes: Math.min(range.bytes, room) });
  }
  return below;
}

/** A finished segment whose indexes are in its files. */
export function wholeSegment(name: string, file: SegmentFile): Segment {
  return Segment.finished(name, file, null);
}

/** Looks through the files from the recovery point on. */
export function scanDirectory(
  options: OpenDirectory,
  files: readonly SegmentFile[],
  known: {
    readonly damaged: readonly DamagedRange[];
    readonly cleaned: CleanedSegments | null;
  },
): Promise<ScanOutcome> {
  const { config, wasCompacted } = options;
  return new RecoveryScan({
    disk: options.disk,
    directory: options.name,
    files,
    recoveryOffset: options.recoveryOffset,
    recoveryPosition: options.recoveryPosition,
    startOffset: options.startOffset,
    mark: options.mark,
    markIsBoundary: options.mark > options.startOffset,
    rewriteFrom: options.rewriteFrom,
    intervalBytes: config.indexIntervalBytes,
    gapsAllowed: config.cleanupCompact || wasCompacted,
    wasCompacted,
    ...known,
  }).run();
}

/** What `leader-epoch-checkpoint` holds, held against the marks: the file has no checksum of its own. */
export interface KeptEpochs {
  /** Null when the file is missing, unreadable, or not what the marks know. */
  readonly believed: LeaderEpochs | null;
  /** The newest epoch that is named, believed or not: no log takes writes under it again. -1 for none. */
  readonly latest: number;
}

/**
 * The epochs that began below the mark are believed when the marks know them so; of those above it the batches that
 * a recovery scans tell.
 */
export async function keptEpochs(options: OpenDirectory): Promise<KeptEpochs> {
  const { disk, name, startOffset, leaderEpoch, epochsBelow, epochsChecksum } = options;
  const epochs = await LeaderEpochs.load(disk, name);
  const latest = Math.max(epochs?.latest ?? -1, leaderEpoch);
  if (epochs === null || epochsChecksum === null) return { believed: epochs, latest };
  epochs.truncateStart(startOffset);
  if (epochs.checksumBelow(epochsBelow) !== epochsChecksum) return { believed: null, latest };
  const claimed = epochs.encode();
  epochs.truncateEnd(epochsBelow);
  // The marks were written when the log ended there.
  if (leaderEpoch > epochs.latest) epochs.assign(leaderEpoch, epochsBelow);
  epochs.dirty = !epochs.encode().equals(claimed);
  return { believed: epochs, latest };
}

/** The epochs of a log after a crash, and the newest that was ever named. Throws DiskError. */
export async function recoveredEpochs(
  options: OpenDirectory,
  segments: readonly Segment[],
  { epochs: scanned, whole }: Pick<ScanOutcome, 'epochs' | 'whole'>,
): Promise<{ readonly epochs: LeaderEpochs; readonly latest: number }> {
  const { disk, startOffset, epochsBelow, epochsChecksum } = options;
  const { believed, latest } = await keptEpochs(options);
  const known = epochsChecksum !== null;
  const checked = known ? believed : null;
  const epochs = checked ?? (whole ? null : believed) ?? new LeaderEpochs();
  const unscanned = believed !== null || whole ? [] : await epochsInLog(disk, segments);
  for (const entry of [...unscanned, ...scanned]) {
    // The checksum of a batch does not cover its epoch. None from below the mark is newer than all that are named.
    const doubted = known && (checked !== null || entry.epoch > latest);
    if (doubted && entry.startOffset < epochsBelow) continue;
    if (entry.epoch > epochs.latest) epochs.assign(entry.epoch, entry.startOffset);
  }
  epochs.truncateStart(startOffset);
  return { epochs, latest: Math.max(latest, epochs.latest) };
}

/** The epochs as the batches carry them: each change. */
async function epochsInLog(disk: Disk, segments: readonly Segment[]): Promise<EpochEntry[]> {
  const epochs: EpochEntry[] = [];
  for (const segment of segments) {
    if (!segment.created || segment.size === 0) continue;
    const file = await disk.open(segment.logPath, 'read');
    try {
      await scanBatches({ file, from: 0, to: segment.size, depth: 'headers' }, (header) => {
        addEpoch(epochs, header);
        return true;
      });
    } finally {
      await file.close();
    }
  }
  return epochs;
}
