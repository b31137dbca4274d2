// The door of src/storage: one partition's log on disk, all logs of a data directory, and the formats on disk, for
// src/inspect, which reads what this folder writes.

export { ENTRY_KIND, JOURNAL_DIRECTORY, parseJournal } from './commit/journal-format.ts';
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
export { DAMAGE_FILE, loadDamage, saveDamage } from './damage/damage-file.ts';
export { QUARANTINE_DIRECTORY, setAside } from './damage/quarantine.ts';
export type { ScrubSettings } from './damage/scrub.ts';
export {
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type FileStatus,
} from './disk/disk.ts';
export { nameBefore } from './disk/gone-name.ts';
export { MemoryDisk } from './disk/memory-disk.ts';
export { readSmallFile, replaceFile } from './disk/small-file.ts';
export { CLEANED_FILE, CleanedSegments } from './metadata/cleaned-segments.ts';
export { LEADER_EPOCH_FILE, LeaderEpochs } from './metadata/leader-epochs.ts';
export { loadMarks, MARKS_FILE } from './metadata/marks.ts';
export { type Mark, parseMarks } from './metadata/marks-format.ts';
export { METADATA_FILE, readTopicId, writeTopicId } from './metadata/metadata-file.ts';
export { findNextBatch, scanBatches } from './scan/batch-scan.ts';
export { OFFSET_ENTRY_BYTES, OffsetIndex } from './segment/offset-index.ts';
export { baseOffsetOf, Segment, segmentName } from './segment/segment.ts';
export { TIME_ENTRY_BYTES, TimeIndex } from './segment/time-index.ts';
export {
  ABORTED_ENTRY_BYTES,
  type AbortedTransaction,
  decodeTransactionIndex,
  encodeTransactionIndex,
} from './segment/transaction-index.ts';
export { openLogStore } from './store/log-store.ts';
export type { LockPort, LogStoreOptions } from './store/store-options.ts';
export { CLEAN_FILE, readCleanMarker } from './store/store-start.ts';
