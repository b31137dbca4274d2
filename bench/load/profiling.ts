// Where our broker's time goes in a row, found out after the measurement on brokers of their own, so that it costs the
// figures nothing: one with V8's profiler, whose profile is cut to the row's second run, and one under strace. A start
// is profiled once, and only by V8.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  exitOf,
  installLibrdkafka,
  ourSystems,
  type PeerBroker,
  removeFolder,
  type System,
  spawnOwned,
  temporaryFolder,
  waitUntil,
} from '../peers/index.ts';
import { goals } from '../report/goals.ts';
import {
  hotFunctions,
  profilesIn,
  type RowProfile,
  type Stretch,
  type SystemCall,
  systemCallsOf,
} from '../report/profile.ts';
import type { SuiteRun } from '../suite.ts';
import { acknowledgedRecord, createTopic, RawClient } from './raw-client.ts';
import { keptTopic, makeKeptTopic, measureRow, type RowRun } from './row-run.ts';
import { type Row, rows } from './rows.ts';
import { START_UP } from './start-up.ts';

/** The setting that goals are about where they name none. */
const FIRST = 'tidemark';
const ATTACH_TIMEOUT_MS = 10_000;

/**
 * Profiles the start and the rows of the suite `brokers` on those of our settings on which they are wanted; others are
 * left out.
 */
export async function profileRows(
  run: SuiteRun,
  isWanted: (row: string, system: string) => boolean,
): Promise<RowProfile[]> {
  const profiles: RowProfile[] = [];
  if (isWanted(START_UP, FIRST)) profiles.push(...(await profileStart(run)));
  for (const { name } of ourSystems()) {
    const own = rows.filter((row) => systemsOf(row).has(name) && isWanted(row.name, name));
    if (own.length > 0) profiles.push(...(await profileOn(run, name, own)));
  }
  return profiles;
}

/** Our settings that the goals of a row are about. */
function systemsOf(row: Row): ReadonlySet<string> {
  const ours = goals.filter((goal) => goal.row === row.name).map((goal) => goal.ours ?? FIRST);
  return new Set(ours.length === 0 ? [FIRST] : ours);
}

/** Measured is measured: a profile that cannot be had is named as missing, as anything else. */
function named<T>(run: SuiteRun, what: string, work: Promise<T>): Promise<T | undefined> {
  return work.catch((error) => {
    run.missing(what, String(error));
    return undefined;
  });
}

/** A start in an empty directory until the first acknowledged record, as the row of that name has it. */
async function profileStart(run: SuiteRun): Promise<RowProfile[]> {
  const directory = temporaryFolder('bench-profile-');
  try {
    run.say(`${FIRST}: profile of ${START_UP}`);
    const toUs = await named(run, `profile of ${FIRST} (V8): ${START_UP}`, startedUntil(directory));
    if (toUs === undefined) return [];
    const functions = hotFunctions(profilesIn(directory), { fromUs: 0, toUs });
    return [{ row: START_UP, system: FIRST, functions, calls: [] }];
  } finally {
    removeFolder(directory);
  }
}

/** Answers when the first record was acknowledged; the profile is written when the broker has stopped. */
async function startedUntil(directory: string): Promise<number> {
  const broker = await ourSystem(FIRST, profilerArguments(directory)).start();
  try {
    const client = await RawClient.connect(broker.port);
    try {
      await createTopic(client, 'first', 1);
      await acknowledgedRecord(client, 'first');
      return nowUs();
    } finally {
      client.close();
    }
  } finally {
    await broker.stop();
  }
}

async function profileOn(
  run: SuiteRun,
  system: string,
  wanted: readonly Row[],
): Promise<RowProfile[]> {
  const directory = temporaryFolder('bench-profile-');
  try {
    const work: Work = { run, system, wanted };
    const stretches = new Map<Row, Stretch>();
    await named(run, `profiles of ${system} (V8)`, underProfiler(work, directory, stretches));
    const calls = new Map<Row, SystemCall[]>();
    const file = join(directory, 'calls');
    await named(run, `system calls of ${system} (strace)`, underStrace(work, file, calls));
    const profiles = profilesIn(directory);
    return wanted.map((row) => ({
      row: row.name,
      system,
      functions: stretches.has(row) ? hotFunctions(profiles, stretches.get(row)) : [],
      calls: calls.get(row) ?? [],
    }));
  } finally {
    removeFolder(directory);
  }
}

/** Rows of one of our settings. */
interface Work {
  readonly run: SuiteRun;
  readonly system: string;
  readonly wanted: readonly Row[];
}

const profilerArguments = (directory: string): string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${directory}`,
];

/** Notes when the second run of each row was: in the first, V8 compiles. */
async function underProfiler(
  work: Work,
  directory: string,
  stretches: Map<Row, Stretch>,
): Promise<void> {
  await onBroker(work, profilerArguments(directory), async (where) => {
    for (const row of work.wanted) {
      work.run.say(`${work.system}: profile of ${row.name}`);
      await measureRow(where, row, `warm-${rows.indexOf(row)}`);
      const fromUs = nowUs();
      await measureRow(where, row, `row-${rows.indexOf(row)}`);
      stretches.set(row, { fromUs, toUs: nowUs() });
    }
  });
}

/** `CLOCK_MONOTONIC`, as V8's profiles count. */
const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

async function underStrace(work: Work, file: string, calls: Map<Row, SystemCall[]>): Promise<void> {
  await onBroker(work, [], async (where) => {
    for (const row of work.wanted) {
      work.run.say(`${work.system}: system calls of ${row.name}`);
      const summary = await straced(where.broker, file, () =>
        measureRow(where, row, `row-${rows.indexOf(row)}`),
      );
      calls.set(row, systemCallsOf(summary));
    }
  });
}

/** What `strace -c` says of the broker's system calls while `work` is done. Rejects where strace is missing. */
async function straced(
  broker: PeerBroker,
  file: string,
  work: () => Promise<unknown>,
): Promise<string> {
  const tracer = spawnOwned('strace', ['-c', '-f', '-o', file, '-p', String(broker.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  tracer.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = exitOf(tracer);
  await waitUntil(() => said.includes('attached'), {
    timeoutMs: ATTACH_TIMEOUT_MS,
    what: 'strace',
    failed: () => (tracer.pid === undefined || tracer.exitCode !== null ? `ended: ${said}` : ''),
  });
  try {
    await work();
  } finally {
    tracer.kill('SIGINT');
    await ended;
  }
  return readFileSync(file, 'utf8');
}

function ourSystem(name: string, nodeArguments: readonly string[]): System {
  const system = ourSystems(nodeArguments).find((one) => one.name === name);
  if (system === undefined) throw new Error(`${name} is none of ours`);
  return system;
}

/** Ours, started afresh, with what the rows are to read. */
async function onBroker(
  { run, system, wanted }: Work,
  nodeArguments: readonly string[],
  work: (where: RowRun) => Promise<void>,
): Promise<void> {
  const tools = await installLibrdkafka();
  const broker = await ourSystem(system, nodeArguments).start();
  try {
    const where = { tools, broker, quick: run.options.quick };
    const done = new Set<string>();
    for (const row of wanted) {
      const topic = keptTopic(row);
      if (topic === undefined || done.has(topic)) continue;
      done.add(topic);
      await makeKeptTopic(where, row, (line) => run.say(line));
    }
    await work(where);
  } finally {
    await broker.stop();
  }
}
