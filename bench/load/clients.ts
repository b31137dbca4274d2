// The clients of the broker benchmarks: librdkafka's rdkafka_performance and load.c, and Kafka's Java tools. Each run
// is a child process, and each answer is checked to be complete.

import { type Librdkafka, type PeerBroker, runChild, runJava } from '../peers/index.ts';
import { type Histogram, quantile } from '../report/histogram.ts';
import type { Figures } from '../suite.ts';

const TIMEOUT_MS = 300_000;
/** librdkafka's own default; rows that say another have it. */
export const LINGER_MS = '5';

/** Client properties by librdkafka's names. */
export type ClientSettings = Readonly<Record<string, string>>;

export interface Bulk {
  readonly topic: string;
  readonly records: number;
  readonly recordBytes: number;
}

const ratesOf = (records: number, seconds: number, recordBytes: number): Figures => ({
  recordsPerSecond: records / seconds,
  mbPerSecond: (records * recordBytes) / seconds / 1e6,
});

/** The last progress line of rdkafka_performance: records, and milliseconds from the first to the last. */
export function performanceLine(output: string): { readonly records: number; readonly ms: number } {
  const line = /(\d+) messages (?:produced )?\(\d+ bytes\)[^\n]*? in (\d+)ms/g;
  const last = [...output.matchAll(line)].at(-1);
  if (last === undefined) throw new Error(`rdkafka_performance said ${output}`);
  return { records: Number(last[1]), ms: Number(last[2]) };
}

async function performance(
  tools: Librdkafka,
  args: readonly string[],
  { records, recordBytes }: Bulk,
): Promise<Figures> {
  const { output } = await runChild(tools.performance, args, { timeoutMs: TIMEOUT_MS });
  const said = performanceLine(output);
  if (said.records < records) throw new Error(`${said.records} of ${records}: ${output}`);
  const movingSeconds = said.ms / 1e3;
  return { ...ratesOf(said.records, movingSeconds, recordBytes), movingSeconds };
}

/** `rdkafka_performance -P` with acks=all. */
export function produceBulk(
  tools: Librdkafka,
  broker: PeerBroker,
  bulk: Bulk,
  settings: ClientSettings,
): Promise<Figures> {
  const args = ['-P', '-t', bulk.topic, '-s', String(bulk.recordBytes), '-c', String(bulk.records)];
  args.push('-b', broker.bootstrap, '-a', '-1', '-q');
  for (const [name, value] of Object.entries({ 'linger.ms': LINGER_MS, ...settings })) {
    args.push('-X', `${name}=${value}`);
  }
  return performance(tools, args, bulk);
}

/**
 * `rdkafka_performance -C`: all partitions from their start, without a group; as often as `passes` says (once), one
 * after the other, the rate that of all records in the seconds in which they moved.
 */
export async function consumeBulk(
  tools: Librdkafka,
  broker: PeerBroker,
  bulk: Bulk,
  { partitions, passes = 1 }: { readonly partitions: number; readonly passes?: number },
): Promise<Figures> {
  const args = ['-C', '-t', bulk.topic, '-o', 'beginning', '-c', String(bulk.records)];
  for (let partition = 0; partition < partitions; partition += 1) args.push('-p', `${partition}`);
  args.push('-b', broker.bootstrap, '-q');
  let movingSeconds = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    movingSeconds += (await performance(tools, args, bulk))['movingSeconds'] ?? Number.NaN;
  }
  return { ...ratesOf(bulk.records * passes, movingSeconds, bulk.recordBytes), movingSeconds };
}

export interface Measured {
  readonly figures: Figures;
  readonly latencies: Histogram;
}

export interface PacedLoad {
  readonly topic: string;
  readonly partitions: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly recordBytes: number;
  /** Until the record was consumed, or until it was acknowledged. */
  readonly until: 'e2e' | 'ack';
}

function latencyFigures(latencies: Histogram): Figures {
  return {
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    p999Ms: quantile(latencies, 0.999),
    maxMs: quantile(latencies, 1),
  };
}

interface LoadAnswer {
  readonly histogram: readonly (readonly [number, number])[];
  readonly failed: number;
  readonly seconds: number;
  readonly [name: string]: unknown;
}

async function runLoad(tools: Librdkafka, args: readonly string[]): Promise<LoadAnswer> {
  const { output } = await runChild(tools.load, args, { timeoutMs: TIMEOUT_MS });
  const answer: LoadAnswer = JSON.parse(output);
  if (answer.failed > 0) throw new Error(`${answer.failed} records failed`);
  return answer;
}

