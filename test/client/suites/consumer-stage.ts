// What the consumer's suites stand on: topics, groups and records on a target.

import type { Cluster } from '../../../src/client/index.ts';
import type { Client, Consumer, ConsumerOptions } from '../../../src/index.ts';
import type { Target } from '../targets.ts';

export interface Stage {
  readonly client: Client;
  readonly cluster: Cluster;
  /** A topic with a name of its own; a group too. */
  topic(partitions?: number): Promise<string>;
  name(prefix: string): string;
  /** Writes records, in the order given. Keys are strings. */
  write(topic: string, records: readonly Written[]): Promise<void>;
  consumer<KS extends 'string' | 'buffer' | 'json', VS extends 'string' | 'buffer' | 'json'>(
    options: ConsumerOptions<KS, VS>,
  ): Consumer<KS, VS>;
  /** Only where the target is restartable. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface Written {
  readonly key?: string | null;
  readonly value: string | Buffer | null;
  readonly partition?: number;
  readonly timestamp?: number;
  readonly headers?: readonly { key: string; value: Buffer | null }[];
}

let serial = 0;

/** One log for all tests of a suite, each with topics and groups of its own. */
export async function openStage(target: Target): Promise<Stage> {
  const lab = await target.open();
  const { client } = lab;
  const { cluster } = client as unknown as { cluster: Cluster };
  return {
    client,
    cluster,
    name: (prefix) => `${prefix}-${process.pid}-${++serial}`,
    topic: (partitions = 1) => lab.topic({ partitions }),
    async write(topic, records) {
      const producer = client.producer({ key: 'string', value: 'buffer' });
      const bytes = (value: string | Buffer | null): Buffer | null =>
        typeof value === 'string' ? Buffer.from(value) : value;
      await producer.sendMany(
        records.map(({ value, ...rest }) => ({ topic, value: bytes(value), ...rest })),
      );
      await producer.close();
    },
    consumer: (options) => client.consumer({ maxWaitMs: 100, ...options }),
    restart: () => lab.restart(),
    close: async () => {
      await lab[Symbol.asyncDispose]();
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
