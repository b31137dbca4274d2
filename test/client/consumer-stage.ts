// Where the consumer's behaviours are shown: one broker, reached in process or over TCP.

import {
  Cluster,
  Consumer,
  type ConsumerOptions,
  createTopics,
  Producer,
  singleNetwork,
} from '../../src/client/index.ts';
import { remoteCluster } from '../../src/compose/connect.ts';
import { openBrokerWith } from '../../src/compose/open-broker.ts';
import { nodeClock } from '../../src/host/node-clock.ts';
import { nodeRandom } from '../../src/host/node-random.ts';

export interface Stage {
  readonly cluster: Cluster;
  /** A topic with a name of its own; a group too. */
  topic(partitions?: number): Promise<string>;
  name(prefix: string): string;
  /** Writes records, in the order given. Keys are strings. */
  write(topic: string, records: readonly Written[]): Promise<void>;
  consumer<KS extends 'string' | 'buffer' | 'json', VS extends 'string' | 'buffer' | 'json'>(
    options: ConsumerOptions<KS, VS>,
  ): Consumer<KS, VS>;
  close(): Promise<void>;
}

export interface Written {
  readonly key?: string | null;
  readonly value: string | Buffer | null;
  readonly partition?: number;
  readonly timestamp?: number;
  readonly headers?: readonly { key: string; value: Buffer | null }[];
}

export const stages: Readonly<Record<string, () => Promise<Stage>>> = {
  async 'in process'() {
    const broker = await openBrokerWith({ memory: true, port: 0, configs }, {});
    const network = singleNetwork(broker.transport());
    const cluster = new Cluster({ network, clock: nodeClock, random: nodeRandom });
    return stageOn(cluster, () => broker.close());
  },
  async TCP() {
    const broker = await openBrokerWith({ memory: true, port: 0, configs }, {});
    return stageOn(remoteCluster(broker.bootstrap), () => broker.close());
  },
};

const configs = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 2,
  'group.consumer.min.heartbeat.interval.ms': 50,
  'group.consumer.heartbeat.interval.ms': 50,
};
let serial = 0;

/** Over a cluster that is there already. */
export function stageOn(cluster: Cluster, stop: () => Promise<void>): Stage {
  const consumers: { close(): Promise<void> }[] = [];
  const name = (prefix: string): string => `${prefix}-${process.pid}-${++serial}`;
  return {
    cluster,
    name,
    async topic(partitions = 1) {
      const topic = name('t');
      const [made] = await createTopics(cluster, [{ name: topic, partitions }]);
      if (made?.error) throw made.error;
      return topic;
    },
    async write(topic, records) {
      const producer = new Producer(cluster, { key: 'string', value: 'buffer' });
      const bytes = (value: string | Buffer | null): Buffer | null =>
        typeof value === 'string' ? Buffer.from(value) : value;
      await producer.sendMany(
        records.map(({ value, ...rest }) => ({ topic, value: bytes(value), ...rest })),
      );
      await producer.close();
    },
    consumer(options) {
      const consumer = new Consumer(cluster, { maxWaitMs: 100, ...options });
      consumers.push(consumer);
      return consumer;
    },
    async close() {
      await Promise.allSettled(consumers.map((one) => one.close()));
      await cluster.close();
      await stop();
    },
  };
}

/** The first `count` records. */
export async function take<T>(records: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const record of records) {
    taken.push(record);
    if (taken.length === count) break;
  }
  return taken;
}

/** Waits until it holds. */
export async function until(
  what: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function numbered(from: number, to: number, more: Partial<Written> = {}): Written[] {
  return Array.from({ length: to - from }, (_, index) => ({
    value: String(from + index),
    ...more,
  }));
}
