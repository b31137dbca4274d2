// Going on with a job that stopped, or only seems to have: one that died is marked as running, as one is that runs
// elsewhere. Two runs at once would write records twice, so the earlier one is told to leave, and waited for.
//
// Of several that go on at once the last one does: the jobs topic has their orders one after the other, each looks
// after its own, and once more when it has said that it runs and written nothing yet (run.ts). Who orders later sees
// that run.

import { randomBytes } from 'node:crypto';
import { sleep } from '../../src/base/pause.ts';
import type { Clock } from '../../src/base/ports.ts';
import { ReplayError } from './errors.ts';
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

/**
 * Makes the job ours: the job as it was left, and the name of our run, for {@link runReplay}. Throws ReplayError
 * `unknown_job`, and `job_taken` when somebody else goes on with it.
 */
export async function takeOver(
  store: JobStore,
  id: string,
  { clock, onWait }: TakeOverOptions,
): Promise<{ readonly job: JobRecord; readonly run: string }> {
  const run = randomBytes(4).toString('hex');
  const { startedMs } = await store.get(id);
  const nowMs = clock.now();
  await store.send(id, 'resume', nowMs, run);
  let job = await store.get(id);
  if (mayRun(job) && nowMs - job.updatedMs <= DEAD_MS) {
    onWait?.(WAIT_MS);
    const endMs = clock.monotonic() + WAIT_MS;
    while (mayRun(job) && clock.monotonic() < endMs) {
      await sleep(clock, LOOK_MS);
      job = await store.get(id);
    }
  }
  if ((await store.command(id, startedMs, run)) === 'leave') {
    throw new ReplayError('job_taken', `job ${id}: another run goes on with it, begun just now`);
  }
  return { job, run };
}

function mayRun({ state }: JobRecord): boolean {
  return state === 'running' || state === 'paused';
}
