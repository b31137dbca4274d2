// What a result says of each goal. A goal is reached where most rounds reach it, each of ours beside theirs of the same
// round: the ratio of two medians may be of two rounds that have nothing in common.

import { type Goal, goalsOf } from './goals.ts';
import { DISK, DISK_PROBE, type Report } from './result.ts';
import { medianOf, middleRatio, type Pair, pairsOf, roundsOf } from './rounds.ts';

/** In how many of the rounds a goal was reached. */
export interface Rounds {
  readonly held: number;
  readonly of: number;
}

export interface Judged {
  readonly goal: Goal;
  /** The median of all rounds, as is `theirs`. */
  readonly ours: number;
  /** NaN when the goal is absolute. */
  readonly theirs: number;
  /** What the disk itself did, where the goal is about it; else NaN. */
  readonly disk: number;
  /** Ours to theirs in the middle round, or ours alone when the goal is absolute. */
  readonly ratio: number;
  readonly reached: boolean;
  /** Undefined where rounds could not be paired, so that the medians decided. */
  readonly rounds: Rounds | undefined;
}

/** What the result says of each goal that it has figures for. */
export function judge(report: Report): Judged[] {
  return goalsOf(report).flatMap((goal) => judged(report, goal) ?? []);
}

function judged(report: Report, goal: Goal): Judged | undefined {
  const { row, figure, ours = 'tidemark', against, better } = goal;
  const pairs = pairsOf(report, { row, figure, ours, theirs: against });
  if (pairs.length === 0) return undefined;
  const disk = diskOf(report, goal);
  const held = pairs.filter((pair) => holds(goal, pair, disk)).length;
  return {
    goal,
    ours: medianOf(report, ours, row, figure),
    theirs: against === undefined ? Number.NaN : medianOf(report, against, row, figure),
    disk: disk.median,
    ratio: middleRatio(pairs, better),
    reached: 2 * held > pairs.length,
    rounds: pairs.length > 1 ? { held, of: pairs.length } : undefined,
  };
}

interface Disk {
  readonly median: number;
  readonly rounds: readonly number[];
}

/** What the disk did in the goal's figure; nothing where it does not excuse. */
function diskOf(report: Report, { figure, orShareOfDisk }: Goal): Disk {
  if (orShareOfDisk === undefined) return { median: Number.NaN, rounds: [] };
  return {
    median: medianOf(report, DISK, DISK_PROBE, figure),
    rounds: roundsOf(report, DISK, DISK_PROBE, figure),
  };
}

function holds(goal: Goal, { round, ours, ratio }: Pair, disk: Disk): boolean {
  const { better, limit, orShareOfDisk = Number.NaN } = goal;
  const within = better === 'higher' ? ratio >= limit : ratio <= limit;
  const probe = round === undefined ? disk.median : (disk.rounds[round] ?? Number.NaN);
  return within || ours >= orShareOfDisk * probe;
}
