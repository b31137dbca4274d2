// The cleaner of a store, if there is to be one.

import type { Clock, Logger } from '../../base/ports.ts';
import { type CleanableLog, type CleanerSettings, LogCleaner } from './cleaner.ts';
import type { CleanerCheckpoint } from './cleaner-checkpoint.ts';
import type { CompactionRunner } from './job.ts';

/** Where passes run, and the configs. The cleaner closes the runner. */
export interface CleanerSetup {
  readonly runner: CompactionRunner;
  readonly settings: () => CleanerSettings;
}

export interface StartCleaner {
  readonly compaction?: CleanerSetup;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly checkpoint: CleanerCheckpoint;
  readonly logs: () => Iterable<CleanableLog>;
}

/** Null when nothing is to be compacted. */
export function startCleaner(options: StartCleaner): LogCleaner | null {
  const { checkpoint, clock, compaction, logger, logs } = options;
  if (compaction === undefined) return null;
  return new LogCleaner({ ...compaction, clock, logger, logs, checkpoint });
}
