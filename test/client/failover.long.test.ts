// Three nodes, replication 3, and the leader killed under load, twice: what was acknowledged is there, once and in
// order; a consumer of a group goes on where it was.

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Client, connect, type RecordMetadata } from '../../src/index.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { readBack } from './suites/producer.ts';

const PARTITIONS = 3;
/** So many that each member keeps a fetch session with each broker. */
const GROUP_PARTITIONS = 120;

function add(lists: Map<number, number[]>, partition: number, n: number): void {
  const list = lists.get(partition);
  if (list === undefined) lists.set(partition, [n]);
  else list.push(n);
}

describe('a cluster whose leader dies', () => {
  let cluster: KafkaCluster | undefined;
  let client: Client;

  beforeAll(async () => {
    if (missing('java') !== undefined) return;
    cluster = await KafkaCluster.start();
    client = await connect(cluster.bootstrap);
  }, 240_000);
  afterAll(async () => {
    await client?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  async function load(
    topic: string,
    { idempotent, partitions }: { readonly idempotent: boolean; readonly partitions: number },
  ): Promise<Map<number, number[]>> {
    if (cluster === undefined) throw new Error('no cluster');
    const producer = client.producer({
      value: 'string',
      idempotent,
      requestTimeoutMs: 10_000,
      batchBytes: 4_000,
    });
    const sent: Promise<RecordMetadata>[] = [];
    let going = true;
    const feed = (async () => {
      for (let n = 0; going; n++) {
        const partition = n % partitions;
        const one = producer.send({ topic, partition, value: `${n} ${'x'.repeat(200)}` });
        one.catch(() => {});
        sent.push(one);
        if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        if (n % 2_000 === 0) await one;
      }
    })();
    for (let round = 0; round < 2; round++) {
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const described = await client.admin().describeTopic(topic);
      const leader = described.partitions[0]?.leaderId ?? 1;
      await cluster.kill(leader);
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      await cluster.revive(leader);
    }
    going = false;
    await feed;
    await producer.close();
    const acknowledged = new Map<number, number[]>();
    for (const [n, outcome] of (await Promise.allSettled(sent)).entries()) {
      if (outcome.status === 'rejected') continue;
      const { partition } = outcome.value;
      add(acknowledged, partition, n);
    }
    return acknowledged;
  }

  async function stored(topic: string): Promise<Map<number, number[]>> {
    const found = new Map<number, number[]>();
    for (const { partition, value } of await readBack(client, topic)) {
      add(found, partition, Number(value?.split(' ')[0]));
    }
    return found;
  }

  testWith('java')(
    'idempotent: everything acknowledged, once, in order',
    async () => {
      await client.admin().createTopic({ name: 'exact', partitions: PARTITIONS });
      const acknowledged = await load('exact', { idempotent: true, partitions: PARTITIONS });
      const found = await stored('exact');
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const mine = found.get(partition) ?? [];
        expect(mine).toEqual([...new Set(mine)].sort((a, b) => a - b));
        expect(mine).toEqual(
          expect.arrayContaining((acknowledged.get(partition) ?? []).slice(-50)),
        );
        const there = new Set(mine);
        expect((acknowledged.get(partition) ?? []).filter((n) => !there.has(n))).toEqual([]);
        expect(mine.length).toBeGreaterThan(500);
      }
    },
    240_000,
  );

  for (const protocol of ['classic', 'consumer'] as const) {
    testWith('java')(
      `a group (${protocol}): two members see everything acknowledged, in order, and hand over what is committed`,
      async () => {
        const topic = `group-${protocol}`;
        await client.admin().createTopic({ name: topic, partitions: GROUP_PARTITIONS });
        /** Numbers by partition, in the order in which anybody first had them. */
        const seen = new Map<number, Set<number>>();
        const trouble = new Set<string>();
        const member = () =>
          client.consumer({
            topics: [topic],
            group: topic,
            protocol,
            value: 'string',
            heartbeatIntervalMs: 500,
            sessionTimeoutMs: 10_000,
            autoCommit: { everyMs: 500 },
            onTrouble: (error) => void trouble.add((error as { code?: string }).code ?? ''),
          });
        const members = [member(), member()];
        const reading = members.map((one) =>
          one.run(({ partition, value }) => {
            const numbers = seen.get(partition) ?? new Set();
            seen.set(partition, numbers.add(Number(value?.split(' ')[0])));
          }),
        );
        const acknowledged = await load(topic, { idempotent: true, partitions: GROUP_PARTITIONS });
        const missing = (): number[] =>
          [...acknowledged].flatMap(([partition, numbers]) =>
            numbers.filter((n) => seen.get(partition)?.has(n) !== true),
          );
        const until = Date.now() + 60_000;
        while (missing().length > 0 && Date.now() < until) {
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
        expect(missing()).toEqual([]);
        for (const numbers of seen.values()) {
          expect([...numbers]).toEqual([...numbers].sort((a, b) => a - b));
        }
        // Leaders were lost on the way: else nothing was tried.
        expect(trouble.size).toBeGreaterThan(0);
        for (const one of members) await one.close();
        await Promise.all(reading);
        const ends = await client.admin().listOffsets(topic, 'latest');
        const { offsets, members: left } = await client.admin().describeGroup(topic);
        expect(left).toEqual([]);
        const committed = new Map(offsets.map((one) => [one.partition, one.offset]));
        for (const [partition, { offset }] of ends) expect(committed.get(partition)).toBe(offset);
      },
      240_000,
    );
  }

  testWith('java')(
    'not idempotent: repeats may be, losses and new orders not',
    async () => {
      await client.admin().createTopic({ name: 'repeats', partitions: PARTITIONS });
      const acknowledged = await load('repeats', { idempotent: false, partitions: PARTITIONS });
      const found = await stored('repeats');
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const mine = found.get(partition) ?? [];
        const there = new Set(mine);
        expect((acknowledged.get(partition) ?? []).filter((n) => !there.has(n))).toEqual([]);
        // The first time that each is seen, they are in order.
        expect([...there]).toEqual([...there].sort((a, b) => a - b));
      }
    },
    240_000,
  );
});
