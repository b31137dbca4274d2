// Our client beside kafkajs, @platformatic/kafka and kcat, each on ours and on the peers' brokers; and the log in
// process beside them. The figures: records a second, and seconds of the client's processor for a million records.

import { join } from 'node:path';
import { textOfError } from '../../src/base/errors.ts';
import { connect } from '../../src/index.ts';
import { inTurn, prepareMachine } from '../load/prepare.ts';
import { orMissing } from '../load/quietly.ts';
import { systemsFor } from '../load/systems.ts';
import {
  findProgram,
  installCommand,
  machineUsage,
  type PeerBroker,
  projectRoot,
  removeFolder,
  runChild,
  temporaryFolder,
} from '../peers/index.ts';
import { type Subject, type SuiteRun, TIDEMARK, wants } from '../suite.ts';
import { platformaticPath } from './clients.ts';
import type { Measured, Task } from './worker.ts';

type Work = Task['work'];

const WORKER = join(projectRoot(), 'dist/bench/client/worker.js');
const SIZES = [100, 1024] as const;
const COUNTS: Readonly<Record<Work, number>> = {
  'single sends': 2_000,
  batches: 200_000,
  consume: 400_000,
};
const QUICK = 0.05;
const TIMEOUT_MS = 300_000;
const NODE_CLIENTS = ['tidemark', 'kafkajs', 'platformatic', 'raw socket'] as const;
const KCAT = 'kcat';

interface Row {
  readonly work: Work;
  readonly valueBytes: number;
  readonly count: number;
}

export interface NamedRow {
  readonly name: string;
  readonly row: Row;
}

export function rowsOf({ options }: SuiteRun): NamedRow[] {
  const works = Object.entries(COUNTS) as [Work, number][];
  const sizes = options.quick ? SIZES.slice(0, 1) : SIZES;
  const all = works.flatMap(([work, full]) =>
    sizes.map((valueBytes) => {
      const share = work !== 'single sends' && valueBytes > 500 ? 0.5 : 1;
      const count = Math.ceil(full * (options.quick ? QUICK : 1) * share);
      return { name: `${work}, ${valueBytes} B`, row: { work, valueBytes, count } };
    }),
  );
  return all.filter(({ name }) => wants(options, name));
}

/** `npm run bench -- client`. */
export async function runClient(run: SuiteRun): Promise<void> {
  const rounds = run.options.rounds ?? (run.options.quick ? 1 : 5);
  const rows = rowsOf(run);
  if (rows.length === 0) return;
  const nodeClients = availableClients(run);
  for (const { name, row } of rows) {
    run.describe(name, `${row.count} records of ${row.valueBytes} B, one partition, acks=all`);
  }
  for (const system of await systemsFor(run)) {
    // Clients are compared, not what acknowledging means.
    if (system.variantOf !== undefined) continue;
    const broker = await orMissing(run, system, 'its start', () => system.start());
    if (broker === undefined) continue;
    try {
      for (const { name, row } of rows) {
        const able = new Set([...nodeClients, KCAT]);
        for (let round = 0; round < rounds; round++) {
          await onBroker(run, `on ${system.name}`, { name, row, broker, round, able });
        }
      }
    } finally {
      await broker.stop();
    }
  }
  for (const { name, row } of rows) {
    for (let round = 0; round < rounds; round++) await inProcess(run, name, row);
  }
}

interface OnBroker {
  readonly name: string;
  readonly row: Row;
  readonly broker: PeerBroker;
  readonly round: number;
  /** Clients that have not failed in the row: rounds stay side by side. */
  readonly able: Set<string>;
}

function availableClients(run: SuiteRun): readonly string[] {
  if (platformaticPath() !== null) return NODE_CLIENTS;
  run.missing('platformatic', 'npm ci --ignore-scripts --prefix test/interop/clients');
  return NODE_CLIENTS.filter((one) => one !== 'platformatic');
}

/** `which` tells the topics of one row apart. */
export const topicFor = ({ work: done, valueBytes }: Row, which: string): string =>
  `${done}-${valueBytes}-${which}`.replaceAll(' ', '-');

