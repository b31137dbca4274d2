// The suite `tools`: replay, export and import of one topic, beside the same done with kcat and Kafka's console tools,
// all against our broker. CPU is that of the tools and of the broker apart, and on a busy machine the steadier figure.

import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepareMachine } from '../load/prepare.ts';
import { measureQuietly } from '../load/quietly.ts';
import { createTopic, deleteTopic, RawClient } from '../load/raw-client.ts';
import { foreignSeconds } from '../load/watch.ts';
import {
  findKafkaLibs,
  findProgram,
  installCommand,
  machineUsage,
  type PeerBroker,
  removeFolder,
  spawnOwned,
  startBroker,
  temporaryFolder,
  usageOf,
} from '../peers/index.ts';
import { type Figures, type Subject, type SuiteRun, TIDEMARK, wants } from '../suite.ts';
import { exporterFor, type Job, type JobPlace, jobs, longJobs } from './jobs.ts';
import { fillTopic, PARTITIONS, sourceTopics, type TopicName, type Written } from './topics.ts';

const WATCH_MS = 50;
const BYTES = 1_200_000_000;
const QUICK_BYTES = 30_000_000;
const LONG_BYTES = 10_000_000_000;

/** Rows over 10 GB are measured alone, and only when they are named. */
export async function runTools(run: SuiteRun): Promise<void> {
  const { quick, only } = run.options;
  const isLong = only.some((text) => text.startsWith('10 GB')) && !quick;
  const all = isLong ? longJobs : jobs;
  const wanted = all.filter((job) => wants(run.options, job.row) && isThere(job, run));
  if (wanted.length === 0) return;
  const bytes = isLong ? LONG_BYTES : quick ? QUICK_BYTES : BYTES;
  await runJobs(run, wanted, { bytes, rounds: run.options.rounds ?? (quick || isLong ? 1 : 3) });
}

/** Runs every job in each round, so that a change of the machine's mood meets all. */
async function runJobs(
  run: SuiteRun,
  wanted: readonly Job[],
  { bytes, rounds }: { readonly bytes: number; readonly rounds: number },
): Promise<void> {
  const directory = temporaryFolder('bench-tools-');
  const broker = await startBroker({ kind: 'tidemark' });
  const client = await RawClient.connect(broker.port);
  try {
    const written = new Map<TopicName, Written>();
    for (const of of new Set(wanted.map((one) => one.of))) {
      written.set(of, await fillTopic(broker.port, sourceTopics[of], bytes));
    }
    for (const { row, of } of wanted) {
      run.describe(row, `${bytes / 1e6} MB of ${sourceTopics[of].about}, ${PARTITIONS} partitions`);
    }
    const failed = new Set<Job>();
    for (let round = 0; round < rounds; round++) {
      for (const job of wanted.filter((one) => !failed.has(one))) {
        const done = await measureQuietly(run, subjectOf(job), job.row, async (attempt) => {
          const { records, bytes: topicBytes } = written.get(job.of) ?? { records: 0, bytes: 0 };
          const at = { directory, round, attempt, bootstrap: broker.bootstrap, records };
          return { figures: await runJob(job, at, { run, bytes: topicBytes, broker, client }) };
        });
        if (!done) failed.add(job);
      }
    }
  } finally {
    client.close();
    await broker.stop();
    removeFolder(directory);
  }
}

const subjectOf = ({ system }: Job): Subject => ({
  name: system,
  ours: system === TIDEMARK.name,
});

interface On {
  readonly run: SuiteRun;
  readonly bytes: number;
  readonly broker: PeerBroker;
  readonly client: RawClient;
}

async function runJob(job: Job, at: Shared, on: On): Promise<Figures> {
  const { run, bytes, broker, client } = on;
  const { round, attempt, bootstrap, records } = at;
  const target = `${job.system}-${job.row}-${round}-${attempt}`.replaceAll(' ', '-');
  const file = await fileFor(job, at);
  const writes = !job.row.includes('export');
  if (writes) await createTopic(client, target, PARTITIONS);
  try {
    await prepareMachine(run, bytes < LONG_BYTES ? bytes : 0);
    const before = { cpu: usageOf(broker.pid).cpuSeconds, machine: machineUsage() };
    const source = sourceTopics[job.of].name;
    const command = job.command({ bootstrap, source, target, file, records });
    const { seconds, ...figures } = await measured(command, bytes);
    const cpu = usageOf(broker.pid).cpuSeconds - before.cpu;
    const foreignCores = foreignSeconds(before.machine, machineUsage(), cpu) / seconds;
    return { ...figures, brokerCpuSecondsPerGb: cpu / (bytes / 1e9), foreignCores };
  } finally {
    if (writes) await deleteTopic(client, target);
    else rmSync(file, { force: true });
  }
}

function isThere(job: Job, run: SuiteRun): boolean {
  const why =
    job.system === 'kafka-console' && findKafkaLibs() === undefined
      ? `Kafka's jars are not there: ${installCommand('kafka')}`
      : job.system.startsWith('kcat') && findProgram('kcat') === undefined
        ? `it is not there: ${installCommand('kcat')}`
        : null;
  if (why !== null) run.missing(`${job.row} with ${job.system}`, why);
  return why === null;
}

interface Shared {
  readonly directory: string;
  readonly round: number;
  readonly attempt: number;
  readonly bootstrap: string;
  readonly records: number;
}

/** An import needs the file that the same system exports. */
async function fileFor(job: Job, at: Shared): Promise<string> {
  const { directory, round, attempt, bootstrap, records } = at;
  const exporter = exporterFor(job);
  if (exporter === undefined) return join(directory, `${job.system}-${round}-${attempt}.out`);
  const name = `${job.system}-${job.of}.in`;
  const file = join(directory, name);
  if (readdirSync(directory).includes(name)) return file;
  const source = sourceTopics[job.of].name;
  const place: JobPlace = { bootstrap, source, target: '', file, records };
  await measured(exporter.command(place), 1);
  return file;
}

async function measured(
  command: string,
  bytes: number,
): Promise<Figures & { readonly seconds: number }> {
  const began = performance.now();
  const child = spawnOwned('bash', ['-c', `TIMEFORMAT='%U %S'; time { ${command}; }`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-4000);
  });
  const resident: number[] = [];
  const watch = setInterval(() => resident.push(residentOf(child.pid ?? 0)), WATCH_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(watch);
  const seconds = (performance.now() - began) / 1000;
  const times = /([\d.]+) ([\d.]+)\s*$/.exec(words);
  if (code !== 0 || times === null) throw new Error(`${command}: exit code ${code}: ${words}`);
  const cpuSeconds = Number(times[1]) + Number(times[2]);
  return {
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    cpuSecondsPerGb: cpuSeconds / (bytes / 1e9),
    residentMb: Math.max(0, ...resident) / 1e6,
    // What grows with the topic is larger at the end than near the beginning.
    residentFirstFifthMb: Math.max(0, ...resident.slice(0, resident.length / 5)) / 1e6,
    residentLastFifthMb: Math.max(0, ...resident.slice(-resident.length / 5)) / 1e6,
  };
}

/** Of a process and all below it. */
function residentOf(pid: number): number {
  let sum = usageOf(pid).residentBytes || 0;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    for (const one of children.split(' ')) if (one !== '') sum += residentOf(Number(one));
  } catch {
    // It is gone.
  }
  return sum;
}
