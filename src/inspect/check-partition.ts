// One partition's directory: its segments in order and how they join, its small files, and what does not belong.

import { textOfError } from '../base/errors.ts';
import { NO_LEADER_EPOCH } from '../record/index.ts';
import {
  baseOffsetOf,
  CleanedSegments,
  type Disk,
  DiskError,
  LEADER_EPOCH_FILE,
  LeaderEpochs,
  loadDamage,
  type Mark,
  METADATA_FILE,
  readSmallFile,
  readTopicId,
} from '../storage/index.ts';
import type { BatchObserver, SeenBatch } from './check-log.ts';
import { checkSegment, isGone, type SegmentReport } from './check-segment.ts';
import { TransactionTracker } from './check-transactions.ts';
import { type Finding, finding } from './finding.ts';
import { joinSegments } from './join-segments.ts';
import type { JournalView } from './journal-view.ts';
import { decodeKafkaSnapshot, isKafkaSnapshot, type ProducerFacts } from './kafka-formats.ts';
import { otherFiles } from './other-files.ts';

/** What the catalogue says of a partition's topic. */
export interface TopicFacts {
  readonly name: string;
  readonly id: string;
  readonly partitionCount: number;
  /** Compacted logs may lack offsets in between. */
  readonly compacted: boolean;
  /** `index.interval.bytes`. */
  readonly intervalBytes: number;
}

export interface CheckPartitionOptions {
  readonly disk: Disk;
  /** Name of the directory, relative to the data directory. */
  readonly directory: string;
  /** Null where no catalogue tells: then gaps are taken for compaction's. */
  readonly topic: TopicFacts | null;
  /** What is durably recorded of the log's end; null where nothing is. */
  readonly mark: Mark | null;
  readonly journal: JournalView;
  /** How the last run ended; `unknown` where no marker of ours could tell. */
  readonly stop: 'clean' | 'unclean' | 'unknown';
  /** A running broker writes here. */
  readonly live: boolean;
  readonly deep: boolean;
  /** Reads our own producer snapshots; throws for bytes that are none. Not given, they are not looked into. */
  readonly readSnapshot?: (bytes: Buffer) => readonly ProducerFacts[];
  readonly onProgress: (bytes: number) => void;
  readonly onFinding: (item: Finding) => void;
}

/** What a partition holds. */
export interface PartitionReport {
  readonly directory: string;
  readonly segments: number;
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  /** First offset that can be read; null for an empty log. */
  readonly startOffset: number | null;
  readonly endOffset: number;
  /** Offsets lost for good in this partition, as far as known. */
  readonly lostOffsets: number;
}

export const INTERVAL_BYTES_DEFAULT = 4096;

/** Checks one directory. What the disk refuses to read is a finding. */
export async function checkPartition(options: CheckPartitionOptions): Promise<PartitionReport> {
  const { disk, directory, onFinding } = options;
  const names = await disk.list(directory);
  const bases = names.map((name) => baseOffsetOf(name, '.log')).filter((base) => base >= 0);
  const epochs = new EpochObserver();
  const reports = await checkSegments(options, bases, epochs);
  const damaged = await loadDamage(disk, directory);
  // A swap that is to be finished changes what holds.
  const swapping = names.some((name) => name.endsWith('.swap'));
  const cleaned = swapping ? null : await CleanedSegments.load(disk, directory);
  const parts = { bases, reports, damaged, cleaned };
  const { findings, lostOffsets } = joinSegments({ ...options, ...parts });
  for (const report of reports) report.findings.forEach(onFinding);
  findings.forEach(onFinding);
  const endOffset = reports.at(-1)?.endOffset ?? 0;
  await checkSnapshots(options, names);
  await checkEpochs(options, epochs, endOffset);
  await checkTopicId(options);
  otherFiles(directory, names, bases).forEach(onFinding);
  const first = reports.find((one) => one.firstOffset !== null)?.firstOffset ?? null;
  const startOffset = first === null ? null : Math.max(first, options.mark?.startOffset ?? 0);
  const sum = (pick: (one: SegmentReport) => number): number =>
    reports.reduce((total, one) => total + pick(one), 0);
  return {
    directory,
    segments: bases.length,
    batches: sum((one) => one.batches),
    records: sum((one) => one.records),
    bytes: sum((one) => one.size),
    startOffset,
    endOffset,
    lostOffsets,
  };
}

async function checkSegments(
  options: CheckPartitionOptions,
  bases: readonly number[],
  epochs: EpochObserver,
): Promise<SegmentReport[]> {
  const { disk, directory, topic, journal, live, deep, onProgress, onFinding } = options;
  const transactions = new TransactionTracker();
  const topicId = topic?.id ?? (await readTopicId(disk, directory)) ?? '';
  const reports: SegmentReport[] = [];
  for (const [index, baseOffset] of bases.entries()) {
    const nextBase = bases[index + 1];
    const view = journal.over(topicId, directory, baseOffset);
    try {
      const report = await checkSegment({
        disk,
        directory,
        baseOffset,
        nextBase: nextBase ?? endNoted(options.mark),
        indexes: indexesOf(options, nextBase),
        intervalBytes: topic?.intervalBytes ?? INTERVAL_BYTES_DEFAULT,
        deep,
        transactions,
        observers: [epochs],
        ...(view === null ? {} : { view }),
        onProgress,
      });
      reports.push(report);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      // A running broker's retention takes segments away.
      if (live && isGone(error)) continue;
      const fields = { severity: 'loss', code: 'unreadable_file', path: error.path } as const;
      onFinding(finding({ ...fields, what: `the disk refuses: ${error.message}` }));
    }
  }
  return reports;
}

