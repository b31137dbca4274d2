// Groups of our members and others': kafkajs, librdkafka (kcat) and Kafka's console consumer, which either side may
// lead. Every record comes to exactly one of them once all have settled, and what one side leaves the other takes over.

import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  type BrokerKind,
  javaArguments,
  type PeerBroker,
  startBroker,
} from '../../bench/peers/index.ts';
import { type Client, type ConsumerOptions, connect } from '../../src/index.ts';
import { kafkaOf } from '../support/peers/kafkajs.ts';
import { type Tool, testWith } from '../support/peers/require-tool.ts';
import { until } from './suites/consumer-stage.ts';

const PARTITIONS = 6;
const RECORDS = 300;

interface Other {
  readonly seen: string[];
  stop(): Promise<void>;
}

type StartOther = (bootstrap: string, group: string, topic: string) => Promise<Other>;

/** A program that prints a record's value per line. */
function program(command: string, args: readonly string[]): Other {
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const seen: string[] = [];
  let rest = '';
  child.stdout?.on('data', (piece: Buffer) => {
    const lines = (rest + piece.toString()).split('\n');
    rest = lines.pop() ?? '';
    seen.push(...lines.filter((line) => line !== ''));
  });
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  return {
    seen,
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

const kafkajs: StartOther = async (bootstrap, groupId, topic) => {
  const seen: string[] = [];
  const kafka = await kafkaOf(bootstrap, 'patient');
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 200, rebalanceTimeout: 5_000 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      seen.push(String(message.value));
      return Promise.resolve();
    },
  });
  return { seen, stop: () => consumer.disconnect() };
};

const kcat: StartOther = (bootstrap, group, topic) =>
  Promise.resolve(
    program('kcat', [
      ...['-b', bootstrap, '-G', group, '-u', '-q', '-f', '%s\\n'],
      ...['-X', 'heartbeat.interval.ms=200', '-X', 'auto.offset.reset=earliest', topic],
    ]),
  );

const java =
  (...properties: string[]): StartOther =>
  (bootstrap, group, topic) => {
    const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
    const args = ['--bootstrap-server', bootstrap, '--group', group, '--topic', topic];
    for (const property of ['auto.offset.reset=earliest', ...properties]) {
      args.push('--command-property', property);
    }
    return Promise.resolve(program('java', javaArguments(main, undefined).concat(args)));
  };

const strategy = 'partition.assignment.strategy=org.apache.kafka.clients.consumer';
const pairs: readonly {
  readonly name: string;
  readonly tool: Tool;
  readonly other: StartOther;
  readonly ours: Partial<ConsumerOptions<'string', 'string'>>;
}[] = [
  { name: 'kafkajs', tool: 'kafkajs', other: kafkajs, ours: { assignor: 'RoundRobinAssigner' } },
  { name: 'librdkafka', tool: 'kcat', other: kcat, ours: { assignor: ['range', 'roundrobin'] } },
  {
    name: 'Java with its defaults',
    tool: 'java',
    other: java('heartbeat.interval.ms=200'),
    ours: {},
  },
  {
    name: 'Java, cooperative',
    tool: 'java',
    other: java('heartbeat.interval.ms=200', `${strategy}.CooperativeStickyAssignor`),
    ours: { assignor: 'cooperative-sticky' },
  },
  {
    name: 'Java, sticky',
    tool: 'java',
    other: java('heartbeat.interval.ms=200', `${strategy}.StickyAssignor`),
    ours: { assignor: 'sticky' },
  },
  {
    name: 'Java, the new protocol',
    tool: 'java',
    other: java('group.protocol=consumer'),
    ours: { protocol: 'consumer' },
  },
];

describe.each(['tidemark', 'kafka'] as BrokerKind[])('on %s', (kind) => {
  let broker: PeerBroker;
  let client: Client;
  beforeAll(async () => {
    const config = {
      'group.initial.rebalance.delay.ms': '0',
      'group.consumer.min.heartbeat.interval.ms': '200',
      'group.consumer.heartbeat.interval.ms': '200',
    };
    broker = await startBroker({ kind, config });
    client = await connect(broker.bootstrap);
  }, 180_000);
  afterAll(async () => {
    await client.close();
    await broker.stop();
  });

  for (const { name, tool, other: startOther, ours } of pairs) {
    for (const first of ['we', 'they'] as const) {
      testWith('broker', tool)(`${name}; ${first} lead`, { timeout: 180_000 }, async () => {
        const group = `${name} ${first}`.replaceAll(/[^a-z]/gi, '-');
        const topic = `mixed-${group}`;
        await client.admin().createTopic({ name: topic, partitions: PARTITIONS });
        const producer = client.producer({ key: 'string', value: 'string' });
        const expected: string[] = [];
        const write = async (label: string, count: number): Promise<void> => {
          const values = Array.from({ length: count }, (_, at) => `${label}-${at}`);
          expected.push(...values);
          await producer.sendMany(
            values.map((value, at) => ({ topic, key: null, value, partition: at % PARTITIONS })),
          );
        };
        const seen: string[] = [];
        const consumer = client.consumer({
          topics: [topic],
          group,
          key: 'string',
          value: 'string',
          heartbeatIntervalMs: 200,
          ...ours,
        });
        const reading: Promise<void>[] = [];
        const startOurs = (): void => {
          reading.push(consumer.run(({ value }) => void seen.push(value ?? '')));
        };
        let other: Other;
        if (first === 'we') {
          startOurs();
          await until(() => consumer.assignment().length === PARTITIONS, 60_000);
          other = await startOther(broker.bootstrap, group, topic);
        } else {
          other = await startOther(broker.bootstrap, group, topic);
          // It has all partitions once it gives a record of each.
          await write('alone', PARTITIONS);
          await until(() => other.seen.length === PARTITIONS, 60_000);
          startOurs();
        }
        const all = (): string[] => [...seen, ...other.seen];
        await until(() => consumer.assignment().length === PARTITIONS / 2, 60_000);
        await write('shared', RECORDS);
        await until(() => new Set(all()).size === expected.length, 60_000);
        expect(seen.filter((value) => value.startsWith('shared'))).toHaveLength(RECORDS / 2);
        expect(all().filter((value) => value.startsWith('shared'))).toHaveLength(RECORDS);
        await other.stop();
        await until(() => consumer.assignment().length === PARTITIONS, 60_000);
        await write('ours', RECORDS);
        await until(() => new Set(all()).size === expected.length, 60_000);
        await consumer.close();
        await producer.close();
        await Promise.all(reading);
      });
    }
  }
});
