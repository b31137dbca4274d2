// What is to be reached, as a table, and what a result says of it. Ratios are of medians, ours to theirs.

import { givenIn } from './facts.ts';
import { DISK, DISK_PROBE, type Report, type Result } from './result.ts';

export interface Goal {
  readonly row: string;
  readonly figure: string;
  /** Which of our settings; default `tidemark`. */
  readonly ours?: string;
  /** Whose figure it is compared with; undefined: `limit` is absolute. */
  readonly against?: string;
  /** At least so many times (higher is better), or at most (lower is better). */
  readonly limit: number;
  readonly better: 'higher' | 'lower';
  /** Reached also by this share of what the disk itself did in the same run. */
  readonly orShareOfDisk?: number;
}

const higher = (row: string, figure: string, limit: number, against = 'kafka'): Goal => ({
  row,
  figure,
  limit,
  against,
  better: 'higher',
});

const lower = (row: string, figure: string, limit: number, against = 'kafka'): Goal => ({
  ...higher(row, figure, limit, against),
  better: 'lower',
});

const atMost = (row: string, figure: string, limit: number): Goal => ({
  row,
  figure,
  limit,
  better: 'lower',
});

const CPU_PER_GB = 'brokerCpuSecondsPerGb';
const CPU_PER_MILLION = 'brokerCpuSecondsPerMillion';
const PER_SECOND = 'mbPerSecond';

const produce = 'produce 1 KiB';
const chunks = 'produce 1 KiB, 128 KiB batches';
const fastTail = 'end to end, 10,000/s, linger 5';
const slowTail = 'end to end, 1,000/s, linger 0';

/** The goals of the project, row by row. */
export const goals: readonly Goal[] = [
  { ...higher(produce, PER_SECOND, 1), orShareOfDisk: 0.85 },
  lower(produce, CPU_PER_GB, 0.6),
  { ...higher(produce, PER_SECOND, 1.3), ours: 'tidemark-os' },
  higher(produce, PER_SECOND, 2, 'kafka-sync'),
  higher(chunks, PER_SECOND, 4, 'kafka-sync'),
  lower(fastTail, 'p99Ms', 1 / 20, 'kafka-sync'),
  higher('produce 100 B', 'recordsPerSecond', 1),
  lower('produce 100 B', CPU_PER_GB, 0.6),
  higher('produce 1 KiB, lz4', PER_SECOND, 1),
  lower('produce 1 KiB, lz4', CPU_PER_GB, 0.7),
  higher('one record per request, 64 connections', 'requestsPerSecond', 1.5),
  higher('consume 1 KiB', PER_SECOND, 1.1),
  lower('consume 1 KiB', CPU_PER_GB, 0.7),
  higher('consume 100 B', 'recordsPerSecond', 1),
  lower('consume 100 B', CPU_PER_GB, 0.7),
  lower(fastTail, 'p99Ms', 1),
  lower(fastTail, 'p999Ms', 0.5),
  lower(fastTail, CPU_PER_MILLION, 0.7),
  lower(slowTail, 'p99Ms', 0.25),
  lower(slowTail, CPU_PER_MILLION, 0.5),
  lower('1,000 partitions, 2,000/s', 'p99Ms', 1),
  lower('start-up', 'firstRecordMs', 1 / 16),
  lower('start-up', 'idleResidentMb', 1 / 5),
  lower('memory after these runs', 'residentMb', 1 / 6),
  lower('restart', 'killWritableMs', 1 / 15),
  lower('restart', 'cleanWritableMs', 1 / 10),
  atMost(produce, 'loopDelayP99Ms', 10),
  atMost('produce 10,000/s, cleaning', 'loopDelayP99Ms', 10),
  atMost('produce 10,000/s, cleaning', 'p99TimesWithoutCleaning', 2),
];

const costs = [CPU_PER_GB, CPU_PER_MILLION, 'p50Ms', 'p99Ms', 'p999Ms'];

/** Beside klite, and others given by their command, every throughput, CPU and latency figure is to be better. */
function besideGiven(report: Report): Goal[] {
  const given = givenIn(report);
  return report.results
    .filter(({ system }) => given.includes(system))
    .flatMap(({ system, row, spread }) =>
      Object.keys(spread).flatMap((figure) => {
        // The same rate in another unit is no second goal.
        const twice = figure === 'recordsPerSecond' && spread[PER_SECOND] !== undefined;
        if (/PerSecond$/.test(figure)) return twice ? [] : [higher(row, figure, 1, system)];
        return costs.includes(figure) ? [lower(row, figure, 1, system)] : [];
      }),
    );
}

/** How far our client is to be ahead of the next. */
const AHEAD = 1.5;
const OURS_ON = 'tidemark on ';

