// The door of src/storage: one partition's log on disk, and all logs of a data directory.

// The formats on disk, for src/inspect, which reads what this folder writes.
export { findNextBatch, scanBatches } from './batch-scan.ts';
export { CLEANED_FILE, CleanedSegments } from './cleaned-segments.ts';
export type { CleanerSettings, CleanerStats } from './compaction/cleaner.ts';
export { CLEANER_CHECKPOINT_FILE, decodeCheckpoint } from './compaction/cleaner-checkpoint.ts';
export { CompactionError } from './compaction/compaction-error.ts';
export { InPlaceCompactionRunner, rateThrottle } from './compaction/in-place-runner.ts';
export type {
  CleanedSegment,
  CompactionJob,
  CompactionResult,
  CompactionRunner,
  CompactionStats,
} from './compaction/job.ts';
export type { CompactionConfig } from './compaction/plan.ts';
export { runCompaction } from './compaction/run.ts';
export type {
  AppendTicket,
  BatchToAppend,
  CommitStats,
  CompactionControl,
  DamagedRange,
  IntegrityStats,
  LogBounds,
  LogConfig,
  LogRead,
  LogReadOptions,
  LogState,
  LogStore,
  OpenLogOptions,
  PartitionLog,
  RollHooks,
  TimestampOffset,
  Told,
} from './contract.ts';
export { DAMAGE_FILE, loadDamage, saveDamage } from './damage-file.ts';
export {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type FileStatus,
} from './disk.ts';
export { nameBefore } from './gone-name.ts';
export { ENTRY_KIND, JOURNAL_DIRECTORY, parseJournal } from './journal-format.ts';
export { LEADER_EPOCH_FILE, LeaderEpochs } from './leader-epochs.ts';
export { openLogStore } from './log-store.ts';
export { loadMarks, MARKS_FILE } from './marks.ts';
export { type Mark, parseMarks } from './marks-format.ts';
export { MemoryDisk } from './memory-disk.ts';
export { METADATA_FILE, readTopicId, writeTopicId } from './metadata-file.ts';
export { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
export { QUARANTINE_DIRECTORY, setAside } from './quarantine.ts';
export type { ScrubSettings } from './scrub.ts';
export { baseOffsetOf, Segment, segmentName } from './segment.ts';
export { readSmallFile, replaceFile } from './small-file.ts';
export type { LockPort, LogStoreOptions } from './store-options.ts';
export { CLEAN_FILE, readCleanMarker } from './store-start.ts';
export { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts';
export {
  ABORTED_ENTRY_BYTES,
  type AbortedTransaction,
  decodeTransactionIndex,
  encodeTransactionIndex,
} from './transaction-index.ts';
