// What storage offers to the engine: one partition's log. Offsets are safe integers.

import type { FileRegion } from '../base/payload.ts';
import type { CleanerStats } from './compaction/cleaner.ts';
import type { CompactionConfig } from './compaction/plan.ts';
import type { ScannedHeaders } from './scan/scanned-headers.ts';
import type { AbortedTransactions } from './segment/transaction-index.ts';

/** Where records are: offsets from `startOffset` up to, not including, `highWatermark` may be read. */
export interface LogBounds {
  /** First offset that still exists (raised by retention and DeleteRecords). */
  readonly startOffset: number;
  /** Durable end: everything below is on disk. With `--flush os`, everything below is in the page cache. */
  readonly highWatermark: number;
  /** Next offset to be given out. */
  readonly endOffset: number;
}

/** One record batch, validated, about to be appended. Its header lies whole in the first part. */
export interface BatchToAppend {
  /** The batch's bytes; the log patches base offset and leader epoch into the first part (both outside the CRC). */
  readonly parts: readonly Buffer[];
  readonly byteLength: number;
  /** Offsets it takes: last offset delta + 1. */
  readonly offsetCount: number;
  readonly maxTimestamp: number;
  /** The parts are on loan: called once when the batch is committed and nothing reads them; never after a failure. */
  readonly released?: (() => void) | undefined;
}

/** Is told how it went: null, or why it failed. Must not throw. */
export type Told = (failure: Error | null) => void;

/** An append that has its offsets. */
export interface AppendTicket {
  readonly baseOffset: number;
  /** Last offset of the batch. */
  readonly lastOffset: number;
  /** Resolves when the bytes are in the file (page cache). Rejects with KafkaError KAFKA_STORAGE_ERROR. */
  readonly written: Promise<void>;
  /** Resolves when the bytes are durable under the partition's flush policy. Rejects with KAFKA_STORAGE_ERROR. */
  readonly committed: Promise<void>;
  /** The same by a callback: at once where it is known, else while the log does what is waited for. */
  whenWritten(told: Told): void;
  whenCommitted(told: Told): void;
}

export interface LogReadOptions {
  /** First offset wanted; must lie in [startOffset, limit]. */
  readonly offset: number;
  /** Exclusive upper offset bound: the high watermark, or the last stable offset. Always a batch boundary. */
  readonly limit: number;
  readonly maxBytes: number;
  /** Whether a first batch larger than `maxBytes` is given whole, so that readers always make progress. */
  readonly minOneBatch: boolean;
}

/** Batches from the one that holds `offset`: whole batches, except that the last may be cut by `maxBytes`. */
export interface LogRead {
  /** Batch bytes: memory (hot tail, loaded) or a region of a segment file; empty Buffer when there is nothing. */
  readonly records: Buffer | FileRegion | readonly Buffer[];
  readonly byteLength: number;
  /** All whole ones lie below it; only told where transactions of the log were aborted. Default: the limit. */
  readonly below?: number;
}

/** An offset found by time. */
export interface TimestampOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

/** Changing knobs of one log, taken from topic configs; may be replaced while the log is open. */
export interface LogConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly indexIntervalBytes: number;
  readonly segmentIndexBytes: number;
  readonly retentionMs: number; // -1: no limit
  readonly retentionBytes: number; // -1: no limit
  readonly cleanupDelete: boolean;
  readonly cleanupCompact: boolean;
  /** When and how it is compacted; default: Kafka's defaults. */
  readonly compaction?: CompactionConfig;
  readonly fileDeleteDelayMs: number;
  /** Kafka's flush.messages and flush.ms; with `sync` the broker syncs every group commit before it acknowledges. */
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly flushPolicy: 'sync' | 'os';
  /**
   * What readers meet where records were lost to damage: `skip` (default) goes on behind it, as over compaction's
   * gaps; `stop` answers CORRUPT_MESSAGE there. Loads by coordinators and compaction always go on.
   */
  readonly damagedRecords?: 'skip' | 'stop';
}

/** A stretch of the log that was damaged below the durable mark: reported, set aside, skipped. */
export interface DamagedRange {
  readonly firstOffset: number;
  /** Inclusive; one less than the first where bytes are bad and no offset is missing. */
  readonly lastOffset: number;
  readonly segmentBaseOffset: number;
  readonly position: number;
  readonly bytes: number;
}

export type LogState = 'open' | 'failed' | 'closed';

/** One partition on disk. One writer; any number of readers. */
export interface PartitionLog extends LogBounds {
  readonly directory: string;
  /** `failed` after a write or sync error: appends are refused, reads below the mark go on. */
  readonly state: LogState;
  /** Current leader epoch: raised durably at create and before the first append after any unclean start. */
  readonly leaderEpoch: number;
  readonly damaged: readonly DamagedRange[];
  /**
   * Transactions that were rolled back; null for none. What is answered never changes: who reads takes it before, since
   * records that he is given may lie below the start by then.
   */
  readonly aborted: AbortedTransactions | null;
  sizeBytes(): number;
  segmentCount(): number;

  /**
   * Gives the batch its offsets at once (synchronously), then writes and commits it in the background, in order.
   * Throws KafkaError KAFKA_STORAGE_ERROR when the log has failed, POLICY_VIOLATION where offsets would be no safe
   * integers any more. Takes ownership of the parts.
   */
  append(batch: BatchToAppend): AppendTicket;

