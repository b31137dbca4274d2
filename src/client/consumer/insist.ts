// Trying again what may pass, for as long as a consumer is open.

import { pause } from '../../base/pause.ts';
import type { Clock } from '../../base/ports.ts';
import { isRetriableError } from '../cluster.ts';

const RETRY_MS = 500;

export interface Persistence {
  readonly clock: Clock;
  /** Aborted: enough. */
  readonly until: AbortSignal;
  /** Hears of each failure that is tried again. */
  readonly trouble: (error: unknown) => void;
  /** Which retriable errors are worth it. Default: all. */
  readonly isPassing?: (error: unknown) => boolean;
}

/** Resolves when `attempt` has succeeded, or time is up. Rejects with what does not pass. */
export async function insist(
  attempt: () => Promise<unknown>,
  { clock, until, trouble, isPassing = () => true }: Persistence,
): Promise<void> {
  while (!until.aborted) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!isRetriableError(error) || !isPassing(error)) throw error;
      trouble(error);
      await pause(clock, RETRY_MS, until);
    }
  }
}
