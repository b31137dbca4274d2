// What is to be reached, as a table. Ratios are ours to theirs.

import { givenIn } from './facts.ts';
import type { Report } from './result.ts';
import { type Better, betterOf, isToldTwice, medianOf } from './rounds.ts';

export interface Goal {
  readonly row: string;
  readonly figure: string;
  /** Which of our settings; default `tidemark`. */
  readonly ours?: string;
  /** Whose figure it is compared with; undefined: `limit` is absolute. */
  readonly against?: string;
  /** At least so many times (higher is better), or at most (lower is better). */
  readonly limit: number;
  readonly better: Better;
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
const javaProduce = 'produce 1 KiB, Java client';
const javaConsume = 'consume 1 KiB, Java client';
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
  higher(javaProduce, PER_SECOND, 1),
  lower(javaProduce, CPU_PER_GB, 1),
  higher(javaConsume, PER_SECOND, 1),
  lower(javaConsume, CPU_PER_GB, 1),
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

const latencies = ['p50Ms', 'p99Ms', 'p999Ms'];
const costs = [
  CPU_PER_GB,
  CPU_PER_MILLION,
  ...latencies,
  ...['firstRecordMs', 'idleResidentMb', 'killWritableMs', 'cleanWritableMs', 'residentMb'],
];

/**
 * Beside klite, and others given by their command, every rate is to be at least as good, and so are latencies, what
 * processor time the work costs, start, restart and memory.
 */
function besideGiven(report: Report): Goal[] {
  const given = givenIn(report);
  return report.results
    .filter(({ system }) => given.includes(system))
    .flatMap(({ system, row, spread }) =>
      Object.keys(spread).flatMap((figure) => {
        if (isToldTwice(figure, spread)) return [];
        if (betterOf(figure) === 'higher') return [higher(row, figure, 1, system)];
        // At full speed these are of the queue in the producer.
        const queue = row === javaProduce && latencies.includes(figure);
        return costs.includes(figure) && !queue ? [lower(row, figure, 1, system)] : [];
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

/** All goals that there may be figures for in the result. */
export const goalsOf = (report: Report): Goal[] => [
  ...goals,
  ...besideGiven(report),
  ...besideClients(report),
];