  /** Throws KafkaError OFFSET_OUT_OF_RANGE when the offset is outside [startOffset, limit]. */
  read(options: LogReadOptions): Promise<LogRead>;
  /** The same within this call, from memory or the page cache; null where it has to be waited for. */
  readNow(options: LogReadOptions): LogRead | null;
  /** First record with timestamp ≥ `timestamp` below the high watermark, record-exact; null when none. */
  offsetForTimestamp(timestamp: number): Promise<TimestampOffset | null>;
  /** The record with the largest timestamp (ListOffsets -3); null when the log is empty. */
  maxTimestamp(): Promise<TimestampOffset | null>;
  /** Kafka's endOffsetForEpoch: the epoch ≤ the one asked and its end offset; (-1, -1) when unknown. */
  endOffsetForEpoch(epoch: number): { readonly epoch: number; readonly endOffset: number };
  /** Leader epoch that the offset was written under; -1 when unknown. */
  epochForOffset(offset: number): number;

  /** Raises the start offset (durably, before it resolves) and frees whole segments below it. */
  deleteRecordsBefore(offset: number): Promise<void>;
  /** Rolls and deletes segments by time and size; answers how many segments went. */
  applyRetention(nowMs: number): Promise<number>;
  setConfig(config: LogConfig): void;

  /**
   * Whole batches in offset order from `offset` (or the first batch after it) up to the high watermark. Throws
   * KAFKA_STORAGE_ERROR at what is committed and cannot be believed before the log is reopened.
   */
  batches(fromOffset: number): AsyncIterable<Buffer>;
  /**
   * Headers of producers' batches that the opening, or a reopening, has just read: given once, so that they are not
   * kept. Null when it read none, or too many.
   */
  takeScanned(): ScannedHeaders | null;

  /** Called after each rise of the high watermark. */
  onCommit(listener: (highWatermark: number) => void): () => void;
  /** Called once when the log fails. */
  onFailure(listener: (cause: Error) => void): () => void;

  /** Waits until everything appended so far is durable, whatever the flush policy. */
  flush(): Promise<void>;
  /**
   * Brings a failed log back: what is above the mark is rewritten into a new file and synced; never a second sync of
   * the same pages. Throws KAFKA_STORAGE_ERROR when the disk still refuses.
   */
  reopen(): Promise<void>;
  /** Flushes, writes indexes and closes files. */
  close(): Promise<void>;
}

/** Called by a log as it rolls to a new segment, at the moment the new base offset is given out. */
export interface RollHooks {
  /** State of the partition's producers as of `baseOffset` (all batches below it), kept as `<baseOffset>.snapshot`. */
  producerSnapshot(baseOffset: number): Buffer | null;
  /** Last offset by producer id, for compaction to keep these batches; null while it is not known. Default: none. */
  producerLastOffsets?(): readonly (readonly [producerId: number, lastOffset: number])[] | null;
  /** Nothing at or above it is compacted. Default: the high watermark. */
  lastStableOffset?(): number;
}

export interface OpenLogOptions {
  /** `<topic>-<partition>`: the directory's name below the data directory. */
  readonly name: string;
  /** Topic id: a directory left by a deleted topic of the same name is never taken for this one. */
  readonly topicId: string;
  readonly config: LogConfig;
  readonly hooks?: RollHooks;
}

/** Counters that metrics, benchmarks and tests read. All only grow. */
export interface CommitStats {
  /** Syncs made, and appends (batches), records' offsets and bytes that they covered. */
  syncs: number;
  batches: number;
  offsets: number;
  bytes: number;
}

/** Checks of what is on the disk, of all logs since the start. */
export interface IntegrityStats {
  /** Bytes whose checksums were compared because somebody was about to read them, or by the scrub. */
  verifiedBytes: number;
  /** Bytes that the scrub has read, and rounds through all finished segments that it completed. */
  scrubbedBytes: number;
  scrubPasses: number;
  /** Damaged stretches found, and offsets lost with them; those known from earlier runs are not counted. */
  damagedRanges: number;
  damagedOffsets: number;
}

/** Compaction of all logs of a data directory. */
export interface CompactionControl {
  readonly stats: CleanerStats;
  /** Cleans whatever is due, now; done by itself every `log.cleaner.backoff.ms`. */
  run(): Promise<void>;
}

/** All logs of one data directory: its lock, commits, durable marks, clean-shutdown marker, open files. */
export interface LogStore {
  readonly root: string;
  /** Whether the last stop was clean; false also on a new directory's first start = 'new'. */
  readonly lastStop: 'new' | 'clean' | 'unclean';
  readonly commits: Readonly<CommitStats>;
  /**
   * Bytes appended and kept in memory until they are durable, or written where syncs are left to the system. The
   * caller pushes back on producers when this grows.
   */
  readonly pendingBytes: number;
  /** What checks of stored bytes have found. */
  readonly integrity?: Readonly<IntegrityStats>;
  /** What compaction has done; null where none runs. */
  readonly compaction?: CompactionControl | null;
  /** Opens or creates the partition's log, with recovery as DESIGN section 2 when the last stop was not clean. */
  openLog(options: OpenLogOptions): Promise<PartitionLog>;
  /**
   * Closes the log without syncing it, renames its directory away at once and removes it after `file.delete.delay.ms`.
   * Appends that wait for a commit are refused with UNKNOWN_TOPIC_OR_PARTITION. That the log is deleted must be known
   * to later starts before: from here on nothing is kept for one that would open it. Rejects with DiskError when the
   * disk refuses a step; the log is closed then, and what is left of it is for the caller to remove.
   */
  deleteLog(log: PartitionLog): Promise<void>;
  /** Newest readable producer snapshot at or below `offset`, else null; unreadable ones are ignored. */
  loadSnapshot(
    log: PartitionLog,
    offset: number,
  ): Promise<{ offset: number; bytes: Buffer } | null>;
  /** Bytes that may still be written on the data directory's disk. */
  freeBytes(): Promise<number>;
  /** Closes every log, writes marks and the clean-shutdown marker, frees the lock. */
  close(): Promise<void>;
}
