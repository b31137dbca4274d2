// Requests that name one thing over and over: they are answered once, or the answer would not fit into memory.

import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Api,
  ConsumerGroupDescribe,
  DeleteRecords,
  DescribeConfigs,
  DescribeGroups,
  DescribeProducers,
  Metadata,
  OffsetFetch,
} from '../../src/protocol/index.ts';
import { type BrokerUnderAttack, brokerUnderAttack, TOPIC } from './support/broker-under-attack.ts';
import type { WireClient } from './support/wire-client.ts';

const TIMES = 20_000;

let target: BrokerUnderAttack;
let client: WireClient;

beforeAll(async () => {
  target = await brokerUnderAttack(1);
  client = await target.connect();
});

afterAll(async () => {
  client.destroy();
  await target.close();
});

const many = <T>(one: T): T[] => new Array<T>(TIMES).fill(one);

const requests: readonly [Api, number, object][] = [
  [Metadata, 9, { topics: many({ name: TOPIC }) }],
  [
    DescribeConfigs,
    4,
    {
      resources: many({ resourceType: 2, resourceName: TOPIC, configurationKeys: null }),
      includeSynonyms: true,
      includeDocumentation: true,
    },
  ],
  [DescribeGroups, 5, { groups: many('g') }],
  [ConsumerGroupDescribe, 0, { groupIds: many('g'), includeAuthorizedOperations: false }],
  [OffsetFetch, 8, { groups: many({ groupId: 'g', topics: null }) }],
  [OffsetFetch, 7, { groupId: 'g', topics: [{ name: TOPIC, partitionIndexes: many(0) }] }],
  [
    OffsetFetch,
    9,
    { groups: [{ groupId: 'g', topics: many({ name: TOPIC, partitionIndexes: [0] }) }] },
  ],
  [DescribeProducers, 0, { topics: [{ name: TOPIC, partitionIndexes: many(0) }] }],
  [
    DeleteRecords,
    2,
    { topics: [{ name: TOPIC, partitions: many({ partitionIndex: 0, offset: 0 }) }] },
  ],
  [
    DeleteRecords,
    2,
    { topics: many({ name: TOPIC, partitions: [{ partitionIndex: 0, offset: 0 }] }) },
  ],
].map(([api, version, request]) => [api as unknown as Api, version as number, request as object]);

test.each(requests.map((request) => [request[0].name, ...request] as const))(
  '%s',
  async (_name, api, version, request) => {
    const answer = JSON.stringify(await client.call(api, version, request as never));
    // All configs with their documentation are some kilobytes.
    expect(answer.length).toBeLessThan(100_000);
    await target.expectAlive();
  },
);

test('what is asked for in two mentions is told, whatever they have in common', async () => {
  const topic = (...partitionIndexes: number[]) => ({ name: TOPIC, partitionIndexes });
  const { topics } = await client.call(DescribeProducers, 0, {
    topics: [topic(0, 0), topic(0, 1)],
  });
  expect(topics.map(({ partitions }) => partitions.map((one) => one.partitionIndex))).toEqual([
    [0],
    [1],
  ]);
  const resource = (...configurationKeys: string[]) => ({
    ...{ resourceType: 2, resourceName: TOPIC, configurationKeys },
  });
  const { results } = await client.call(DescribeConfigs, 4, {
    resources: [resource('retention.ms'), resource('segment.ms'), resource('retention.ms')],
  });
  const names = results.map(({ configs }) => configs.map(({ name }) => name));
  expect(names).toEqual([['retention.ms'], ['segment.ms']]);
});