async function onBroker(run: SuiteRun, on: string, what: OnBroker): Promise<void> {
  const { name, row, broker, round, able } = what;
  const reads = row.work === 'consume';
  const topic = topicFor(row, reads ? 'filled' : String(round));
  const client = await connect(broker.bootstrap);
  try {
    if (reads && round === 0) await fillFor(client, topic, row);
    // Another first in each round: the broker is warmer for those behind.
    const nodeClients = [...able].filter((one) => one !== KCAT);
    for (const one of inTurn(nodeClients, round)) {
      // Each writes into a topic of its own; all read the same.
      const mine = reads ? topic : `${topic}-${one.replaceAll(' ', '-')}`;
      if (!reads) await client.admin().createTopic({ name: mine, partitions: 1 });
      const task: Task = { client: one, at: broker.bootstrap, topic: mine, ...row };
      if (!(await measured(run, `${one} ${on}`, name, task))) able.delete(one);
    }
    if (row.work === 'single sends' || !able.has(KCAT)) return;
    if (!(await measureKcat(run, `${KCAT} ${on}`, what, topic))) able.delete(KCAT);
  } finally {
    await client.close();
  }
}

export async function fillFor(
  client: Awaited<ReturnType<typeof connect>>,
  topic: string,
  { count, valueBytes }: Row,
): Promise<void> {
  await client.admin().createTopic({ name: topic, partitions: 1 });
  const producer = client.producer({ key: 'buffer', value: 'buffer' });
  const value = Buffer.alloc(valueBytes, 'tidemark ');
  for (let left = count; left > 0; left -= 10_000) {
    const length = Math.min(left, 10_000);
    await producer.sendMany(
      Array.from({ length }, () => ({ topic, partition: 0, key: null, value })),
    );
  }
  await producer.close();
}

async function inProcess(run: SuiteRun, name: string, row: Row): Promise<void> {
  const directory = temporaryFolder('bench-client-');
  try {
    for (const kind of ['in process, memory', 'in process, durable']) {
      await measured(run, kind, name, { client: kind, at: directory, topic: 'bench', ...row });
    }
  } finally {
    removeFolder(directory);
  }
}

/** Does the task in a process of its own. */
export async function doTask(task: Task, nodeArguments: readonly string[] = []): Promise<Measured> {
  const args = [...nodeArguments, WORKER, JSON.stringify(task)];
  const { output } = await runChild(process.execPath, args, { timeoutMs: TIMEOUT_MS });
  return JSON.parse(output);
}

/** What ours does not do ends the suite, as that of our brokers; another client is named as missing. */
const isOurClient = (client: string): boolean =>
  client === TIDEMARK.name || client.startsWith('in process');

/** Answers whether the client did it. */
export async function measured(
  run: SuiteRun,
  system: string,
  name: string,
  task: Task,
): Promise<boolean> {
  try {
    await prepareMachine(run);
    const subject = { name: system, ours: isOurClient(task.client) };
    hand(run, subject, name, { ...(await doTask(task)), count: task.count });
    return true;
  } catch (error) {
    if (isOurClient(task.client)) throw error;
    run.missing(`${name} by ${system}`, textOfError(error));
    return false;
  }
}

function hand(
  run: SuiteRun,
  subject: Subject,
  name: string,
  { seconds, cpuSeconds, count }: Omit<Measured, 'stretch'> & { readonly count: number },
): void {
  run.add(subject, name, {
    recordsPerSecond: count / seconds,
    cpuSecondsPerMillion: (cpuSeconds / count) * 1e6,
  });
}

/** librdkafka by its command; its start is in the figures. */
async function measureKcat(
  run: SuiteRun,
  system: string,
  { name, row, broker }: OnBroker,
  topic: string,
): Promise<boolean> {
  const { count, valueBytes, work } = row;
  const common = ['-b', broker.bootstrap, '-q', '-p', '0'];
  const line = Buffer.from(`${'t'.repeat(valueBytes)}\n`.repeat(1_000));
  const args =
    work === 'consume'
      ? ['-C', ...common, '-t', topic, '-o', 'beginning', '-c', String(count), '-f', '%o\\n']
      : ['-P', ...common, '-t', `${topic}-kcat`, '-X', 'acks=all', '-X', 'linger.ms=5'];
  const input =
    work === 'consume' ? [] : Array.from({ length: Math.ceil(count / 1_000) }, () => line);
  await prepareMachine(run);
  const began = { at: performance.now(), cpu: machineUsage().childrenSeconds };
  try {
    await runChild(KCAT, args, { input, onOutput: () => {}, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    const next = findProgram(KCAT) === undefined ? `; next: ${installCommand(KCAT)}` : '';
    run.missing(`${name} by ${KCAT}`, textOfError(error) + next);
    return false;
  }
  const seconds = (performance.now() - began.at) / 1e3;
  const cpuSeconds = machineUsage().childrenSeconds - began.cpu;
  hand(run, { name: system, ours: false }, name, { seconds, cpuSeconds, count });
  return true;
}
