// Where our broker's time goes in a row, found out after the measurement on brokers of their own, so that it costs the
// figures nothing: one with V8's profiler, whose profile is cut to the row's second run, and one under strace.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  exitOf,
  installLibrdkafka,
  ourSystems,
  type PeerBroker,
  removeFolder,
  spawnOwned,
  temporaryFolder,
  waitUntil,
} from '../peers/index.ts';
import {
  hotFunctions,
  profilesIn,
  type RowProfile,
  type Stretch,
  type SystemCall,
  systemCallsOf,
} from '../report/profile.ts';
import type { SuiteRun } from '../suite.ts';
import { keptTopic, makeKeptTopic, measureRow, type RowRun } from './row-run.ts';
import { type Row, rows } from './rows.ts';

const ATTACH_TIMEOUT_MS = 10_000;

/** Profiles the rows of the suite `brokers` that have these names; others are left out. */
export async function profileRows(
  run: SuiteRun,
  names: ReadonlySet<string>,
): Promise<RowProfile[]> {
  const wanted = rows.filter((row) => names.has(row.name));
  if (wanted.length === 0) return [];
  const directory = temporaryFolder('bench-profile-');
  try {
    // Measured is measured: a profile that cannot be had is named as missing, as anything else.
    const stretches = new Map<Row, Stretch>();
    await underProfiler(run, wanted, directory, stretches).catch((error) =>
      run.missing('profiles of our broker (V8)', String(error)),
    );
    const calls = new Map<Row, SystemCall[]>();
    await underStrace(run, wanted, join(directory, 'calls'), calls).catch((error) =>
      run.missing('system calls of our broker (strace)', String(error)),
    );
    const profiles = profilesIn(directory);
    return wanted.map((row) => ({
      row: row.name,
      functions: stretches.has(row) ? hotFunctions(profiles, stretches.get(row)) : [],
      calls: calls.get(row) ?? [],
    }));
  } finally {
    removeFolder(directory);
  }
}

/** Notes when the second run of each row was: in the first, V8 compiles. */
async function underProfiler(
  run: SuiteRun,
  wanted: readonly Row[],
  directory: string,
  stretches: Map<Row, Stretch>,
): Promise<void> {
  await onBroker(run, wanted, ['--cpu-prof', `--cpu-prof-dir=${directory}`], async (where) => {
    for (const row of wanted) {
      run.say(`tidemark: profile of ${row.name}`);
      await measureRow(where, row, `warm-${rows.indexOf(row)}`);
      const fromUs = nowUs();
      await measureRow(where, row, `row-${rows.indexOf(row)}`);
      stretches.set(row, { fromUs, toUs: nowUs() });
    }
  });
}

/** `CLOCK_MONOTONIC`, as V8's profiles count. */
const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

async function underStrace(
  run: SuiteRun,
  wanted: readonly Row[],
  file: string,
  calls: Map<Row, SystemCall[]>,
): Promise<void> {
  await onBroker(run, wanted, [], async (where) => {
    for (const row of wanted) {
      run.say(`tidemark: system calls of ${row.name}`);
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

/** Ours, started afresh, with what the rows are to read. */
async function onBroker(
  run: SuiteRun,
  wanted: readonly Row[],
  nodeArguments: readonly string[],
  work: (where: RowRun) => Promise<void>,
): Promise<void> {
  const [system] = ourSystems(nodeArguments);
  if (system === undefined) return;
  const tools = await installLibrdkafka();
  const broker = await system.start();
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
