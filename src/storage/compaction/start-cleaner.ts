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
  /** Whether the journal of the last run could not be replayed and is kept. */
  readonly journalKept: boolean;
}

/** Null when nothing is to be compacted. */
export function startCleaner(options: StartCleaner): LogCleaner | null {
  const { checkpoint, clock, compaction, journalKept, logger, logs } = options;
  if (compaction === undefined) return null;
  if (journalKept) {
    // The next start writes all of it back into the segments, which must be as they were.
    logger.error({}, 'nothing is compacted until the journal could be replayed');
    return null;
  }
  return new LogCleaner({ ...compaction, clock, logger, logs, checkpoint });
}