/** Of JavaScript clients ours is to be the first in every row, far ahead of the next. */
function besideClients(report: Report): Goal[] {
  return report.results.flatMap(({ system: ours, row }) => {
    if (!ours.startsWith(OURS_ON)) return [];
    const broker = ours.slice(OURS_ON.length);
    const next = (figure: string, sign: 1 | -1): string | undefined =>
      ['kafkajs', 'platformatic']
        .map((client) => `${client} on ${broker}`)
        .filter((client) => !Number.isNaN(medianOf(report, client, row, figure)))
        .sort(
          (a, b) => sign * (medianOf(report, b, row, figure) - medianOf(report, a, row, figure)),
        )
        .at(0);
    const quickest = next('recordsPerSecond', 1);
    const cheapest = next('cpuSecondsPerMillion', -1);
    const found: Goal[] = [];
    if (quickest !== undefined) found.push(higher(row, 'recordsPerSecond', AHEAD, quickest));
    if (cheapest !== undefined) {
      found.push(lower(row, 'cpuSecondsPerMillion', 1 / AHEAD, cheapest));
    }
    return found.map((goal) => ({ ...goal, ours }));
  });
}

/** A verdict held against each round by itself. */
export interface Rounds {
  readonly held: number;
  readonly of: number;
}

export interface Judged {
  readonly goal: Goal;
  readonly ours: number;
  /** NaN when the goal is absolute. */
  readonly theirs: number;
  /** What the disk itself did, where the goal is about it; else NaN. */
  readonly disk: number;
  /** Ours to theirs, or ours alone when the goal is absolute. */
  readonly ratio: number;
  /** By the medians. */
  readonly reached: boolean;
  /**
   * In how many of the rounds it held: each of ours beside theirs of the same round, as they were interleaved.
   * Undefined where there was one measurement.
   */
  readonly rounds: Rounds | undefined;
}

const resultOf = ({ results }: Report, system: string, row: string): Result | undefined =>
  results.find((one) => one.system === system && one.row === row);

/** The median of a figure; NaN when it was not measured. */
export function medianOf(report: Report, system: string, row: string, figure: string): number {
  return resultOf(report, system, row)?.spread[figure]?.median ?? Number.NaN;
}

/** What the result says of each goal that it has figures for. */
export function judge(report: Report): Judged[] {
  return [...goals, ...besideGiven(report), ...besideClients(report)].flatMap((goal) => {
    const figures = (system: string, row: string): Figures => figuresOf(report, system, row, goal);
    const ours = figures(goal.ours ?? 'tidemark', goal.row);
    const theirs = goal.against === undefined ? NONE : figures(goal.against, goal.row);
    const disk = goal.orShareOfDisk === undefined ? NONE : figures(DISK, DISK_PROBE);
    const ratio = ratioOf(goal, ours.median, theirs.median);
    if (Number.isNaN(ratio)) return [];
    return {
      goal,
      ours: ours.median,
      theirs: theirs.median,
      disk: disk.median,
      ratio,
      reached: holds(goal, ours.median, theirs.median, disk.median),
      rounds: roundsOf(goal, ours, theirs, disk),
    };
  });
}

interface Figures {
  readonly median: number;
  /** Of each round. */
  readonly runs: readonly number[];
}

const NONE: Figures = { median: Number.NaN, runs: [] };

function figuresOf(report: Report, system: string, row: string, { figure }: Goal): Figures {
  const runs = resultOf(report, system, row)?.runs ?? [];
  return {
    median: medianOf(report, system, row, figure),
    runs: runs.map((run) => run[figure] ?? Number.NaN),
  };
}

const ratioOf = ({ against }: Goal, ours: number, theirs: number): number =>
  against === undefined ? ours : ours / theirs;

function holds(goal: Goal, ours: number, theirs: number, disk: number): boolean {
  const { better, limit, orShareOfDisk = Number.NaN } = goal;
  const ratio = ratioOf(goal, ours, theirs);
  const within = better === 'higher' ? ratio >= limit : ratio <= limit;
  return within || ours >= orShareOfDisk * disk;
}

function roundsOf(goal: Goal, ours: Figures, theirs: Figures, disk: Figures): Rounds | undefined {
  const pairs = ours.runs
    .map((mine, round) => [mine, theirs.runs[round] ?? Number.NaN, disk.runs[round]] as const)
    .filter(([mine, other]) => !Number.isNaN(ratioOf(goal, mine, other)));
  if (pairs.length < 2) return undefined;
  const held = pairs.filter(([mine, other, probe = Number.NaN]) => holds(goal, mine, other, probe));
  return { held: held.length, of: pairs.length };
}
