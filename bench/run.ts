// `npm run bench -- [suites] [options]`: finds the suites in the table below, runs them and keeps the result.
// bench/README.md says what each measures and how to add one.

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from './peers/index.ts';
import { commandText } from './report/command-line.ts';
import { htmlFileOf, readReport, reportCommands } from './report/commands.ts';
import { compare, comparisonText } from './report/compare.ts';
import { judge } from './report/goals.ts';
import type { Histogram } from './report/histogram.ts';
import { htmlOf } from './report/html.ts';
import type { RowProfile } from './report/profile.ts';
import {
  describeMachine,
  Gathered,
  type Missing,
  type Report,
  type ThrownOut,
  textOf,
} from './report/result.ts';
import type { Figures, Suite, SuiteOptions, SuiteRun } from './suite.ts';

/** A new suite is one row: its name, when it runs unasked, and where its runner is. */
const suites: Readonly<Record<string, Suite>> = {
  brokers: {
    about: 'start-up, memory, produce, consume and latency, ours alone or beside others',
    unasked: ['alone', 'beside', 'quick'],
    load: async () => (await import('./load/brokers.ts')).runBrokers,
  },
  groups: {
    about: 'a group of 500 members over 1,000 partitions settles, in both protocols',
    unasked: ['beside'],
    load: async () => (await import('./load/groups.ts')).runGroups,
  },
  restart: {
    about:
      'kill -9 and an orderly stop with 2 GB in 100 partitions: how long until it serves again',
    unasked: ['alone', 'beside', 'quick'],
    load: async () => (await import('./load/restart.ts')).runRestart,
  },
  slopes: {
    about: 'what a record costs ours as partitions, connections and stored data grow',
    unasked: ['beside', 'quick'],
    load: async () => (await import('./load/slopes.ts')).runSlopes,
  },
  others: {
    about: 'NATS JetStream and Redis Streams (--peers nats,redis) with their own clients',
    unasked: ['beside', 'quick'],
    load: async () => (await import('./load/others.ts')).runOthers,
  },
  compaction: {
    about: 'a log of ten million keys is compacted beside a steady producer',
    unasked: ['beside'],
    load: async () => (await import('./load/compaction.ts')).runCompaction,
  },
  tools: {
    about: 'replay, export and import beside kcat, the console tools of Kafka and a bare socket',
    unasked: [],
    load: async () => (await import('./tools/run.ts')).runTools,
  },
  testing: {
    about: 'importing tidemark/testing, and starting a broker in the test process',
    unasked: ['alone', 'beside', 'quick'],
    load: async () => (await import('./load/testing-start.ts')).runTestingStart,
  },
  client: {
    about:
      'our client beside kafkajs, @platformatic/kafka, kcat and a bare socket, and the log in process',
    unasked: [],
    load: async () => (await import('./client/run.ts')).runClient,
  },
  micro: {
    about: 'micro-benchmarks',
    unasked: ['quick'],
    load: async () => (await import('./micro/run.ts')).runMicro,
  },
};

function signsOf(unasked: Suite['unasked']): string {
  return (unasked.includes('alone') ? '*' : ' ') + (unasked.includes('beside') ? '+' : ' ');
}

const usage = `npm run bench -- [suites] [options]

Suites; when none is named, those with a star run, and beside peers those with a plus:
${Object.entries(suites)
  .map(([name, { about, unasked }]) => `  ${name.padEnd(11)} ${signsOf(unasked)} ${about}`)
  .join('\n')}

Results:
  compare A B   what got worse from result A to result B beyond noise; exit code 1 when something did
  readme FILE…  puts the tables of one result, or of several suites' results, into README.md
  html FILE     writes the report of a result again, beside it

Options:
  --quick          a tenth of the work or less, one round: that it works, not how fast it is
  --peers LIST     systems beside ours, with commas: kafka (and with it kafka-sync, which has flush.messages=1),
                   kafka-sync, klite, nats, redis
  --klite PATH     klite's binary
  --rounds N       how often each row is measured
  --only TEXT      only rows whose name holds the text; given several times, one of the texts
  --profile        profiles all rows of the brokers afterwards, not only those with goals that are not reached
  --foreign CORES  throw a measurement out when others kept more cores busy; default 0.35
  --out FILE       where the JSON goes; default bench/results/<date>.json, with --quick a temporary folder
`;

interface CommandLine {
  readonly help: boolean;
  /** Suites, or a command on results with its arguments. */
  readonly names: readonly string[];
  readonly options: SuiteOptions;
  readonly out: string | undefined;
}

function commandLine(): CommandLine {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'string', default: '' },
      klite: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      profile: { type: 'boolean', default: false },
      foreign: { type: 'string', default: '0.35' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const peers = values.peers.split(',').filter((name) => name !== '');
  const way = values.quick ? 'quick' : peers.length > 0 ? 'beside' : 'alone';
  const named = Object.keys(suites).filter((name) => suites[name]?.unasked.includes(way));
  return {
    help: values.help,
    names: positionals.length > 0 ? positionals : named,
    options: {
      quick: values.quick,
      peers,
      binaries: { klite: values.klite },
      rounds: values.rounds === undefined ? undefined : Number(values.rounds),
      only: values.only,
      profile: values.profile,
      foreignCoresMax: Number(values.foreign),
    },
    out: values.out,
  };
}

