// Figures of a result over all rounds, and of ours beside another's round by round. Rounds are interleaved, so that
// what the machine did meanwhile fell on both sides.

import type { Report, Result } from './result.ts';

export type Better = 'higher' | 'lower';

/** Rates are to be high, everything else that is compared is to be low. */
export const betterOf = (figure: string): Better =>
  /PerSecond$/.test(figure) ? 'higher' : 'lower';

/** Whether the figure is a rate that the row tells in megabytes, too: the same in another unit. */
export const isToldTwice = (figure: string, spread: Readonly<Record<string, unknown>>): boolean =>
  figure === 'recordsPerSecond' && spread['mbPerSecond'] !== undefined;

const resultOf = ({ results }: Report, system: string, row: string): Result | undefined =>
  results.find((one) => one.system === system && one.row === row);

/** The median of a figure; NaN when it was not measured. */
export function medianOf(report: Report, system: string, row: string, figure: string): number {
  return resultOf(report, system, row)?.spread[figure]?.median ?? Number.NaN;
}

/** A figure of each round, in their order; NaN where a round does not have it. */
export function roundsOf(report: Report, system: string, row: string, figure: string): number[] {
  const { runs = [] } = resultOf(report, system, row) ?? {};
  return runs.map((run) => run[figure] ?? Number.NaN);
}

/** The figure of one row that is compared, and whose. */
export interface Compared {
  readonly row: string;
  readonly figure: string;
  readonly ours: string;
  /** Undefined: ours is looked at alone, its ratio is the figure itself. */
  readonly theirs: string | undefined;
}

export interface Pair {
  /** Undefined: the medians, where fewer than two rounds have both sides. */
  readonly round: number | undefined;
  readonly ours: number;
  readonly ratio: number;
}

/** Each round that has both sides; where fewer than two do, the medians as one pair, or none if a side is missing. */
export function pairsOf(report: Report, { row, figure, ours, theirs }: Compared): Pair[] {
  const others = theirs === undefined ? [] : roundsOf(report, theirs, row, figure);
  const pairs = roundsOf(report, ours, row, figure).map((mine, round) => ({
    round,
    ours: mine,
    ratio: theirs === undefined ? mine : mine / (others[round] ?? Number.NaN),
  }));
  const whole = pairs.filter(({ ratio }) => !Number.isNaN(ratio));
  if (whole.length > 1) return whole;
  const mine = medianOf(report, ours, row, figure);
  const ratio = theirs === undefined ? mine : mine / medianOf(report, theirs, row, figure);
  return Number.isNaN(ratio) ? [] : [{ round: undefined, ours: mine, ratio }];
}

/** The ratio in the middle, of an even number the worse of two: most rounds are at least as good. NaN of none. */
export function middleRatio(pairs: readonly Pair[], better: Better): number {
  const sorted = pairs.map(({ ratio }) => ratio).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return sorted[better === 'higher' ? Math.floor(middle) : Math.ceil(middle)] ?? Number.NaN;
}
