// What held a row of ours back, in words: from what was counted while it ran.

import { type Judged, medianOf } from './goals.ts';
import type { Report } from './result.ts';
import { numberText } from './words.ts';

/** Of all cores: beyond it a faster client or broker would have to take the other's time. */
const BUSY = 0.9;
/** Of the time in which the event loop ran, or could have. */
const LOOP_FULL_PERCENT = 90;

/**
 * How many times longer was looked than records moved, where the client tells it: in its own start and end it does
 * nothing, and shares of the whole time would say that nobody was busy.
 */
function stretchOf(of: (figure: string) => number): number {
  const stretch = of('seconds') / of('movingSeconds');
  return Number.isNaN(stretch) ? 1 : stretch;
}

/** How busy processors, event loop and disk were in the row; '' where nothing was counted. */
export function loadOf(report: Report, row: string, system = 'tidemark'): string {
  const of = (figure: string): number => medianOf(report, system, row, figure);
  const stretch = stretchOf(of);
  const seconds = of('seconds') / stretch;
  const cores = Number.parseInt(report.machine['processor'] ?? '', 10);
  const parts: string[] = [];
  const say = (value: number, text: (value: string) => string): void => {
    if (Number.isFinite(value)) parts.push(text(numberText(value)));
  };
  say(of('brokerCpuSeconds') / seconds, (busy) => `broker ${busy}`);
  say(of('clientCpuSeconds') / seconds, (busy) => `client ${busy} of ${cores} cores`);
  say(of('loopBusyPercent') * stretch, (busy) => `event loop running ${busy} % of the time`);
  say(of('loopWaitingPercent') * stretch, (waited) => `waiting for a core ${waited} %`);
  say(of('loopOwnDelayP99Ms'), (own) => `its delay p99 without that ${own} ms`);
  say(of('syncs') / seconds, (syncs) => `${syncs} syncs a second`);
  return parts.join(', ');
}

/** Latencies that a sync is part of. */
const LATENCY = /^p\d+Ms$/;

/** What a rate or a latency could not go beyond; '' for costs, or where it was not counted. */
export function limitOf(report: Report, { goal }: Judged): string {
  if (LATENCY.test(goal.figure)) return syncOf(report);
  if (goal.better !== 'higher') return '';
  const of = (figure: string): number =>
    medianOf(report, goal.ours ?? 'tidemark', goal.row, figure);
  const cores = Number.parseInt(report.machine['processor'] ?? '', 10);
  const stretch = stretchOf(of);
  const busy = of('busyCores') * stretch;
  if (Number.isNaN(busy) || Number.isNaN(cores)) return '';
  if (busy >= BUSY * cores) return 'the processors are the limit, which broker and client share';
  const loop = of('loopBusyPercent') + of('loopWaitingPercent');
  if (loop * stretch >= LOOP_FULL_PERCENT) {
    return 'the event loop is the limit';
  }
  const disk = of('syncs') > 0 || of('brokerReadMb') > 0 ? 'the disk or for ' : '';
  return `no processor is the limit: client and broker wait for ${disk}each other`;
}

/** What the disk alone took for a sync in the same run. */
function syncOf(report: Report): string {
  const [p50, p99] = ['recordCommitP50Ms', 'recordCommitP99Ms'].map((figure) =>
    medianOf(report, 'disk', 'disk probe', figure),
  );
  if (p50 === undefined || p99 === undefined || Number.isNaN(p99)) return '';
  return (
    `the disk alone took ${numberText(p50)} ms (p99 ${numberText(p99)} ms) to write and sync 1 KiB, ` +
    'and each record waits for at least one sync'
  );
}

/** Limit and load of a missed goal as one line; '' where nothing was counted. */
export function whyMissed(report: Report, judged: Judged): string {
  const limit = limitOf(report, judged);
  const load = loadOf(report, judged.goal.row, judged.goal.ours);
  return [limit, load].filter((part) => part !== '').join(': ');
}
