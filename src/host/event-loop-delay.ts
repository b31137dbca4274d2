// How late the event loop runs, for `/metrics`: of a broker on one event loop it says first that a core is too small.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * How often the loop is looked at. Each look wakes the process: at 5 ms that was a tenth of what a consumer costs
 * (strace: 340 wake-ups a second of an idle broker). A histogram's values hold this time themselves, so it is taken
 * off.
 */
const RESOLUTION_MS = 20;

/** Seconds that timers came late since the delay was last read. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Watches this thread's event loop from its making until {@link EventLoopDelay.stop}. */
export class EventLoopDelay {
  readonly #histogram: IntervalHistogram;

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
  }

  /** What was seen since the last call; it begins anew. */
  take(): LoopDelay {
    const late = (nanoseconds: number): number =>
      Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3) || 0;
    const histogram = this.#histogram;
    const delay = {
      p50: late(histogram.percentile(50)),
      p99: late(histogram.percentile(99)),
      max: late(histogram.max),
    };
    histogram.reset();
    return delay;
  }

  stop(): void {
    this.#histogram.disable();
  }
}
