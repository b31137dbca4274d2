// How long each micro-benchmark runs, and where its answers go.

/** Milliseconds; tinybench's own names. */
export interface Timing {
  readonly time: number;
  readonly warmupTime: number;
}

export const fullTiming: Timing = { time: 300, warmupTime: 100 };
export const quickTiming: Timing = { time: 5, warmupTime: 2 };

/** What a task computes is put here, so that the optimiser can't leave it out. */
export const sink = { value: 0 };
