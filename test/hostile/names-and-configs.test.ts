// Topic names and configs that Kafka refuses: the right error, with a text, and nothing made.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorName } from '../../src/base/kafka-errors.ts';
import {
  CreatePartitions,
  CreateTopics,
  IncrementalAlterConfigs,
  Metadata,
  ZERO_UUID,
} from '../../src/protocol/index.ts';
import { type BrokerUnderAttack, brokerUnderAttack, TOPIC } from './support/broker-under-attack.ts';
import type { WireClient } from './support/wire-client.ts';

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

interface NewTopic {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly { partitionIndex: number; brokerIds: readonly number[] }[];
  readonly configs: readonly { name: string; value: string | null }[];
}

const plain = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };

async function create(...topics: readonly (Partial<NewTopic> & { name: string })[]) {
  const answer = await client.call(CreateTopics, 7, {
    topics: topics.map((topic) => ({ ...plain, ...topic })),
  });
  return answer.topics.map(({ errorCode }) => errorName(errorCode));
}

const topicNames = () => target.broker.engine.topics().map(({ name }) => name);

const badNames: readonly string[] = [
  '',
  '.',
  '..',
  '../escape',
  'a/b',
  'a\\b',
  '/etc/passwd',
  'a b',
  'tab\t',
  'nul\0byte',
  'ümlaut',
  'emoji😀',
  'colon:name',
  'star*',
  'x'.repeat(250),
  'x'.repeat(30_000),
];

describe('topic names', () => {
  test.each(badNames)('%j is INVALID_TOPIC_EXCEPTION', async (name) => {
    const before = topicNames();
    expect(await create({ name })).toEqual(['INVALID_TOPIC_EXCEPTION']);
    const asked = await client.call(Metadata, 9, {
      topics: [{ name, topicId: ZERO_UUID }],
      allowAutoTopicCreation: true,
    });
    expect(errorName(asked.topics[0]?.errorCode ?? 0)).toBe('INVALID_TOPIC_EXCEPTION');
    expect(topicNames()).toEqual(before);
  });

  test('the longest name is accepted, and served', async () => {
    const name = 'y'.repeat(249);
    expect(await create({ name })).toEqual(['NONE']);
    expect(topicNames()).toContain(name);
  });

  test('a topic that exists, and one named twice', async () => {
    expect(await create({ name: TOPIC })).toEqual(['TOPIC_ALREADY_EXISTS']);
    expect(await create({ name: 'twin' }, { name: 'twin' })).toEqual(['INVALID_REQUEST']);
    expect(topicNames()).not.toContain('twin');
  });
});

