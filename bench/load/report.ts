// Results of a benchmark run: smallest, median and largest of each figure, as JSON and as text.

import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { KAFKA_VERSION } from '../peers/index.ts';
import type { Figures } from './workloads.ts';

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** One broker's runs of one workload. */
export interface Result {
  readonly broker: string;
  readonly name: string;
  readonly runs: Figures[];
}

/** What could not be measured. */
export interface Missing {
  readonly what: string;
  readonly why: string;
}

export interface Report {
  readonly date: string;
  readonly quick: boolean;
  readonly missing: readonly Missing[];
  readonly machine: Readonly<Record<string, string>>;
  readonly results: readonly (Result & { readonly spread: Readonly<Record<string, Spread>> })[];
}

export function describeMachine(): Record<string, string> {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr ?? '';
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    node: process.version,
    java: java.split('\n')[0] ?? '',
    kafka: KAFKA_VERSION,
  };
}

export function spreadOf(runs: readonly Figures[]): Record<string, Spread> {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const values = runs.map((run) => run[name] ?? Number.NaN).sort((a, b) => a - b);
      const middle = (values.length - 1) / 2;
      const low = values[Math.floor(middle)] ?? Number.NaN;
      const high = values[Math.ceil(middle)] ?? Number.NaN;
      const ends = { min: values[0] ?? Number.NaN, max: values.at(-1) ?? Number.NaN };
      return [name, rounded({ ...ends, median: (low + high) / 2 })];
    }),
  );
}

function rounded(spread: Spread): Spread {
  const three = (value: number) => Number(value.toPrecision(4));
  return { min: three(spread.min), median: three(spread.median), max: three(spread.max) };
}

export function reportOf(given: {
  readonly results: readonly Result[];
  readonly missing: readonly Missing[];
  readonly quick: boolean;
}): Report {
  const { results, missing, quick } = given;
  return {
    date: new Date().toISOString(),
    quick,
    missing,
    machine: describeMachine(),
    results: results.map((result) => ({ ...result, spread: spreadOf(result.runs) })),
  };
}

/** One line for each figure: `broker, workload: figure min / median / max`. */
export function textOf(report: Report): string {
  const lines: string[] = [];
  for (const { broker, name, spread } of report.results) {
    lines.push(`${broker}: ${name}`);
    for (const [figure, { min, median, max }] of Object.entries(spread)) {
      lines.push(`  ${figure.padEnd(22)} ${min} / ${median} / ${max}`);
    }
  }
  for (const { what, why } of report.missing) lines.push(`missing: ${what}: ${why}`);
  return `${lines.join('\n')}\n`;
}
