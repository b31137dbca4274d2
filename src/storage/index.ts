// The door of src/storage: one partition's log on disk, and all logs of a data directory.

export type {
  AppendTicket,
  BatchToAppend,
  CommitStats,
  DamagedRange,
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
} from './contract.ts';
export { type Disk, DiskError, type DiskErrorCode, type DiskFile, type FileStatus } from './disk.ts';
export { type LockPort, type LogStoreOptions, openLogStore } from './log-store.ts';
export { MemoryDisk } from './memory-disk.ts';
export { readSmallFile, replaceFile } from './small-file.ts';