/** What the suites hand over, told as it comes. */
class Recording implements SuiteRun {
  readonly options: SuiteOptions;
  readonly gathered = new Gathered();
  readonly rows: Record<string, string> = {};
  readonly absent: Missing[] = [];
  readonly disturbed: ThrownOut[] = [];

  constructor(options: SuiteOptions) {
    this.options = options;
  }

  add(system: string, row: string, figures: Figures, latencies?: Histogram): void {
    this.gathered.add(system, row, figures, latencies);
    const few = Object.entries(figures).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    this.say(`${system}: ${row}: ${few.join(', ')}`);
  }

  describe(row: string, how: string): void {
    this.rows[row] = how;
  }

  missing(what: string, why: string): void {
    if (this.absent.some((one) => one.what === what)) return;
    this.absent.push({ what, why });
    this.say(`missing: ${what}: ${why}`);
  }

  thrownOut(system: string, row: string, foreignCores: number): void {
    this.disturbed.push({ system, row, foreignCores });
    this.say(`thrown out: ${system}: ${row}: others kept ${foreignCores.toFixed(2)} cores busy`);
  }

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  report(): Report {
    return {
      format: 2,
      date: new Date().toISOString(),
      quick: this.options.quick,
      command: commandText(process.argv.slice(2)),
      machine: describeMachine(),
      rows: this.rows,
      missing: this.absent,
      thrownOut: this.disturbed,
      foreignCoresMax: this.options.foreignCoresMax,
      results: this.gathered.results(),
    };
  }
}

/** Writes the result and its report. */
function keep(report: Report, out: string | undefined): void {
  const name = `${report.date.slice(0, 19).replaceAll(':', '-')}.json`;
  const folder = report.quick
    ? join(tmpdir(), 'tidemark-bench')
    : join(projectRoot(), 'bench/results');
  const file = out ?? join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report)}\n`);
  writeFileSync(htmlFileOf(file), htmlOf(report));
  // A quick run shows that everything works, comparing among it: nothing is worse than itself.
  if (report.quick) process.stdout.write(comparisonText(compare(report, readReport(file))));
  process.stdout.write(`${textOf(report)}written to ${file} and ${htmlFileOf(file)}\n`);
}

/** Writes what a run has measured so far; null while there is none, and when the whole result was written. */
let keepUnfinished: (() => void) | null = null;

async function main(): Promise<void> {
  const asked = commandLine();
  if (asked.help) {
    process.stdout.write(usage);
    return;
  }
  const [command = '', ...files] = asked.names;
  const onResults = reportCommands[command];
  if (onResults !== undefined) {
    process.exitCode = onResults(files);
    return;
  }
  const unknown = asked.names.find((name) => suites[name] === undefined);
  if (unknown !== undefined) {
    process.stderr.write(`no suite ${unknown}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  const recording = new Recording(asked.options);
  keepUnfinished = () => {
    const report = { ...recording.report(), interrupted: true } as const;
    if (report.results.length > 0) keep(report, asked.out);
  };
  const failed = await runSuites(asked.names, recording);
  const profiles = await profilesFor(recording);
  const report = {
    ...recording.report(),
    ...(failed && { interrupted: true as const }),
    profiles,
  };
  keepUnfinished = null;
  if (report.results.length > 0) keep(report, asked.out);
  if (failed) process.exitCode = 2;
}

/** One after the other; what goes wrong in one does not cost the others. Answers whether something did. */
async function runSuites(names: readonly string[], recording: Recording): Promise<boolean> {
  let failed = false;
  for (const name of names) {
    try {
      const runner = await suites[name]?.load();
      await runner?.(recording);
    } catch (error) {
      failed = true;
      process.stderr.write(`${textOfError(error)}\n`);
      recording.missing(`the rest of the suite ${name}`, String(error));
    }
  }
  return failed;
}

const textOfError = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Why rows are as fast as they are: of those with goals that are not reached, or of all when asked. */
async function profilesFor(recording: Recording): Promise<RowProfile[]> {
  const { profile, quick } = recording.options;
  const report = recording.report();
  const ours = report.results.filter((one) => one.system === 'tidemark').map((one) => one.row);
  const missed = judge(report).flatMap(({ goal, reached }) => (reached ? [] : [goal.row]));
  // A quick run reaches few goals, and shows nothing by that.
  const wanted = profile ? ours : quick ? [] : missed;
  if (wanted.length === 0) return [];
  const { profileRows } = await import('./load/profiling.ts');
  return profileRows(recording, new Set(wanted));
}

/** What was measured before a run was ended or went wrong. */
function keepMeasured(): void {
  keepUnfinished?.();
}

// Ended from outside, what was measured is kept, and the brokers that were started end too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    keepMeasured();
    process.exit(130);
  });
}
try {
  await main();
} catch (error) {
  process.stderr.write(`${textOfError(error)}\n`);
  process.exitCode = 2;
  keepMeasured();
}
// Whatever a suite that failed has left open must not keep this process, and by it brokers and their data.
process.exit();
