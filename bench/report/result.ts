// A result: what was measured, with what, on which machine. What `npm run bench` writes and the reports are made of.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { KAFKA_VERSION, LIBRDKAFKA_VERSION, projectRoot } from '../peers/index.ts';
import type { Figures } from '../suite.ts';
import { coarsen, type Histogram, mergeHistograms } from './histogram.ts';
import type { RowProfile } from './profile.ts';
import { type Spread, spreads } from './statistics.ts';

/** What the disk alone does stands among the systems, in one row. */
export const DISK = 'disk';
export const DISK_PROBE = 'disk probe';

/** One system's runs of one row. */
export interface Result {
  readonly system: string;
  readonly row: string;
  readonly runs: Figures[];
  readonly spread: Readonly<Record<string, Spread>>;
  /** Of all runs together, coarse. */
  readonly latencies?: Histogram;
}

/** What could not be measured. */
export interface Missing {
  readonly what: string;
  readonly why: string;
}

/** A measurement that was not kept, because others kept that many cores busy. */
export interface ThrownOut {
  readonly system: string;
  readonly row: string;
  readonly foreignCores: number;
}

export interface Report {
  readonly format: 2;
  readonly date: string;
  /** Whether it was only to show that the suites work. */
  readonly quick: boolean;
  readonly command: string;
  /** Ended from outside: what was measured until then, fewer rounds of some rows than of others. */
  readonly interrupted?: true;
  readonly machine: Readonly<Record<string, string>>;
  /** Commands of peers that were given by them, by name, without the paths of the machine. */
  readonly peers?: Readonly<Record<string, string>>;
  /** Systems in the results that are ours, clients and the log in process too; absent in older results. */
  readonly ours?: readonly string[];
  /** How each row was measured. */
  readonly rows: Readonly<Record<string, string>>;
  /** What a row's sizes are of, where it is not what reaches the broker; absent in older results. */
  readonly unitNotes?: Readonly<Record<string, string>>;
  /** Which suite measured a row; absent in older results. */
  readonly suites?: Readonly<Record<string, string>>;
  readonly missing: readonly Missing[];
  readonly thrownOut: readonly ThrownOut[];
  readonly foreignCoresMax: number;
  /** Of our rows with goals that are not reached, and of all with `--profile`. */
  readonly profiles?: readonly RowProfile[];
  readonly results: readonly Result[];
}

function firstLineOf(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: projectRoot() });
  return `${stdout ?? ''}${stderr ?? ''}`.split('\n')[0] ?? '';
}

/** Of the folder with the brokers' data: on one in memory a sync costs nothing. */
function fileSystemOf(folder: string): string {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, at = '-']) => `${folder}/`.startsWith(at === '/' ? at : `${at}/`))
      .sort(([, a = ''], [, b = '']) => a.length - b.length);
    const [device = '', , kind = ''] = mounts.at(-1) ?? [];
    return kind === 'tmpfs' ? 'tmpfs, where a sync costs nothing' : `${kind} on ${device}`;
  } catch {
    return 'unknown';
  }
}

/** The machine and the versions of what ran on it. */
export function describeMachine(): Record<string, string> {
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    disk: fileSystemOf(tmpdir()),
    tidemark: firstLineOf('git', ['describe', '--always', '--dirty']),
    node: process.version,
    java: firstLineOf('java', ['-version']),
    kafka: KAFKA_VERSION,
    librdkafka: LIBRDKAFKA_VERSION,
  };
}

/** Gathers what suites measure, by system and row in the order of their first run. */
export class Gathered {
  readonly #runs = new Map<string, { system: string; row: string; runs: Figures[] }>();
  readonly #latencies = new Map<string, Histogram[]>();

  add(system: string, row: string, figures: Figures, latencies?: Histogram): void {
    const key = `${system}\n${row}`;
    const known = this.#runs.get(key) ?? { system, row, runs: [] };
    known.runs.push(Object.fromEntries(Object.entries(figures).map(([n, v]) => [n, rounded(v)])));
    this.#runs.set(key, known);
    if (latencies === undefined) return;
    this.#latencies.set(key, [...(this.#latencies.get(key) ?? []), latencies]);
  }

  results(): Result[] {
    return [...this.#runs].map(([key, known]) => {
      const latencies = this.#latencies.get(key);
      return {
        ...known,
        spread: spreads(known.runs),
        ...(latencies && { latencies: coarsen(mergeHistograms(latencies)) }),
      };
    });
  }
}

const rounded = (value: number): number => Number(value.toPrecision(6));

/** Rows with measurements that are in the result though others were too busy meanwhile: no try was quiet. */
export function disturbed({ results, foreignCoresMax }: Report): Disturbed[] {
  return results.flatMap(({ system, row, runs }) => {
    const count = runs.filter((run) => (run['foreignCores'] ?? 0) > foreignCoresMax).length;
    return count === 0 ? [] : [{ system, row, runs: count }];
  });
}

interface Disturbed {
  readonly system: string;
  readonly row: string;
  readonly runs: number;
}

/** A row with few figures fits on its line; else one line for each: `figure min / median / max`. */
const FIGURES_ON_A_LINE = 2;

/** Everything that was measured, for a terminal. */
export function textOf(report: Report): string {
  const lines: string[] = [];
  for (const { system, row, spread, runs } of report.results) {
    const figures = Object.entries(spread).map(([figure, { min, median, max }]) => {
      const values = runs.length === 1 ? `${median}` : `${min} / ${median} / ${max}`;
      return { figure, values };
    });
    if (figures.length <= FIGURES_ON_A_LINE) {
      const texts = figures.map(({ figure, values }) => `${figure} ${values}`);
      lines.push(`${system}: ${row}: ${texts.join(', ')}`);
      continue;
    }
    lines.push(`${system}: ${row} (${runs.length})`);
    for (const { figure, values } of figures) lines.push(`  ${figure.padEnd(26)} ${values}`);
  }
  for (const { system, row, foreignCores } of report.thrownOut) {
    lines.push(`thrown out: ${system}: ${row}: others kept ${foreignCores.toFixed(2)} cores busy`);
  }
  for (const one of disturbed(report)) {
    lines.push(`kept though others were busy: ${one.system}: ${one.row} (${one.runs} runs)`);
  }
  for (const { what, why } of report.missing) lines.push(`missing: ${what}: ${why}`);
  return `${lines.join('\n')}\n`;
}
