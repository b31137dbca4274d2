// The suite `slopes`: what one record, request or read costs our broker as partitions, connections and stored data
// grow, so that scale beyond this machine can be reckoned and one sees where a line bends. The load stays the same,
// only the number grows. These are no claims beside others: connections and reads are driven by the bare client here.

import { Fetch } from '../../src/protocol/index.ts';
import { type Librdkafka, ourSystems, type PeerBroker, type System } from '../peers/index.ts';
import type { Histogram } from '../report/histogram.ts';
import { quantile } from '../report/histogram.ts';
import { type Figures, type SuiteRun, wants } from '../suite.ts';
import { pacedLoad } from './clients.ts';
import {
  acknowledgedRecord,
  createTopic,
  differingRecords,
  RawClient,
  recordInEach,
} from './raw-client.ts';
import { findLibrdkafka } from './systems.ts';
import { watch } from './watch.ts';

const TOPIC = 'slope';
const RECORD_BYTES = 1000;
const PER_SECOND = 2_000;
/** One connection does one request at a time: it must be able to keep up with this. */
const REQUESTS_PER_SECOND = 500;
const BATCH_RECORDS = 1_000;

const full = {
  partitions: [1, 10, 100, 1_000, 10_000],
  connections: [1, 10, 100, 1_000, 10_000],
  'megabytes stored': [10, 100, 1_000, 4_000],
  seconds: 5,
  reads: 3_000,
};
const quick: typeof full = {
  partitions: [1, 10, 100],
  connections: [1, 10, 100],
  'megabytes stored': [5, 20],
  seconds: 1,
  reads: 100,
};

interface Point {
  readonly figures: Figures;
  readonly latencies?: Histogram;
}

/** One of the lines: its numbers that are wanted, and what is measured at each. */
interface Slope {
  readonly what: string;
  readonly how: string;
  readonly numbers: readonly number[];
  measure(broker: PeerBroker, number: number): Promise<Point>;
}

const rowOf = (what: string, number: number): string =>
  `slope, ${what}: ${number.toLocaleString('en-US')}`;

const load = (rate: number): string => `${rate} records of ${RECORD_BYTES} B a second, acks=all`;

/** Measures each number on a broker of its own. */
export async function runSlopes(run: SuiteRun): Promise<void> {
  const sizes = run.options.quick ? quick : full;
  const { seconds, reads } = sizes;
  const wanted = (what: 'partitions' | 'connections' | 'megabytes stored'): number[] =>
    sizes[what].filter((number) => wants(run.options, rowOf(what, number)));
  const partitions = wanted('partitions');
  const slopes: Slope[] = [
    {
      what: 'connections',
      how: `bare client, ${load(REQUESTS_PER_SECOND)}, one a request`,
      numbers: wanted('connections'),
      measure: (broker, count) => overConnections(broker, count, seconds),
    },
    {
      what: 'megabytes stored',
      how: `bare client, ${reads} fetches at random offsets`,
      numbers: wanted('megabytes stored'),
      measure: (broker, megabytes) => overData(broker, megabytes, reads),
    },
  ];
  const tools =
    partitions.length === 0
      ? undefined
      : await findLibrdkafka(run, 'slope, partitions (librdkafka)');
  if (tools !== undefined) {
    slopes.unshift({
      what: 'partitions',
      how: `load.c on librdkafka, ${load(PER_SECOND)}`,
      numbers: partitions,
      measure: (broker, count) => overPartitions(tools, broker, count, seconds),
    });
  }
  for (const slope of slopes) await measureSlope(run, slope);
}

async function measureSlope(run: SuiteRun, { what, how, numbers, measure }: Slope): Promise<void> {
  const [system] = ourSystems();
  if (system === undefined || numbers.length === 0) return;
  await system.prepare();
  run.describe(`slope, ${what}`, how);
  for (const number of numbers) {
    const { figures, latencies } = await onOwnBroker(system, (broker) => measure(broker, number));
    run.add(system, rowOf(what, number), figures, latencies);
  }
}

async function onOwnBroker<T>(
  system: System,
  work: (broker: PeerBroker) => Promise<T>,
): Promise<T> {
  const broker = await system.start();
  try {
    return await work(broker);
  } finally {
    await broker.stop();
  }
}

function pointOf(latencies: Histogram, count: number, watched: Figures): Point {
  const cpu = watched['brokerCpuSeconds'] ?? Number.NaN;
  return {
    latencies,
    figures: {
      brokerCpuMicrosecondsPerRecord: (cpu * 1e6) / count,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      residentMb: watched['brokerResidentMb'] ?? Number.NaN,
      foreignCores: watched['foreignCores'] ?? Number.NaN,
    },
  };
}

