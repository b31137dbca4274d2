// What a latency consists of, as far as it was counted, and what is left that was not.

import type { Entry } from './entries.ts';
import type { Goal } from './goals.ts';
import { DISK, DISK_PROBE, type Report } from './result.ts';
import { medianOf } from './rounds.ts';
import { numberText } from './words.ts';

/** The client's wait for more records, in a row's name or in its settings. */
const LINGER = /\blinger(?:\.ms=| )(\d+)/;
const CONNECTIONS = /\b(\d+) connections\b/;

interface Part {
  readonly text: string;
  readonly ms: number;
}

/** Of the middle, of what the tail has beyond it, and of its far end where the goal is about that. */
export function latencyLimits(
  report: Report,
  { row, figure }: Pick<Goal, 'row' | 'figure'>,
  system: string,
): Entry[] {
  const of = (figure: string): number => medianOf(report, system, row, figure);
  const p50 = of('p50Ms');
  const parts = partsOf(report, row, of);
  return [
    { label: 'p50', text: Number.isNaN(p50) ? '' : middleText(p50, parts) },
    { label: 'p99', text: tailText(report, of) },
    { label: 'p99.9', text: figure === 'p999Ms' ? farText(of) : '' },
  ];
}

function partsOf(report: Report, row: string, of: (figure: string) => number): Part[] {
  const parts: Part[] = [];
  const linger = Number(LINGER.exec(`${row} ${report.rows[row] ?? ''}`)?.[1]);
  if (linger > 0) {
    parts.push({ text: `linger (about half of ${linger} ms)`, ms: linger / 2 });
  }
  const connections = Number(CONNECTIONS.exec(row)?.[1]);
  const turn = (connections / of('requestsPerSecond')) * 1e3;
  if (turn > 0) {
    const rate = `the turn of ${connections} connections at this rate`;
    return [{ text: rate, ms: turn }];
  }
  const sync = medianOf(report, DISK, DISK_PROBE, 'recordCommitP50Ms');
  if (of('syncs') > 0 && sync > 0) parts.push({ text: 'a sync of the bare disk', ms: sync });
  const own = of('loopOwnDelayP99Ms');
  // The delay of the middle is not counted: it is at most that of the worst in a hundred.
  if (own > 0) parts.push({ text: "the loop's own delay at most (its p99)", ms: own });
  return parts;
}

function middleText(p50: number, parts: readonly Part[]): string {
  const named = parts.map(({ text, ms }) => `${numberText(ms)} ms ${text}`);
  const rest = p50 - parts.reduce((sum, { ms }) => sum + ms, 0);
  if (rest > 0) named.push(`${numberText(rest)} ms or more not counted apart`);
  return `${numberText(p50)} ms: ${named.join(', ')}`;
}

/** What p99 has beyond the middle: of the disk only what the bare disk's own p99 allows. */
function tailText(report: Report, of: (figure: string) => number): string {
  const [p99, waiting] = [of('p99Ms'), of('loopWaitingPercent')];
  const [delay, own] = [of('loopDelayP99Ms'), of('loopOwnDelayP99Ms')];
  const sync = medianOf(report, DISK, DISK_PROBE, 'recordCommitP99Ms');
  const beyond = p99 - of('p50Ms');
  const known: string[] = [];
  if (of('syncs') > 0 && sync > 0) {
    const disk = 2 * sync >= beyond ? 'can be the most of it' : 'alone does not explain it';
    known.push(`the bare disk's sync p99 of ${numberText(sync)} ms ${disk}`);
  }
  if (!Number.isNaN(waiting)) {
    known.push(`the event loop waited for a core ${numberText(waiting)} % of the time`);
  }
  if (!Number.isNaN(delay) && !Number.isNaN(own)) {
    known.push(`its delay p99 is ${numberText(delay)} ms, ${numberText(own)} ms without that`);
  }
  if (Number.isNaN(beyond) || known.length === 0) return '';
  return `${numberText(beyond)} ms more than p50: ${known.join(', ')}`;
}

/** A thousandth of the records: few moments in which something stood still. */
function farText(of: (figure: string) => number): string {
  const [p999, longest] = [of('p999Ms'), of('maxMs')];
  const beyond = p999 - of('p99Ms');
  if (Number.isNaN(beyond)) return '';
  const end = Number.isNaN(longest) ? '' : `, the longest of a run took ${numberText(longest)} ms`;
  return `${numberText(beyond)} ms more than p99${end}`;
}