describe('partitions and replicas', () => {
  const manual = { numPartitions: -1, replicationFactor: -1 };
  const cases: readonly (readonly [string, Partial<NewTopic>, string])[] = [
    ['no partitions', { numPartitions: 0 }, 'INVALID_PARTITIONS'],
    ['-2 partitions', { numPartitions: -2 }, 'INVALID_PARTITIONS'],
    ['factor 0', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR'],
    ['factor 3', { replicationFactor: 3 }, 'INVALID_REPLICATION_FACTOR'],
    ['factor -2', { replicationFactor: -2 }, 'INVALID_REPLICATION_FACTOR'],
    [
      'an assignment and a number of partitions',
      { ...manual, numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      'INVALID_REQUEST',
    ],
    [
      'an unknown broker',
      { ...manual, assignments: [{ partitionIndex: 0, brokerIds: [7] }] },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    [
      'no broker',
      { ...manual, assignments: [{ partitionIndex: 0, brokerIds: [] }] },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    [
      'a broker twice',
      { ...manual, assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
    [
      'a partition left out',
      { ...manual, assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      'INVALID_REPLICA_ASSIGNMENT',
    ],
  ];

  test.each(cases)('%s', async (_name, topic, code) => {
    expect(await create({ name: 'never', ...topic })).toEqual([code]);
    expect(topicNames()).not.toContain('never');
  });

  test('a manual assignment to this node is accepted', async () => {
    const assignments = [0, 1].map((partitionIndex) => ({ partitionIndex, brokerIds: [1] }));
    expect(await create({ name: 'manual', ...manual, assignments })).toEqual(['NONE']);
    expect(target.broker.engine.topic('manual')?.partitionCount).toBe(2);
  });

  test('more than ten thousand for one request are POLICY_VIOLATION, as from Kafka', async () => {
    const half = (name: string) => ({ name, numPartitions: 5001 });
    expect(await create(half('half'), half('other-half'))).toEqual([
      'POLICY_VIOLATION',
      'POLICY_VIOLATION',
    ]);
    const small = Array.from({ length: 10_001 }, (_, index) => ({ name: `small-${index}` }));
    expect(new Set(await create(...small))).toEqual(new Set(['POLICY_VIOLATION']));
    expect(topicNames().filter((name) => /half|small/.test(name))).toEqual([]);
    await create({ name: 'grown-1' }, { name: 'grown-2' });
    const grown = await client.call(CreatePartitions, 3, {
      topics: ['grown-1', 'grown-2'].map((name) => ({ name, count: 5002, assignments: null })),
      timeoutMs: 1000,
      validateOnly: false,
    });
    expect(grown.results.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'POLICY_VIOLATION',
      'POLICY_VIOLATION',
    ]);
  });

  test('as many topics are not made by being asked for in one request either', async () => {
    const topics = Array.from({ length: 10_001 }, (_, index) => ({ name: `asked-${index}` }));
    const answer = await client.call(Metadata, 9, { topics, allowAutoTopicCreation: true });
    const codes = new Set(answer.topics.map(({ errorCode }) => errorName(errorCode)));
    expect(codes).toEqual(new Set(['UNKNOWN_TOPIC_OR_PARTITION']));
    expect(topicNames().filter((name) => name.startsWith('asked-'))).toEqual([]);
  });

  test.each([0, -1, 1, 4_000_000])('growing to %d partitions is refused', async (count) => {
    const answer = await client.call(CreatePartitions, 3, {
      topics: [{ name: TOPIC, count, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    });
    expect(answer.results[0]?.errorCode).not.toBe(0);
    expect(answer.results[0]?.errorMessage).toBeTruthy();
    expect(target.broker.engine.topic(TOPIC)?.partitionCount).toBe(1);
  });
});

describe('configs out of range', () => {
  const cases: readonly (readonly [name: string, value: string])[] = [
    ['retention.ms', '-2'],
    ['retention.ms', 'a day'],
    ['retention.ms', '9223372036854775808'],
    ['segment.bytes', '13'],
    ['segment.bytes', '1e9'],
    ['max.message.bytes', '-1'],
    ['cleanup.policy', 'shred'],
    ['compression.type', 'rar'],
    ['message.timestamp.type', 'Never'],
    ['min.cleanable.dirty.ratio', '1.5'],
    ['index.interval.bytes', '-1'],
    ['flush.messages', '0'],
    ['no.such.config', '1'],
    ['preallocate', 'maybe'],
  ];

  test.each(cases)('%s=%s is INVALID_CONFIG on create and on alter', async (name, value) => {
    expect(await create({ name: 'never', configs: [{ name, value }] })).toEqual(['INVALID_CONFIG']);
    expect(topicNames()).not.toContain('never');
    const altered = await client.call(IncrementalAlterConfigs, 1, {
      resources: [
        { resourceType: 2, resourceName: TOPIC, configs: [{ name, configOperation: 0, value }] },
      ],
      validateOnly: false,
    });
    expect(errorName(altered.responses[0]?.errorCode ?? 0)).toBe('INVALID_CONFIG');
    expect(altered.responses[0]?.errorMessage).toBeTruthy();
    expect(target.broker.engine.topic(TOPIC)?.configs.size).toBe(0);
  });

  test('unknown resources, operations and duplicates are refused', async () => {
    const change = { name: 'retention.ms', configOperation: 0, value: '1' };
    const resource = { resourceType: 2, resourceName: TOPIC };
    const answer = await client.call(IncrementalAlterConfigs, 1, {
      resources: [
        { resourceType: 2, resourceName: 'nowhere', configs: [change] },
        { resourceType: 99, resourceName: 'x', configs: [change] },
        { resourceType: 4, resourceName: '77', configs: [change] },
        { ...resource, configs: [{ ...change, configOperation: 9 }] },
      ],
      validateOnly: false,
    });
    expect(answer.responses.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ]);
    const twice = await client.call(IncrementalAlterConfigs, 1, {
      resources: [
        { ...resource, configs: [change] },
        { ...resource, configs: [change] },
      ],
      validateOnly: false,
    });
    expect(twice.responses.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ]);
    expect(target.broker.engine.topic(TOPIC)?.configs.size).toBe(0);
  });
});
