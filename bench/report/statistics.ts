// Smallest, median and largest of the runs of one row.

import type { Figures } from '../suite.ts';

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Four digits: more would only show noise. */
const rounded = (value: number): number => Number(value.toPrecision(4));

/** Of values that are there; all NaN of none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] ?? Number.NaN;
  const high = sorted[Math.ceil(middle)] ?? Number.NaN;
  return {
    min: rounded(sorted[0] ?? Number.NaN),
    median: rounded((low + high) / 2),
    max: rounded(sorted.at(-1) ?? Number.NaN),
  };
}

/** Of every figure that any run has. */
export function spreads(runs: readonly Figures[]): Record<string, Spread> {
  const names = new Set(runs.flatMap((run) => Object.keys(run)));
  return Object.fromEntries(
    [...names].map((name) => [name, spreadOf(runs.map((run) => run[name] ?? Number.NaN))]),
  );
}