async function overPartitions(
  tools: Librdkafka,
  broker: PeerBroker,
  partitions: number,
  seconds: number,
): Promise<Point> {
  const client = await RawClient.connect(broker.port);
  await createTopic(client, TOPIC, partitions);
  await acknowledgedRecord(client, TOPIC, partitions);
  client.close();
  const load = { topic: TOPIC, partitions, perSecond: PER_SECOND, seconds, warmUpSeconds: 1 };
  const paced = { ...load, recordBytes: RECORD_BYTES, until: 'ack' } as const;
  const { result, figures } = await watch(broker, () =>
    pacedLoad(tools, broker, paced, { 'linger.ms': '5' }),
  );
  return pointOf(result.latencies, result.figures['sent'] ?? Number.NaN, figures);
}

async function overConnections(
  broker: PeerBroker,
  connections: number,
  seconds: number,
): Promise<Point> {
  const clients: RawClient[] = [];
  try {
    // One after the other: a burst of thousands would overflow the queue of those that wait to be accepted.
    while (clients.length < connections) clients.push(await RawClient.connect(broker.port));
    const [first] = clients;
    if (first === undefined) throw new Error('no connection');
    await createTopic(first, TOPIC, 1);
    const { result, figures } = await watch(broker, () => requestsOver(clients, seconds));
    return pointOf(histogramOf(result), result.length, figures);
  } finally {
    for (const client of clients) client.close();
  }
}

/** Sends at the fixed rate over the clients in turn; answers the latencies from when each was due, in milliseconds. */
async function requestsOver(clients: readonly RawClient[], seconds: number): Promise<number[]> {
  const records = differingRecords(1, RECORD_BYTES);
  const total = REQUESTS_PER_SECOND * seconds;
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  // A client does one request at a time: the next one on it waits for its turn.
  const turns = clients.map(() => Promise.resolve());
  const began = performance.now();
  for (let sent = 0; sent < total; ) {
    for (
      ;
      sent < total && (sent / REQUESTS_PER_SECOND) * 1e3 <= performance.now() - began;
      sent += 1
    ) {
      const due = began + (sent / REQUESTS_PER_SECOND) * 1e3;
      const at = sent % clients.length;
      const client = clients[at];
      const turn = turns[at];
      if (client === undefined || turn === undefined) continue;
      const done = turn
        .then(() => recordInEach(client, TOPIC, [0], records))
        .then(() => {
          latencies.push(performance.now() - due);
        });
      turns[at] = done;
      pending.push(done);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  return latencies;
}

const histogramOf = (latencies: readonly number[]): Histogram =>
  latencies.map((value) => [Number(value.toPrecision(3)), 1] as const).sort(([a], [b]) => a - b);

async function overData(broker: PeerBroker, megabytes: number, reads: number): Promise<Point> {
  const client = await RawClient.connect(broker.port);
  try {
    await createTopic(client, TOPIC, 1);
    const batches = Math.ceil((megabytes * 1e6) / (BATCH_RECORDS * RECORD_BYTES));
    for (let batch = 0; batch < batches; batch += 1) {
      const records = differingRecords(BATCH_RECORDS, RECORD_BYTES, batch * BATCH_RECORDS);
      await recordInEach(client, TOPIC, [0], records);
    }
    const end = batches * BATCH_RECORDS;
    const { result, figures } = await watch(broker, () => readsAt(client, end, reads));
    return pointOf(histogramOf(result), reads, figures);
  } finally {
    client.close();
  }
}

/** Fetches of one batch each, spread over the whole log without an order; answers their latencies. */
async function readsAt(client: RawClient, end: number, reads: number): Promise<number[]> {
  const latencies: number[] = [];
  for (let read = 0; read < reads; read += 1) {
    const fetchOffset = (read * 7_919_993) % end;
    const began = performance.now();
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 }];
    const topics = [{ topic: TOPIC, partitions }];
    const request = { maxWaitMs: 0, minBytes: 1, maxBytes: 1, isolationLevel: 0, topics };
    const answer = await client.send(Fetch, 11, request);
    latencies.push(performance.now() - began);
    const found = answer.responses[0]?.partitions[0];
    if (found?.errorCode !== 0 || (found.records?.length ?? 0) === 0) {
      throw new Error(`no records at offset ${fetchOffset}: error ${found?.errorCode}`);
    }
  }
  return latencies;
}
