// `npm run bench -- compare A B`: what got worse from one result to the next, beyond what the runs differ by anyway.

import { isOurs, processorTimeOf } from './facts.ts';
import type { Report, Result } from './result.ts';
import { betterOf } from './rounds.ts';
import type { Spread } from './statistics.ts';
import { numberText } from './words.ts';

/** With three runs or more on both sides the ranges tell the noise; a change this small is never told. */
const SMALL_CHANGE = 0.05;
/** With fewer runs only a change this large is told. */
const LARGE_CHANGE = 0.5;
const RUNS_ENOUGH = 3;

/** Told too, not judged: ten milliseconds, the tick of what the system counts, are a third of a percent of it. */
const COARSE = /^idleCpuPercent$/;

/** Figures where less is better, besides rates, where more is; all others describe the run and are not judged. */
const LESS = new RegExp(
  '((?<!max)Ms|PerGb|PerMillion|PerRecord|esidentMb|medianNanoseconds|WithoutCleaning' +
    '|(start|join|leave)(Broker)?(Cpu)?Seconds|(idle|quiet)CpuPercent)$',
);

export interface Change {
  readonly system: string;
  readonly row: string;
  readonly figure: string;
  readonly before: Spread;
  readonly after: Spread;
  /** How much worse the median is: 0.1 is a tenth; negative is better. */
  readonly worse: number;
}

export interface Comparison {
  readonly worse: readonly Change[];
  readonly better: readonly Change[];
  /** Of the disk, of peers, and figures too coarse: to be known, not judged. */
  readonly unjudged: readonly Change[];
  /** How many figures both have. */
  readonly compared: number;
  /** Rows of ours that only the first has. */
  readonly gone: readonly string[];
  /** Rows of others that only the first has. */
  readonly goneOfOthers: readonly string[];
  /** What else differs between the runs, so that a change need not be one of the code. */
  readonly unlike: readonly string[];
}

function beyondNoise(change: Change, runs: number): boolean {
  const size = Math.abs(change.worse);
  if (runs < RUNS_ENOUGH) return size > LARGE_CHANGE;
  const { before, after } = change;
  return size > SMALL_CHANGE && (before.max < after.min || after.max < before.min);
}

function changesOf(before: Result, after: Result): { change: Change; told: boolean }[] {
  const runs = Math.min(before.runs.length, after.runs.length);
  return Object.entries(before.spread).flatMap(([figure, was]) => {
    const is = after.spread[figure];
    const more = betterOf(figure) === 'higher';
    if (is === undefined || !(more || LESS.test(figure))) return [];
    if (!(was.median > 0) || !(is.median > 0)) return [];
    const worse = more ? was.median / is.median - 1 : is.median / was.median - 1;
    const { system, row } = before;
    const change = { system, row, figure, before: was, after: is, worse };
    // A gain is measured the other way round, so that twice as fast is as large as half as fast.
    const size = worse >= 0 ? worse : 1 / (1 + worse) - 1;
    return [{ change, told: beyondNoise({ ...change, worse: size }, runs) }];
  });
}

/** Compares the figures that both results have, the worst first. */
export function compare(before: Report, after: Report): Comparison {
  const gone: string[] = [];
  const goneOfOthers: string[] = [];
  const all: { change: Change; told: boolean }[] = [];
  for (const result of before.results) {
    const { system, row } = result;
    const twin = after.results.find((one) => one.system === system && one.row === row);
    if (twin === undefined)
      (isOurs(before, system) ? gone : goneOfOthers).push(`${system}: ${row}`);
    else all.push(...changesOf(result, twin));
  }
  const told = all.filter((one) => one.told).map((one) => one.change);
  // Disk and peers show how alike the runs were: that they got slower is no fault of ours, and is told apart.
  const isJudged = ({ system, figure }: Change): boolean =>
    isOurs(before, system) && !COARSE.test(figure);
  const judged = told.filter(isJudged);
  return {
    worse: judged.filter((one) => one.worse > 0).sort((a, b) => b.worse - a.worse),
    better: judged.filter((one) => one.worse < 0).sort((a, b) => a.worse - b.worse),
    unjudged: told.filter((one) => !isJudged(one)).sort((a, b) => b.worse - a.worse),
    compared: all.length,
    gone,
    goneOfOthers,
    unlike: differences(before, after),
  };
}

/** What differs from commit to commit, and may. */
const CODE = 'tidemark';

function differences(before: Report, after: Report): string[] {
  const facts = (report: Report): Record<string, string> => ({
    ...report.machine,
    'processor time': processorTimeOf(report),
    size: report.quick ? 'quick' : 'full',
  });
  const [was, is] = [facts(before), facts(after)];
  return Object.entries(was).flatMap(([name, value]) => {
    const now = is[name] ?? value;
    return name === CODE || now === value ? [] : [`${name}: ${value} → ${now}`];
  });
}

function line(change: Change): string {
  const { system, row, figure, before, after, worse } = change;
  const range = ({ min, median, max }: Spread): string =>
    `${numberText(median)} (${numberText(min)}–${numberText(max)})`;
  const percent = Math.round(Math.abs(worse) * 100);
  const sign = worse > 0 ? 'worse' : 'better';
  return `  ${percent} % ${sign}: ${system}: ${row}: ${figure} ${range(before)} → ${range(after)}\n`;
}

/** What changed, for people. */
export function comparisonText(comparison: Comparison): string {
  const { worse, better, unjudged, compared, gone, goneOfOthers, unlike } = comparison;
  let text = `${compared} figures compared: ${worse.length} worse, ${better.length} better beyond noise\n`;
  for (const change of [...worse, ...better]) text += line(change);
  if (unjudged.length > 0) text += 'Of the disk and of others, or too coarse, not judged:\n';
  for (const change of unjudged) text += line(change);
  for (const difference of unlike) text += `  measured otherwise: ${difference}\n`;
  for (const name of gone) text += `  gone, only in the first: ${name}\n`;
  for (const name of goneOfOthers) text += `  only in the first, not judged: ${name}\n`;
  return text;
}

/** Whether something of ours got worse, or is not measured any more. */
export const failed = ({ worse, gone }: Comparison): boolean => worse.length > 0 || gone.length > 0;
