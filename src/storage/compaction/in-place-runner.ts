// Runs compaction passes on the caller's own thread and disk: in memory, under simulation, and where workers cannot
// be had.

import { sleep } from '../../base/pause.ts';
import type { Clock } from '../../base/ports.ts';
import type { Disk } from '../disk/disk.ts';
import { CompactionError } from './compaction-error.ts';
import type { CompactionJob, CompactionResult, CompactionRunner } from './job.ts';
import { runCompaction, type Throttle } from './run.ts';

/** So much ahead of its rate a pass may be. */
const BURST_MS = 100;
const WAIT_MS_MAX = 1000;

/**
 * Keeps the bytes of one pass within `bytesPerSecond` by waiting; null: never waits. `stopped` ends a wait within
 * a second.
 */
export function rateThrottle(
  clock: Clock,
  bytesPerSecond: number | null,
  stopped: () => boolean = () => false,
): Throttle {
  if (bytesPerSecond === null) return () => Promise.resolve();
  const start = clock.monotonic();
  let passed = 0;
  return async (bytes) => {
    passed += bytes;
    const due = start + (passed / bytesPerSecond) * 1000;
    for (let early = due - clock.monotonic(); early >= BURST_MS && !stopped(); ) {
      const waitMs = Math.min(early, WAIT_MS_MAX);
      await sleep(clock, waitMs);
      early = due - clock.monotonic();
    }
  };
}

export class InPlaceCompactionRunner implements CompactionRunner {
  readonly #disk: Disk;
  readonly #clock: Clock;
  #closed = false;

  constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  run(job: CompactionJob): Promise<CompactionResult> {
    const throttle = rateThrottle(this.#clock, job.bytesPerSecondMax, () => this.#closed);
    return runCompaction(this.#disk, job, async (bytes) => {
      await throttle(bytes);
      if (this.#closed) throw new CompactionError('stopped', 'compaction is stopping');
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
