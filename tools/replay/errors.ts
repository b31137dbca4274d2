// Failures of a replay that have nothing to do with the cluster.

import { TidemarkError } from '../../src/base/errors.ts';
import { KafkaError } from '../../src/base/kafka-errors.ts';
import { isGivenUp } from '../batches/given-up.ts';

export type ReplayErrorCode =
  /** The filter does not parse; the message has the column. */
  | 'invalid_filter'
  /** The module cannot be loaded, threw, or took too long. */
  | 'replay_module_failed'
  | 'invalid_replay'
  | 'unknown_job'
  /** It has committed nothing of what is to be read. */
  | 'unknown_group'
  | 'job_exists'
  /** Another run goes on with it. */
  | 'job_taken'
  /** Records that were asked for are gone, or not there yet. */
  | 'range_outside_log'
  /** The target refused a record. */
  | 'target_refused'
  /** Two topics have so little in common that they cannot be compared in memory. */
  | 'too_different'
  /** Retention took what the job had not read yet. */
  | 'source_cut';

/** What a replay stops with. The job can be resumed once the cause is gone. */
export class ReplayError extends TidemarkError<ReplayErrorCode> {}

/** What a topic did not take: it refused it, or had not answered when that was given up. */
export function refusal(
  topic: string,
  what: string,
  cause: Error,
  givenUp: AbortSignal | undefined,
): ReplayError {
  const text = isGivenUp(cause, givenUp)
    ? `topic ${topic} had not acknowledged ${what} by the end`
    : `topic ${topic} refused ${what}: ${refusalText(cause)}`;
  return new ReplayError('target_refused', text, { cause });
}

/** What a target said, with Kafka's name for it. */
function refusalText(cause: Error): string {
  const named = !(cause instanceof KafkaError) || cause.message.includes(cause.code);
  return named ? cause.message : `${cause.code}: ${cause.message}`;
}
