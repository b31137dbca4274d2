// One fetch over a set of targets: reads what is there, and when that is less than the fetcher
// wants, waits until enough has been committed, the time is up, or the fetcher is gone. It is woken
// by commits and never polls; commits of one turn of the event loop wake it once.

import type { Clock } from '../../base/ports.ts';
import type { FetchSet } from './fetch-set.ts';
import { type PartitionLookup, type ReadLimits, TargetReader } from './read-targets.ts';

export interface FetchWait {
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Calls back when the fetcher is gone; returns the function that forgets the callback. */
  readonly onGone: (callback: () => void) => () => void;
}

export interface FetchRun extends FetchWait {
  readonly set: FetchSet;
  readonly lookup: PartitionLookup;
  readonly limits: ReadLimits;
  readonly clock: Clock;
}

/**
 * Makes every target wake the set when it commits; answers whether one has changed since it was
 * read. Between reading and subscribing nothing wakes us, so what came then is looked for here.
 * Those with nothing to read leave `ready`: a commit then costs a look at its own partition.
 */
function watch(set: FetchSet, reader: TargetReader): boolean {
  let changed = false;
  for (const target of set.ready) {
    set.subscribe(target);
    if (reader.isOutdated(target)) changed = true;
    else if (reader.isSettled(target)) set.ready.delete(target);
  }
  return changed;
}

/** Waits for wake-ups that may come at any time, also while nobody waits. */
class Bell {
  #rung = false;
  #resolve: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#resolve?.();
  }

  async next(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#rung = false;
    this.#resolve = undefined;
  }
}

/**
 * Runs a fetch. The reader's results are by reference: whoever gets them releases them. What is
 * answered may be less than `minBytes` once the time is up.
 */
export async function runFetch(run: FetchRun): Promise<TargetReader> {
  const reader = new TargetReader(run.set, run.lookup, run.limits);
  try {
    await readEnough(run, reader);
    return reader;
  } catch (error) {
    reader.release();
    throw error;
  }
}

async function readEnough(run: FetchRun, reader: TargetReader): Promise<void> {
  const { set, clock } = run;
  await reader.readReady();
  const enough = (): boolean =>
    reader.urgent || reader.bytes >= run.minBytes || set.targets.size === 0;
  if (run.maxWaitMs <= 0 || enough()) return;

  const bell = new Bell();
  let over = false;
  const stop = (): void => {
    over = true;
    bell.ring();
  };
  let scheduled = false;
  const onReady = (): void => {
    if (scheduled) return;
    scheduled = true;
    clock.defer(() => {
      scheduled = false;
      bell.ring();
    });
  };
  const cancelTimer = clock.setTimer(run.maxWaitMs, stop);
  const forgetGone = run.onGone(stop);
  set.whenReady(onReady);
  try {
    while (!over && !enough()) {
      // Each time: a target whose topic has changed meanwhile was looked up anew.
      if (watch(set, reader)) bell.ring();
      await bell.next();
      // What came in the last turn before the time was up is for the next request.
      if (!over) await reader.readReady();
    }
  } finally {
    cancelTimer();
    forgetGone();
    set.stopWaiting(onReady);
  }
}