/** Where a log that was closed ends; beyond all offsets where that was not noted. */
function endNoted(mark: Mark | null): number {
  return mark?.clean === true ? mark.mark : Number.MAX_SAFE_INTEGER;
}

/** How much the index files of a segment can be expected to say. */
function indexesOf(
  { live, stop, mark }: CheckPartitionOptions,
  nextBase: number | undefined,
): 'absent' | 'partial' | 'complete' {
  if (live && nextBase === undefined) return 'absent';
  if (!live && stop !== 'unclean') return 'complete';
  // Indexes are finished in the background after a roll; below the recovery point they are.
  const finished = mark !== null && nextBase !== undefined && nextBase <= mark.recoveryOffset;
  return finished ? 'complete' : 'partial';
}

/** Where each leader epoch began, as the batches say. */
class EpochObserver implements BatchObserver {
  readonly #seen = new LeaderEpochs();

  batch({ baseOffset, header }: SeenBatch): void {
    const { partitionLeaderEpoch: epoch } = header;
    if (epoch === NO_LEADER_EPOCH || epoch <= this.#seen.latest) return;
    this.#seen.assign(epoch, baseOffset);
  }

  /** Of the log that begins at `startOffset`. */
  entriesFrom(startOffset: number): LeaderEpochs['entries'] {
    const rest = new LeaderEpochs(this.#seen.entries);
    rest.truncateStart(startOffset);
    return rest.entries;
  }
}

async function checkEpochs(
  options: CheckPartitionOptions,
  seen: EpochObserver,
  endOffset: number,
): Promise<void> {
  const { disk, directory, onFinding } = options;
  const path = `${directory}/${LEADER_EPOCH_FILE}`;
  const bytes = await readSmallFile(disk, path);
  const epochs = bytes === null ? null : LeaderEpochs.decode(bytes.toString('utf8'));
  const entries = seen.entriesFrom(startOf(options, epochs));
  const repair = { kind: 'write-epochs', path, entries } as const;
  if (epochs === null) {
    if (bytes === null && entries.length === 0) return;
    const what = bytes === null ? 'it is missing' : 'it is no leader epoch checkpoint';
    onFinding(finding({ severity: 'damage', code: 'epochs_unreadable', path, what, repair }));
    return;
  }
  for (const { epoch, startOffset } of entries) {
    // All that it wrote is deleted; Kafka's file is empty then.
    if (startOffset >= endOffset) break;
    const stated = epochs.epochFor(startOffset);
    if (stated === epoch) continue;
    const what = `offset ${startOffset} was written under leader epoch ${epoch}, the file says ${stated}`;
    const offsets = { first: startOffset, last: startOffset };
    onFinding(finding({ severity: 'damage', code: 'epochs_wrong', path, what, offsets, repair }));
    return;
  }
}

/**
 * Where the log begins for readers. Records were deleted up to there, perhaps in the middle of a segment, and with them
 * the claims on their offsets. Without a mark, and while a broker moves it, the checkpoint itself tells.
 */
function startOf({ mark, live }: CheckPartitionOptions, epochs: LeaderEpochs | null): number {
  const noted = mark?.startOffset ?? 0;
  return mark !== null && !live ? noted : Math.max(noted, epochs?.entries[0]?.startOffset ?? 0);
}

async function checkTopicId(options: CheckPartitionOptions): Promise<void> {
  const { disk, directory, topic, mark, onFinding } = options;
  const path = `${directory}/${METADATA_FILE}`;
  const found = await readTopicId(disk, directory);
  if (found === topic?.id || (found !== null && topic === null)) return;
  // The marks name the id too: when they agree with the catalogue, it is this file that is wrong. A start would take
  // the directory for one of another topic and move it out of the way.
  const ours = found === null || mark?.topicId === topic?.id;
  const repair =
    topic === null || !ours
      ? null
      : ({ kind: 'write-topic-id', path: directory, topicId: topic.id } as const);
  const what =
    found === null
      ? 'the topic id is missing or cannot be read'
      : `it names topic id ${found}, the catalogue ${topic?.id ?? 'none'}`;
  const severity = ours ? 'damage' : 'warning';
  onFinding(finding({ severity, code: 'metadata_unreadable', path, what, repair }));
}

async function checkSnapshots(
  options: CheckPartitionOptions,
  names: readonly string[],
): Promise<void> {
  const { disk, directory, live, readSnapshot, onFinding } = options;
  for (const name of names) {
    const offset = baseOffsetOf(name, '.snapshot');
    if (offset < 0) continue;
    const path = `${directory}/${name}`;
    const bytes = await readSmallFile(disk, path);
    if (bytes === null && live) continue;
    const problem = snapshotProblem(bytes, offset, readSnapshot);
    if (problem === null) continue;
    const what = `the producer snapshot is of no use: ${problem}`;
    const repair = { kind: 'set-aside-file', path } as const;
    onFinding(finding({ severity: 'damage', code: 'snapshot_unreadable', path, what, repair }));
  }
}

function snapshotProblem(
  bytes: Buffer | null,
  offset: number,
  readSnapshot: CheckPartitionOptions['readSnapshot'],
): string | null {
  if (bytes === null) return 'it cannot be read';
  if (bytes.length < 10) return 'it is cut off';
  const decode = isKafkaSnapshot(bytes) ? decodeKafkaSnapshot : readSnapshot;
  if (decode === undefined) return null;
  try {
    const late = decode(bytes).find((producer) => producer.lastOffset >= offset);
    if (late === undefined) return null;
    return `producer ${late.producerId} is at offset ${late.lastOffset}, past ${offset}`;
  } catch (error) {
    return textOfError(error);
  }
}
