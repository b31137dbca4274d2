// What a compaction pass is told and what it answers: plain data, so that it can cross into a worker thread.

import type { SegmentFacts } from './plan.ts';

/** Damage that the log already knows and skips. */
export interface SkippedRange {
  readonly segmentBaseOffset: number;
  readonly position: number;
  readonly bytes: number;
}

export interface CompactionJob {
  /** The log's directory, relative to the data directory. */
  readonly directory: string;
  /** Closed segments of the pass, oldest first; `bytes` are those that belong to the log. */
  readonly segments: readonly SegmentFacts[];
  readonly skip: readonly SkippedRange[];
  readonly firstDirtyOffset: number;
  /** First offset that the pass leaves alone. */
  readonly endOffset: number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  /** Memory of the key map (`log.cleaner.dedupe.buffer.size`), bytes. */
  readonly mapBytesMax: number;
  /** Last offset by producer id: these batches' headers must not be forgotten. */
  readonly producers: readonly (readonly [producerId: number, lastOffset: number])[];
  /** Reading and writing together, bytes/s (`log.cleaner.io.max.bytes.per.second`); null: no limit. */
  readonly bytesPerSecondMax: number | null;
}

/** One rewritten segment, complete and synced under `.cleaned` names. */
export interface CleanedSegment {
  readonly baseOffset: number;
  readonly bytes: number;
  /** Whether there are files: none where nothing was left, except for the segment that the log begins with. */
  readonly present: boolean;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
  /** Base offsets of the segments that it stands for, oldest first; the first is its own. */
  readonly replaces: readonly number[];
}

export interface CompactionResult {
  /** Everything below was cleaned; the next pass begins here. At most the job's `endOffset`. */
  readonly cleanedTo: number;
  /** Segments that changed; groups in which nothing changed are left out. */
  readonly cleaned: readonly CleanedSegment[];
  readonly stats: CompactionStats;
}

export interface CompactionStats {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly recordsRemoved: number;
  /** Batches that were kept because their records do not parse. */
  readonly batchesUnreadable: number;
  readonly keys: number;
  /** Whether the key map was full before the end: another pass is needed. */
  readonly mapFull: boolean;
}

/** Runs passes somewhere: in a worker thread, or in place under a simulated disk. */
export interface CompactionRunner {
  /** Throws CompactionError, DiskError. On failure `.cleaned` files may be left; the log removes them. */
  run(job: CompactionJob): Promise<CompactionResult>;
  close(): Promise<void>;
}