const inMs = (answer: LoadAnswer): Histogram =>
  answer.histogram.map(([us, count]) => [us / 1e3, count]);

function propertiesOf(settings: ClientSettings): string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${value}`);
}

/** `load latency`: open-loop, every latency counted from when its record was due. */
export async function pacedLoad(
  tools: Librdkafka,
  broker: PeerBroker,
  load: PacedLoad,
  settings: ClientSettings,
): Promise<Measured> {
  const numbers = [load.partitions, load.perSecond, load.seconds, load.warmUpSeconds];
  const args = ['latency', broker.bootstrap, load.topic, ...numbers.map(String)];
  args.push(String(load.recordBytes), load.until, ...propertiesOf({ acks: 'all', ...settings }));
  const answer = await runLoad(tools, args);
  const arrived = Number(load.until === 'e2e' ? answer['consumed'] : answer['acked']);
  if (arrived < Number(answer['sent'])) {
    throw new Error(`${arrived} of ${answer['sent']} records arrived in time`);
  }
  const latencies = inMs(answer);
  return { latencies, figures: { ...latencyFigures(latencies), sent: Number(answer['sent']) } };
}

/** `load requests`: one record per request, one request at a time on each connection. */
export async function requestLoad(
  tools: Librdkafka,
  broker: PeerBroker,
  load: Omit<PacedLoad, 'perSecond' | 'until'> & { readonly connections: number },
): Promise<Measured> {
  const numbers = [load.partitions, load.connections, load.seconds, load.warmUpSeconds];
  const args = ['requests', broker.bootstrap, load.topic, ...numbers.map(String)];
  args.push(String(load.recordBytes), 'acks=all');
  const answer = await runLoad(tools, args);
  const latencies = inMs(answer);
  const requests = Number(answer['requests']);
  const rates = { requestsPerSecond: requests / answer.seconds, requests };
  return { latencies, figures: { ...rates, ...latencyFigures(latencies) } };
}

const producerLine = new RegExp(
  String.raw`(\d+) records sent, ([\d.]+) records\/sec.*?([\d.]+) ms avg latency, ([\d.]+) ms max latency, ` +
    String.raw`(\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th`,
  'g',
);

/** Kafka's ProducerPerformance with acks=all. `perSecond` undefined: as many as go. */
export async function produceJava(
  broker: PeerBroker,
  { topic, records, recordBytes }: Bulk,
  perSecond?: number,
): Promise<Figures> {
  const args = ['--bootstrap-server', broker.bootstrap, '--topic', topic];
  args.push('--num-records', String(records), '--record-size', String(recordBytes));
  args.push('--throughput', String(perSecond ?? -1), '--command-property', 'acks=all');
  // A paced run tells the broker's latency: its first quarter, in which Java compiles itself, is left out.
  if (perSecond !== undefined) args.push('--warmup-records', String(Math.floor(records / 4)));
  const { output } = await runJava('org.apache.kafka.tools.ProducerPerformance', args, {
    timeoutMs: TIMEOUT_MS,
  });
  const lines = [...output.matchAll(producerLine)];
  const last = lines.at(-1);
  const total = lines.some((line) => Number(line[1]) === records);
  if (last === undefined || !total) throw new Error(`ProducerPerformance said ${output}`);
  return {
    ...ratesOf(Number(last[2]), 1, recordBytes),
    p50Ms: Number(last[5]),
    p99Ms: Number(last[7]),
    p999Ms: Number(last[8]),
  };
}

/** Kafka's ConsumerPerformance from the start; the rate is without the group's joining. */
export async function consumeJava(
  broker: PeerBroker,
  { topic, records, recordBytes }: Bulk,
): Promise<Figures> {
  const args = ['--bootstrap-server', broker.bootstrap, '--topic', topic];
  args.push('--num-records', String(records), '--timeout', '60000', '--hide-header');
  const { output } = await runJava('org.apache.kafka.tools.ConsumerPerformance', args, {
    timeoutMs: TIMEOUT_MS,
  });
  // start, end, MiB, MiB/s, records, records/s, rebalance ms, fetch ms, fetch MiB/s, fetch records/s
  const fields = output.trim().split('\n').at(-1)?.split(',') ?? [];
  if (!(Number(fields[4]) >= records)) throw new Error(`ConsumerPerformance said ${output}`);
  return ratesOf(Number(fields[9]), 1, recordBytes);
}
