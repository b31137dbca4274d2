// Names and numbers as people read them.

import { ourSystems, peerSystems } from '../peers/index.ts';
import type { Goal } from './goals.ts';
import { DISK } from './result.ts';
import type { Judged } from './verdicts.ts';

const titles = new Map<string, string>([
  ...[...ourSystems(), ...peerSystems()].map(({ name, title }) => [name, title] as const),
  [DISK, 'the disk alone'],
]);

export const titleOf = (system: string): string => titles.get(system) ?? system;

/** What tells one of our settings from the usual one: `--flush os`; '' for that and for all others. */
export function suffixOf(system: string): string {
  const title = ourSystems().find(({ name }) => name === system)?.title ?? '';
  return title.split(', ').slice(1).join(', ');
}

const peersInWords: Readonly<Record<string, string>> = {
  klite:
    "a broker in Go that speaks Kafka's protocol and, as Tidemark, syncs before it acknowledges",
};

/** A peer by name, with what it is where few know that. */
export function peerInWords(name: string): string {
  const words = peersInWords[name];
  return words === undefined ? name : `${name}: ${words}`;
}

const figures: Readonly<Record<string, string>> = {
  mbPerSecond: 'MB/s',
  recordsPerSecond: 'records/s',
  requestsPerSecond: 'requests/s',
  megabytesPerSecond: 'MB/s',
  cpuSecondsPerGb: 'tools CPU, s per GB',
  brokerCpuSecondsPerGb: 'broker CPU, s per GB',
  cpuSecondsPerMillion: 'client CPU, s per million',
  brokerCpuSecondsPerMillion: 'broker CPU, s per million',
  brokerCpuSeconds: 'broker CPU, s',
  clientCpuSeconds: 'client CPU, s',
  brokerResidentMb: 'resident memory, MB',
  residentMb: 'resident memory, MB',
  residentFirstFifthMb: 'resident memory in the first fifth, MB',
  residentLastFifthMb: 'resident memory in the last fifth, MB',
  idleResidentMb: 'resident memory idle, MB',
  idleCpuPercent: 'CPU idle, % of a core',
  startCpuSeconds: 'CPU until then, s',
  deviceWrittenMb: "written to the disk by the row's end, MB",
  brokerWrittenMb: 'written as the process counts it, whole folios, MB',
  brokerReadMb: 'read from disk, MB',
  movingSeconds: 'first to last record, s',
  firstRecordMs: 'first record acknowledged, ms',
  readyMs: 'ready, ms',
  recordCommitP50Ms: 'write and sync of 1 KiB p50, ms',
  recordCommitP99Ms: 'write and sync of 1 KiB p99, ms',
  foreignCores: 'cores kept busy by others',
  busyCores: 'cores busy, all processes',
  loopDelayP99Ms: 'event-loop delay p99, ms',
  loopOwnDelayP99Ms: 'the same without waiting for a core, ms',
  loopBusyPercent: 'event loop running, % of the time',
  loopWaitingPercent: 'event loop waiting for a core, % of the time',
  killWritableMs: 'all partitions writable after kill -9, ms',
  cleanWritableMs: 'all partitions writable after a clean stop, ms',
  killReadyMs: 'ready after kill -9, ms',
  killMetadataMs: 'metadata answered after kill -9, ms',
  killCpuMs: 'CPU until writable after kill -9, ms',
  cleanReadyMs: 'ready after a clean stop, ms',
  cleanMetadataMs: 'metadata answered after a clean stop, ms',
  cleanCpuMs: 'CPU until writable after a clean stop, ms',
  joinSeconds: 'all have their share, s',
  joinBrokerCpuSeconds: 'broker CPU until then, s',
  quietCpuPercent: 'broker CPU while nothing changes, % of a core',
  leaveSeconds: 'all have their share after one left, s',
  leaveBrokerCpuSeconds: 'broker CPU for that, s',
  brokerCpuMicrosecondsPerRecord: 'broker CPU, µs per record',
  p50Ms: 'p50, ms',
  p99Ms: 'p99, ms',
  p99TimesWithoutCleaning: 'p99, times that without cleaning',
  p999Ms: 'p99.9, ms',
  maxMs: 'longest, ms',
};

export const wordsOf = (figure: string): string => figures[figure] ?? figure;

/** Three digits, thousands with commas: `1,230`, `45.6`, `0.789`. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(3));
  return rounded >= 1000 ? Math.round(rounded).toLocaleString('en-US') : String(rounded);
}

/** Ratios are told to so many digits at least, and at most. */
const RATIO_DIGITS = { least: 3, most: 6 };

/** `0.62 ×`; small ratios as fractions: `1/18`. With more digits where fewer look like a limit that it is not. */
export function ratioText(ratio: number, limit = ratio): string {
  let digits = RATIO_DIGITS.least;
  if (ratio !== limit) {
    while (digits < RATIO_DIGITS.most && inDigits(ratio, digits) === inDigits(limit, digits))
      digits++;
  }
  return inDigits(ratio, digits);
}

function inDigits(ratio: number, digits: number): string {
  if (ratio <= 0.2) return `1/${Number((1 / ratio).toPrecision(digits - 1))}`;
  return `${Number(ratio.toPrecision(digits))} ×`;
}

/** What has to be reached; of a goal that the disk may excuse also what the disk did, where it is known. */
export function goalText(goal: Goal, disk = Number.NaN): string {
  const { limit, better, against, orShareOfDisk } = goal;
  const sign = better === 'higher' ? '≥' : '≤';
  if (against === undefined) return `${sign} ${numberText(limit)}`;
  if (orShareOfDisk === undefined) return `${sign} ${ratioText(limit)}`;
  const whose = Number.isNaN(disk) ? 'the disk' : `the disk's ${numberText(disk)}`;
  return `${sign} ${ratioText(limit)}, or ${Math.round(orShareOfDisk * 100)} % of ${whose}`;
}

/** Of the rounds: where fewer say the same, a verdict could easily have been the other. */
const AGREED = 0.8;

/** `reached (5 of 5)`, `not reached, narrowly (2 of 5)`: in brackets in how many of the rounds the goal was reached. */
export function verdictText({ reached, rounds }: Judged): string {
  const verdict = reached ? 'reached' : 'not reached';
  if (rounds === undefined) return verdict;
  const { held, of } = rounds;
  const narrowly = (reached ? held : of - held) < AGREED * of ? ', narrowly' : '';
  return `${verdict}${narrowly} (${held} of ${of})`;
}
