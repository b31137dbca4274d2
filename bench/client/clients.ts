// The clients that are measured, behind one small shape. Each is loaded only in the process that measures it.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Client, connect, open } from '../../src/index.ts';
import { projectRoot } from '../peers/index.ts';

/** Values are all the same; keys are null; one partition. */
export interface BenchClient {
  /** One send at a time, each awaited. */
  produceSingly(topic: string, value: Buffer, count: number): Promise<void>;
  /** As the client does it best: many records in a call. */
  produceMany(topic: string, value: Buffer, count: number): Promise<void>;
  /** Every record one by one, from the first on; `onFirst` is called before the first is counted. */
  consume(topic: string, count: number, onFirst: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Records in one call of a client that takes lists. */
const CALL_RECORDS = 1_000;
/** Calls under way at once, where the client allows it. */
const CALLS = 4;

export const clients: Readonly<Record<string, (bootstrap: string) => Promise<BenchClient>>> = {
  tidemark: async (bootstrap) => ours(await connect(bootstrap)),
  'in process, memory': async () => ours(await open({ memory: true })),
  'in process, durable': async (directory) => ours(await open(directory)),
  kafkajs: openKafkajs,
  platformatic: openPlatformatic,
  'raw socket': async (bootstrap) => (await import('./raw-socket.ts')).openRawSocket(bootstrap),
};

/** Calls `send` for all records, in lists, with some calls under way. */
export async function inCalls(
  count: number,
  send: (records: number) => Promise<unknown>,
): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      const records = Math.min(CALL_RECORDS, left);
      left -= records;
      await send(records);
    }
  };
  await Promise.all(Array.from({ length: CALLS }, lane));
}

async function ours(client: Client): Promise<BenchClient> {
  const producer = client.producer({ key: 'buffer', value: 'buffer' });
  const record = (topic: string, value: Buffer) => ({ topic, partition: 0, key: null, value });
  return {
    async produceSingly(topic, value, count) {
      for (let index = 0; index < count; index++) await producer.send(record(topic, value));
    },
    produceMany: (topic, value, count) =>
      inCalls(count, (records) =>
        producer.sendMany(Array.from({ length: records }, () => record(topic, value))),
      ),
    async consume(topic, count, onFirst) {
      // In a group, as the other clients: some of them have no consumer without one.
      const group = `bench-${process.pid}-${count}`;
      const consumer = client.consumer({
        topics: [topic],
        group,
        autoCommit: false,
        key: 'buffer',
        value: 'buffer',
      });
      let seen = 0;
      for await (const _record of consumer) {
        if (seen === 0) onFirst();
        seen += 1;
        if (seen === count) break;
      }
      await consumer.close();
    },
    close: () => client.close(),
  };
}

async function openKafkajs(bootstrap: string): Promise<BenchClient> {
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  const { default: kafkajs } = await import('kafkajs');
  const kafka = new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const send = (topic: string, value: Buffer, records: number) =>
    producer.send({
      topic,
      acks: -1,
      messages: Array.from({ length: records }, () => ({ key: null, value, partition: 0 })),
    });
  return {
    async produceSingly(topic, value, count) {
      for (let index = 0; index < count; index++) await send(topic, value, 1);
    },
    produceMany: (topic, value, count) => inCalls(count, (records) => send(topic, value, records)),
    async consume(topic, count, onFirst) {
      const consumer = kafka.consumer({ groupId: `bench-${process.pid}-${count}` });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      let seen = 0;
      await new Promise<void>((resolve, reject) => {
        const eachMessage = (): Promise<void> => {
          if (seen === 0) onFirst();
          seen += 1;
          if (seen === count) resolve();
          return Promise.resolve();
        };
        consumer.run({ autoCommit: false, eachMessage }).catch(reject);
      });
      await consumer.disconnect();
    },
    close: () => producer.disconnect(),
  };
}

/** As far as it is used: the package lives apart, with its types. */
interface Platformatic {
  readonly Producer: new (
    options: object,
  ) => {
    send(options: object): Promise<unknown>;
    close(): Promise<void>;
  };
  readonly Consumer: new (
    options: object,
  ) => {
    consume(options: object): Promise<AsyncIterable<unknown>>;
    close(force: boolean): Promise<void>;
  };
}

/** Where the package is, null when it is not installed. */
export function platformaticPath(): string | null {
  const folder = join(projectRoot(), 'test/interop/clients/package.json');
  try {
    return createRequire(folder).resolve('@platformatic/kafka');
  } catch {
    return null;
  }
}

async function openPlatformatic(bootstrap: string): Promise<BenchClient> {
  const path = platformaticPath();
  if (path === null) throw new Error('@platformatic/kafka is not installed');
  const { Producer, Consumer }: Platformatic = await import(pathToFileURL(path).href);
  const common = { clientId: 'bench', bootstrapBrokers: [bootstrap] };
  const producer = new Producer(common);
  const send = (topic: string, value: Buffer, records: number) =>
    producer.send({
      acks: -1,
      messages: Array.from({ length: records }, () => ({ topic, partition: 0, value })),
    });
  return {
    async produceSingly(topic, value, count) {
      for (let index = 0; index < count; index++) await send(topic, value, 1);
    },
    produceMany: (topic, value, count) => inCalls(count, (records) => send(topic, value, records)),
    async consume(topic, count, onFirst) {
      const groupId = `bench-${process.pid}-${count}`;
      const consumer = new Consumer({ ...common, groupId });
      const stream = await consumer.consume({
        topics: [topic],
        mode: 'earliest',
        autocommit: false,
        maxWaitTime: 500,
      });
      let seen = 0;
      for await (const _message of stream) {
        if (seen === 0) onFirst();
        seen += 1;
        if (seen === count) break;
      }
      await consumer.close(true);
    },
    close: () => producer.close(),
  };
}
