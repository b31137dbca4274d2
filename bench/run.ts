// `npm run bench -- [suite] [options]`: finds the suite in the table below, runs it and keeps its result.
// bench/README.md says what each measures and how to add one.

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Missing, type Result, reportOf, textOf } from './load/report.ts';
import type { Figures } from './load/workloads.ts';
import { projectRoot } from './peers/index.ts';
import type { Suite, SuiteOptions, SuiteRun } from './suite.ts';

/** A new suite is one row: its name, and where its runner is. The first runs when no name is given. */
const suites: Readonly<Record<string, Suite>> = {
  brokers: {
    about: 'start-up, memory, produce and consume, ours alone or beside others',
    load: async () => (await import('./load/brokers.ts')).runBrokers,
  },
  restart: {
    about:
      'kill -9 and an orderly stop with 2 GB in 100 partitions: how long until it serves again',
    load: async () => (await import('./load/restart.ts')).runRestart,
  },
  compaction: {
    about: 'a log of ten million keys is compacted beside a steady producer',
    load: async () => (await import('./load/compaction.ts')).runCompaction,
  },
  micro: {
    about: 'micro-benchmarks',
    load: async () => (await import('./micro/run.ts')).runMicro,
  },
};

const usage = `npm run bench -- [suite] [options]

${Object.entries(suites)
  .map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`)
  .join('\n')}

  --quick          a tenth of the work or less, one round: that it works, not how fast it is
  --peers LIST     systems beside ours, with commas: kafka
  --rounds N       how often each row is measured
  --only TEXT      only rows whose name holds the text
  --out FILE       where the JSON goes; default bench/results/<date>.json, with --quick a temporary folder
`;

interface CommandLine {
  readonly help: boolean;
  readonly suite: string;
  readonly options: SuiteOptions;
  readonly out: string | undefined;
}

function commandLine(): CommandLine {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'string', default: '' },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return {
    help: values.help,
    suite: positionals[0] ?? Object.keys(suites)[0] ?? '',
    options: {
      quick: values.quick,
      peers: values.peers.split(',').filter((name) => name !== ''),
      rounds: values.rounds === undefined ? undefined : Number(values.rounds),
      only: values.only,
    },
    out: values.out,
  };
}

/** Gathers what a suite measures, by system and row in the order of their first run. */
class Gathering implements SuiteRun {
  readonly options: SuiteOptions;
  readonly absent: Missing[] = [];
  readonly #results = new Map<string, Result>();

  constructor(options: SuiteOptions) {
    this.options = options;
  }

  add(broker: string, name: string, figures: Figures): void {
    const key = `${broker}: ${name}`;
    const result = this.#results.get(key) ?? { broker, name, runs: [] };
    result.runs.push(figures);
    this.#results.set(key, result);
    this.say(`${key} ${JSON.stringify(figures)}`);
  }

  missing(what: string, why: string): void {
    this.absent.push({ what, why });
    this.say(`missing: ${what}: ${why}`);
  }

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  results(): Result[] {
    return [...this.#results.values()];
  }
}

function keep(gathered: Gathering, out: string | undefined): void {
  const { quick } = gathered.options;
  const report = reportOf({ results: gathered.results(), missing: gathered.absent, quick });
  const name = `${report.date.slice(0, 19).replaceAll(':', '-')}.json`;
  const folder = quick ? join(tmpdir(), 'tidemark-bench') : join(projectRoot(), 'bench/results');
  const file = out ?? join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
  process.stdout.write(`${textOf(report)}written to ${file}\n`);
}

async function main(): Promise<void> {
  const asked = commandLine();
  if (asked.help) {
    process.stdout.write(usage);
    return;
  }
  const suite = suites[asked.suite];
  if (suite === undefined) {
    process.stderr.write(`no suite ${asked.suite}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const gathered = new Gathering(asked.options);
  const runner = await suite.load();
  await runner(gathered);
  if (gathered.results().length > 0) keep(gathered, asked.out);
}

await main();
