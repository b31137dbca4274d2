// Going on with a job that stopped, or only seems to have: one that died is marked as running, as one is that runs
// elsewhere. Two runs at once would write records twice, so the earlier one is told to leave, and waited for.

import { randomBytes } from 'node:crypto';
import { sleep } from '../../src/base/pause.ts';
import type { Clock } from '../../src/base/ports.ts';
import type { JobStore } from './jobs.ts';
import { CHECKPOINT_MS } from './run.ts';
import type { JobRecord } from './types.ts';

/** A run looks for commands at every checkpoint; what has not left after so long is dead. */
const WAIT_MS = 2.5 * CHECKPOINT_MS;
const LOOK_MS = 200;
/** Not heard of for so long: it is dead, also where clocks of machines differ a little. */
const DEAD_MS = 60_000;

export interface TakeOverOptions {
  readonly clock: Clock;
  /** Hears that it is waited for an earlier run, for how long at most. */
  onWait?(waitMs: number): void;
}

/** Makes the job ours: the job as it was left, and the name of our run, for {@link runReplay}. */
export async function takeOver(
  store: JobStore,
  id: string,
  { clock, onWait }: TakeOverOptions,
): Promise<{ readonly job: JobRecord; readonly run: string }> {
  const run = randomBytes(4).toString('hex');
  let job = await store.get(id);
  const nowMs = clock.now();
  await store.send(id, 'resume', nowMs, run);
  if (!mayRun(job) || nowMs - job.updatedMs > DEAD_MS) return { job, run };
  onWait?.(WAIT_MS);
  const endMs = clock.monotonic() + WAIT_MS;
  while (mayRun(job) && clock.monotonic() < endMs) {
    await sleep(clock, LOOK_MS);
    job = await store.get(id);
  }
  return { job, run };
}

function mayRun({ state }: JobRecord): boolean {
  return state === 'running' || state === 'paused';
}
