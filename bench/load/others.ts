// The suite `others`: NATS JetStream and Redis Streams with their own clients, as rows of their own kind. They are no
// Kafka: other clients, other promises, no consumers that come back later; so no row of ours stands beside them.

import { join } from 'node:path';
import { textOfError } from '../../src/base/errors.ts';
import type { OtherServer, OtherSystem } from '../peers/index.ts';
import { installClients, machineUsage, otherSystems, runChild, usageOf } from '../peers/index.ts';
import { type Histogram, quantile } from '../report/histogram.ts';
import { type Figures, type SuiteRun, wants } from '../suite.ts';
import { inTurn, prepareMachine } from './prepare.ts';
import { otherKinds } from './systems.ts';
import { foreignSeconds } from './watch.ts';

const ROUNDS = 3;
const RECORD_BYTES = 1024;
const SECONDS = 4;
const WARM_UP_SECONDS = 1;
/** About what is written in that time. */
const WRITTEN_BYTES = 500_000_000;

/** Percentiles of redis-benchmark are of all it did, and where requests are in flight, of the whole lot of them. */
const CLIENTS =
  'nats.js; redis-benchmark XADD, whose percentiles are of whole pipelines, the first ones too';

interface Row {
  readonly name: string;
  readonly connections: number;
  readonly inFlight: number;
}

export const rows: readonly Row[] = [
  {
    name: 'their own client, 1 KiB, 6 connections, 100 in flight each',
    connections: 6,
    inFlight: 100,
  },
  { name: 'their own client, 1 KiB, 64 connections, one in flight', connections: 64, inFlight: 1 },
];

interface Answer {
  readonly requests: number;
  readonly seconds: number;
  readonly latencies?: Histogram;
  /** Of a client that tells these alone. */
  readonly percentiles?: Figures;
}

/** Measures those of `--peers nats,redis` that can be had. */
export async function runOthers(run: SuiteRun): Promise<void> {
  const wanted = rows.filter((one) => wants(run.options, one.name));
  if (wanted.length === 0) return;
  const systems: OtherSystem[] = [];
  for (const product of run.options.peers.filter((name) => otherKinds.includes(name))) {
    const found = otherSystems(product);
    systems.push(...found.systems);
    for (const { what, why } of found.missing) run.missing(what, why);
  }
  await measureOthers(run, systems, wanted);
}

export async function measureOthers(
  run: SuiteRun,
  systems: readonly OtherSystem[],
  wanted: readonly Row[],
): Promise<void> {
  if (systems.length === 0) return;
  const titles = systems.map(({ title }) => title).join('; ');
  const rounds = run.options.rounds ?? (run.options.quick ? 1 : ROUNDS);
  for (const row of wanted) {
    run.describe(row.name, `${titles}; ${CLIENTS}`);
    // One that fails is not asked again: rounds stay side by side.
    let able = systems;
    for (let round = 0; round < rounds; round += 1) {
      for (const system of inTurn(able, round)) {
        const done = await measure(run, system, row);
        if (!done) able = able.filter((one) => one !== system);
      }
    }
  }
}

/** Answers whether the system did it. */
async function measure(run: SuiteRun, system: OtherSystem, row: Row): Promise<boolean> {
  let server: OtherServer | undefined;
  try {
    await prepareMachine(run, WRITTEN_BYTES);
    server = await system.start();
    const seconds = run.options.quick ? 1 : SECONDS;
    const before = { server: usageOf(server.pid), machine: machineUsage(), at: performance.now() };
    const answer = await (system.product === 'nats'
      ? natsLoad(server, row, seconds)
      : redisLoad(server, row, seconds));
    const wall = (performance.now() - before.at) / 1e3;
    const after = { server: usageOf(server.pid), machine: machineUsage() };
    const cpu = after.server.cpuSeconds - before.server.cpuSeconds;
    const client = after.machine.childrenSeconds - before.machine.childrenSeconds;
    const figures = {
      ...ratesOf(answer),
      brokerCpuSeconds: cpu,
      clientCpuSeconds: client,
      brokerResidentMb: after.server.residentBytes / 1e6,
      foreignCores: foreignSeconds(before.machine, after.machine, cpu) / wall,
    };
    run.add({ name: system.name, ours: false }, row.name, figures, answer.latencies);
    return true;
  } catch (error) {
    run.missing(`${system.name}: ${row.name}`, textOfError(error));
    return false;
  } finally {
    await server?.stop();
  }
}

function ratesOf({ requests, seconds, latencies = [], percentiles }: Answer): Figures {
  const perSecond = requests / seconds;
  const rates = { requestsPerSecond: perSecond, mbPerSecond: (perSecond * RECORD_BYTES) / 1e6 };
  if (percentiles !== undefined) return { ...rates, ...percentiles };
  if (latencies.length === 0) return rates;
  return { ...rates, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
}

async function natsLoad(server: OtherServer, row: Row, seconds: number): Promise<Answer> {
  const folder = await installClients();
  const program = join(import.meta.dirname, '../peers/nats-load.js');
  const numbers = [seconds, WARM_UP_SECONDS, RECORD_BYTES, row.connections, row.inFlight];
  const args = [program, folder, String(server.port), ...numbers.map(String)];
  const { output } = await runChild(process.execPath, args, { timeoutMs: 60_000 });
  const answer: { requests: number; failed: number; histogram: [number, number][] } =
    JSON.parse(output);
  if (answer.failed > 0) throw new Error(`${answer.failed} publishes failed`);
  const latencies = answer.histogram.map(([us, count]) => [us / 1e3, count] as const);
  return { requests: answer.requests, seconds, latencies };
}

/** Requests of a short first run say how many fill the time of the measured one. */
const FIRST_REQUESTS = 5_000;

async function redisLoad(server: OtherServer, row: Row, seconds: number): Promise<Answer> {
  const first = await redisBenchmark(server, row, FIRST_REQUESTS);
  const requests = Math.max(FIRST_REQUESTS, Math.round((first.requests / first.seconds) * seconds));
  return redisBenchmark(server, row, requests);
}

async function redisBenchmark(server: OtherServer, row: Row, requests: number): Promise<Answer> {
  const args = ['-p', String(server.port), '-n', String(requests), '-c', String(row.connections)];
  args.push(
    '-P',
    String(row.inFlight),
    '--csv',
    'XADD',
    'bench',
    '*',
    'v',
    'v'.repeat(RECORD_BYTES),
  );
  const { output } = await runChild('redis-benchmark', args, { timeoutMs: 60_000 });
  const { perSecond, ...percentiles } = redisFigures(output);
  return { requests, seconds: requests / perSecond, percentiles };
}

/** The last line of `redis-benchmark --csv`. */
export function redisFigures(output: string): {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
} {
  // "test","rps","avg_latency_ms","min…","p50…","p95…","p99…","max…": the test's name is the command, in any words
  const line = output.trim().split('\n').at(-1) ?? '';
  const fields = line.split('","').map((field) => field.replaceAll('"', ''));
  const [perSecond = 0, , , p50Ms = 0, , p99Ms = 0] = fields.slice(-7).map(Number);
  if (!(perSecond > 0 && p50Ms >= 0 && p99Ms >= 0)) {
    throw new Error(`redis-benchmark said ${output}`);
  }
  return { perSecond, p50Ms, p99Ms };
}
