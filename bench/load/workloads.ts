// What is measured, with Kafka's own performance tools as the clients (Java, from Maven Central).

import { type PeerBroker, runJava, usageOf } from '../peers/index.ts';
import { createTopic, deleteTopic, RawClient } from './raw-client.ts';

export const PARTITIONS = 6;

export interface Workload {
  readonly name: string;
  readonly recordBytes: number;
  readonly acks: 'all' | '1';
  /** Records a run; a tenth or less with `--quick`. */
  readonly records: number;
  /** Records a second; absent: as many as go. */
  readonly rate?: number;
  /** Whether the topic is read from its start afterwards, which gives a second result. */
  readonly consumed: boolean;
}

export const workloads: readonly Workload[] = [
  { name: '100 B, acks=all', recordBytes: 100, acks: 'all', records: 2_500_000, consumed: false },
  { name: '100 B, acks=1', recordBytes: 100, acks: '1', records: 2_500_000, consumed: true },
  { name: '1 KiB, acks=all', recordBytes: 1024, acks: 'all', records: 500_000, consumed: false },
  { name: '1 KiB, acks=1', recordBytes: 1024, acks: '1', records: 500_000, consumed: true },
  {
    name: '1 KiB, acks=all, 10 000/s',
    recordBytes: 1024,
    acks: 'all',
    records: 200_000,
    rate: 10_000,
    consumed: false,
  },
];

/** Named numbers of one run. MB are 10^6 and GB 10^9 payload bytes. */
export type Figures = Record<string, number>;

/** Runs one workload on one broker: `produce …` and, where it is read back, `consume …`. */
export async function runWorkload(
  broker: PeerBroker,
  workload: Workload,
  topic: string,
): Promise<Record<string, Figures>> {
  const client = await RawClient.connect(broker.port);
  try {
    await createTopic(client, topic, PARTITIONS);
    const results = { [`produce ${workload.name}`]: await produce(broker, workload, topic) };
    if (workload.consumed) {
      results[`consume ${workload.recordBytes} B`] = await consume(broker, workload, topic);
    }
    await deleteTopic(client, topic);
    return results;
  } finally {
    client.close();
  }
}

/** 1 KiB records at 10 000 a second with acks=all to a topic that is there. */
export function runPaced(broker: PeerBroker, topic: string, records: number): Promise<Figures> {
  const paced = { name: 'paced', recordBytes: 1024, acks: 'all', rate: 10_000 } as const;
  return produce(broker, { ...paced, records, consumed: false }, topic);
}

/** Broker CPU and memory around a piece of work. */
async function watched<T>(
  broker: PeerBroker,
  gigabytes: number,
  work: () => Promise<T>,
): Promise<{ result: T; figures: Figures }> {
  const before = usageOf(broker.pid);
  const result = await work();
  const after = usageOf(broker.pid);
  const cpu = after.cpuSeconds - before.cpuSeconds;
  return {
    result,
    figures: {
      brokerCpuSecondsPerGb: cpu / gigabytes,
      brokerResidentMb: after.residentBytes / 1e6,
    },
  };
}

const producerLine = new RegExp(
  String.raw`(\d+) records sent, ([\d.]+) records\/sec.*?([\d.]+) ms avg latency, ([\d.]+) ms max latency, ` +
    String.raw`(\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th`,
  'g',
);

async function produce(broker: PeerBroker, workload: Workload, topic: string): Promise<Figures> {
  const { records, recordBytes, acks, rate } = workload;
  const args = ['--bootstrap-server', broker.bootstrap, '--topic', topic];
  args.push('--num-records', String(records), '--record-size', String(recordBytes));
  args.push('--throughput', String(rate ?? -1), '--command-property', `acks=${acks}`);
  // A paced run tells the broker's latency: its first quarter, in which Java compiles itself, is left out.
  if (rate !== undefined) args.push('--warmup-records', String(Math.floor(records / 4)));
  const { result, figures } = await watched(broker, (records * recordBytes) / 1e9, () =>
    runJava('org.apache.kafka.tools.ProducerPerformance', args),
  );
  const lines = [...result.output.matchAll(producerLine)];
  const last = lines.at(-1);
  const total = lines.some((line) => Number(line[1]) === records);
  if (last === undefined || !total) throw new Error(`ProducerPerformance said ${result.output}`);
  const perSecond = Number(last[2]);
  return {
    recordsPerSecond: perSecond,
    mbPerSecond: (perSecond * recordBytes) / 1e6,
    p50Ms: Number(last[5]),
    p99Ms: Number(last[7]),
    p999Ms: Number(last[8]),
    ...figures,
  };
}

async function consume(broker: PeerBroker, workload: Workload, topic: string): Promise<Figures> {
  const { records, recordBytes } = workload;
  const args = ['--bootstrap-server', broker.bootstrap, '--topic', topic];
  args.push('--num-records', String(records), '--timeout', '60000', '--hide-header');
  const { result, figures } = await watched(broker, (records * recordBytes) / 1e9, () =>
    runJava('org.apache.kafka.tools.ConsumerPerformance', args),
  );
  // start, end, MiB, MiB/s, records, records/s, rebalance ms, fetch ms, fetch MiB/s, fetch records/s
  const fields = result.output.trim().split('\n').at(-1)?.split(',') ?? [];
  const read = Number(fields[4]);
  if (!(read >= records)) throw new Error(`ConsumerPerformance said ${result.output}`);
  const perSecond = Number(fields[9]);
  return {
    recordsPerSecond: perSecond,
    mbPerSecond: (perSecond * recordBytes) / 1e6,
    ...figures,
  };
}
