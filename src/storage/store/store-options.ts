// What a data directory is opened with.

import type { Clock, Logger, Random } from '../../base/ports.ts';
import type { RecordWorker } from '../../record/index.ts';
import type { CleanerSettings } from '../compaction/cleaner.ts';
import type { CompactionRunner } from '../compaction/job.ts';
import type { ScrubSettings } from '../damage/scrub.ts';
import type { Disk } from '../disk/disk.ts';

/** Holds a data directory for this process alone. */
export interface LockPort {
  /** Throws TidemarkError `data_directory_locked` when another process has it. */
  acquire(): Promise<void>;
  release(): Promise<void>;
}

export interface LogStoreOptions {
  readonly disk: Disk;
  /** The data directory, for people; paths on `disk` are relative to it. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly lock?: LockPort;
  /** Bytes of deleted files that are given back at once; default 32 MiB. */
  readonly removalStepBytes?: number;
  /** Segment files open at once; default 512. */
  readonly openFilesMax?: number;
  /** Memory for the newest batches of all logs, bytes; default 64 MiB. */
  readonly tailBytesMax?: number;
  /** Memory for indexes of finished segments, bytes, but at least for those of one; default 64 MiB. */
  readonly indexBytesMax?: number;
  /** Whether long reads answer with file regions instead of buffers; asked at each; default never. */
  readonly regions?: () => boolean;
  /** Where compaction passes run, and its configs; the store closes the runner. Default: nothing is compacted. */
  readonly compaction?: {
    readonly runner: CompactionRunner;
    readonly settings: () => CleanerSettings;
  };
  /** Where batches are looked into that are too large for at once; the store closes it. Default: in place. */
  readonly recordWorker?: RecordWorker;
  /** How finished segments are checked in the background. Default: not at all. */
  readonly scrub?: () => ScrubSettings;
}
