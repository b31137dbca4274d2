// Runs compaction passes on the caller's own thread and disk: in memory, under simulation, and where workers cannot
// be had.

import type { Clock } from '../../base/ports.ts';
import type { Disk } from '../disk.ts';
import type { CompactionJob, CompactionResult, CompactionRunner } from './job.ts';
import { runCompaction, type Throttle } from './run.ts';

/** Bytes that may pass in a burst before the rate is enforced. */
const BURST_MS = 100;

/** Keeps the bytes of one pass within `bytesPerSecond` by waiting; null: never waits. */
export function rateThrottle(clock: Clock, bytesPerSecond: number | null): Throttle {
  if (bytesPerSecond === null) return () => Promise.resolve();
  const start = clock.monotonic();
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    const aheadMs = (passed / bytesPerSecond) * 1000 - (clock.monotonic() - start);
    if (aheadMs < BURST_MS) return Promise.resolve();
    return new Promise((resolve) => {
      clock.setTimer(aheadMs, resolve);
    });
  };
}

export class InPlaceCompactionRunner implements CompactionRunner {
  readonly #disk: Disk;
  readonly #clock: Clock;

  constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  run(job: CompactionJob): Promise<CompactionResult> {
    return runCompaction(this.#disk, job, rateThrottle(this.#clock, job.bytesPerSecondMax));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
