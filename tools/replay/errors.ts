// Failures of a replay that have nothing to do with the cluster.

import { TidemarkError } from '../../src/base/errors.ts';

export type ReplayErrorCode =
  /** The filter does not parse; the message has the column. */
  | 'invalid_filter'
  /** The module cannot be loaded, threw, or took too long. */
  | 'replay_module_failed'
  | 'invalid_replay'
  | 'unknown_job'
  | 'job_exists'
  /** The target refused a record. */
  | 'target_refused'
  /** Retention took what the job had not read yet. */
  | 'source_cut';

/** What a replay stops with. The job can be resumed once the cause is gone. */
export class ReplayError extends TidemarkError<ReplayErrorCode> {}
