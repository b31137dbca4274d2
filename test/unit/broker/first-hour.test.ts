// What goes wrong in the first hour with other brokers, each held to what it should do (DESIGN.md,
// protocol).

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorName } from '../../../src/base/kafka-errors.ts';
import type { BrokerOptions } from '../../../src/compose/index.ts';
import { type ServingBroker, serveAlone } from '../../../src/compose/serve-alone.ts';
import {
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DescribeCluster,
  DescribeConfigs,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
  SyncGroup,
  ZERO_UUID,
} from '../../../src/protocol/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { WireClient } from '../../hostile/support/wire-client.ts';

async function withBroker<T>(
  options: Partial<BrokerOptions>,
  use: (broker: ServingBroker, client: WireClient) => Promise<T>,
): Promise<T> {
  const broker = await serveAlone({ memory: true, port: 0, ...options });
  const client = await WireClient.connect(broker.addresses[0]?.port ?? 0);
  try {
    return await use(broker, client);
  } finally {
    client.destroy();
    await broker.close();
  }
}

const newTopic = (name: string, replicationFactor = 1) => ({
  name,
  numPartitions: 1,
  replicationFactor,
  assignments: [],
  configs: [],
});

const askFor = (client: WireClient, name: string, create = true) =>
  client.call(Metadata, 12, {
    topics: [{ name, topicId: ZERO_UUID }],
    allowAutoTopicCreation: create,
  });

function batch(producer?: { producerId: number; producerEpoch: number; baseSequence: number }) {
  const records = [{ timestamp: Date.UTC(2026, 0, 1), key: null, value: Buffer.from('v') }];
  return buildBatch(records, producer === undefined ? {} : { producer });
}

async function produceOne(client: WireClient, name: string, records: Buffer) {
  const answer = await client.call(Produce, 9, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name, partitionData: [{ index: 0, records }] }],
  });
  const partition = answer.responses[0]?.partitionResponses[0];
  return { code: errorName(partition?.errorCode ?? 0), baseOffset: partition?.baseOffset };
}

let broker: ServingBroker;
let client: WireClient;

beforeAll(async () => {
  broker = await serveAlone({ memory: true, port: 0 });
  client = await WireClient.connect(broker.addresses[0]?.port ?? 0);
});

afterAll(async () => {
  client.destroy();
  await broker.close();
});

describe('addresses', () => {
  test('localhost is served whichever loopback it means', async () => {
    for (const { host, port } of broker.addresses) {
      const other = await WireClient.connect(port, host);
      expect((await other.call(ApiVersions, 0, {})).errorCode).toBe(0);
      other.destroy();
    }
    expect(broker.addresses[0]?.host).toBe('127.0.0.1');
    expect(new Set(broker.addresses.map(({ port }) => port)).size).toBe(1);
  });

  test('what is advertised is what the client connected to', async () => {
    for (const { host, port } of broker.addresses) {
      const other = await WireClient.connect(port, host);
      const { brokers } = await other.call(Metadata, 9, { topics: [] });
      expect(brokers).toMatchObject([{ nodeId: 1, host, port }]);
      const found = await other.call(FindCoordinator, 2, { key: 'g', keyType: 0 });
      expect(found).toMatchObject({ errorCode: 0, nodeId: 1, host, port });
      const cluster = await other.call(DescribeCluster, 0, {
        includeClusterAuthorizedOperations: false,
      });
      expect(cluster.brokers).toMatchObject([{ brokerId: 1, host, port }]);
      other.destroy();
    }
  });

  test.each([
    ['kafka.example:7000', 'kafka.example', 7000],
    ['[2001:db8::1]:7000', '2001:db8::1', 7000],
  ])('--advertise %s is told instead', (advertise, host, port) =>
    withBroker({ advertise }, async (_broker, other) => {
      const { brokers } = await other.call(Metadata, 9, { topics: [] });
      expect(brokers).toMatchObject([{ host, port }]);
    }),
  );

  test('--advertise without a port keeps the port', () =>
    withBroker({ advertise: 'kafka.example' }, async (running, other) => {
      const { brokers } = await other.call(Metadata, 9, { topics: [] });
      expect(brokers).toMatchObject([{ host: 'kafka.example', port: running.addresses[0]?.port }]);
    }));

  test('the controller is this node, and the cluster has an id', async () => {
    const answer = await client.call(Metadata, 9, { topics: [] });
    expect(answer.controllerId).toBe(1);
    expect(answer.clusterId).toBe(broker.clusterId);
    expect(answer.clusterId).toMatch(/^[\w-]{22}$/);
  });
});

describe('topics', () => {
  test('a topic that is asked for comes with its leader in the same answer', async () => {
    const { topics } = await askFor(client, 'made-by-asking');
    expect(topics).toMatchObject([
      { errorCode: 0, name: 'made-by-asking', partitions: [{ errorCode: 0, leaderId: 1 }] },
    ]);
  });

  test('many who ask at once make one topic', async () => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => WireClient.connect(broker.addresses[0]?.port ?? 0)),
    );
    const answers = await Promise.all(clients.map((other) => askFor(other, 'single-flight')));
    const ids = new Set(answers.map(({ topics }) => topics[0]?.topicId));
    expect(ids.size).toBe(1);
    expect(answers.every(({ topics }) => topics[0]?.errorCode === 0)).toBe(true);
    for (const other of clients) other.destroy();
  });

  test('nothing is made when the client does not want it, or the broker', async () => {
    const refused = await askFor(client, 'unwanted', false);
    expect(errorName(refused.topics[0]?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    await withBroker({ configs: { 'auto.create.topics.enable': 'false' } }, async (_, other) => {
      const { topics } = await askFor(other, 'unwanted');
      expect(errorName(topics[0]?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    });
  });

  test('a recreated topic is UNKNOWN_TOPIC_ID to those who knew the old one', async () => {
    const created = await client.call(CreateTopics, 7, { topics: [newTopic('again')] });
    const topicId = created.topics[0]?.topicId ?? '';
    await client.call(DeleteTopics, 5, { topicNames: ['again'], timeoutMs: 1000 });
    await client.call(CreateTopics, 7, { topics: [newTopic('again')] });
    const fetched = await client.call(Fetch, 13, {
      maxWaitMs: 5000,
      minBytes: 1,
      topics: [
        { topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
      ],
      forgottenTopicsData: [],
    });
    const code = fetched.responses[0]?.partitions[0]?.errorCode ?? 0;
    expect(errorName(code)).toBe('UNKNOWN_TOPIC_ID');
    const asked = await client.call(Metadata, 12, { topics: [{ topicId, name: null }] });
    expect(errorName(asked.topics[0]?.errorCode ?? 0)).toBe('UNKNOWN_TOPIC_ID');
  });

  test('a replication factor above 1 is refused, or accepted and told as 1', async () => {
    const refused = await client.call(CreateTopics, 7, { topics: [newTopic('three', 3)] });
    expect(errorName(refused.topics[0]?.errorCode ?? 0)).toBe('INVALID_REPLICATION_FACTOR');
    await withBroker({ acceptReplicationFactor: true }, async (_broker, other) => {
      const accepted = await other.call(CreateTopics, 7, { topics: [newTopic('three', 3)] });
      expect(accepted.topics).toMatchObject([{ errorCode: 0, replicationFactor: 1 }]);
    });
  });

  test('an int64 config is echoed as it was sent', async () => {
    const value = '9223372036854775807';
    const configs = [{ name: 'retention.ms', value }];
    await client.call(CreateTopics, 7, { topics: [{ ...newTopic('for-ever'), configs }] });
    expect((await produceOne(client, 'for-ever', batch())).code).toBe('NONE');
    const described = await client.call(DescribeConfigs, 4, {
      resources: [
        { resourceType: 2, resourceName: 'for-ever', configurationKeys: ['retention.ms'] },
      ],
    });
    expect(described.results[0]?.configs).toMatchObject([{ name: 'retention.ms', value }]);
  });

  test('__consumer_offsets is made by the first group, internal, with 8 partitions', () =>
    withBroker({}, async (running, other) => {
      await askFor(other, 't');
      expect(running.engine.topic('__consumer_offsets')).toBeUndefined();
      await other.call(OffsetCommit, 8, {
        groupId: 'g',
        topics: [
          {
            name: 't',
            partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }],
          },
        ],
      });
      const { topics } = await other.call(Metadata, 9, { topics: null });
      const offsets = topics.find(({ name }) => name === '__consumer_offsets');
      expect(offsets).toMatchObject({ isInternal: true });
      expect(offsets?.partitions).toHaveLength(8);
      const fetched = await other.call(OffsetFetch, 8, {
        groups: [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }],
      });
      expect(fetched.groups[0]?.topics[0]?.partitions[0]?.committedOffset).toBe(7);
    }));
});

describe('offsets and producers', () => {
  test.each([1, 2 ** 31, Number.MAX_SAFE_INTEGER, -1, -2, -(2 ** 40)])(
    'offset %d of an empty partition is OFFSET_OUT_OF_RANGE',
    async (fetchOffset) => {
      await askFor(client, 'empty');
      const fetched = await client.call(Fetch, 11, {
        maxWaitMs: 5000,
        minBytes: 1,
        topics: [
          { topic: 'empty', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1000 }] },
        ],
        forgottenTopicsData: [],
      });
      const code = fetched.responses[0]?.partitions[0]?.errorCode ?? 0;
      expect(errorName(code)).toBe('OFFSET_OUT_OF_RANGE');
    },
  );

  test('the largest int64 as an offset or a time is survived', async () => {
    await askFor(client, 'edges');
    const timestamp = Number.MAX_SAFE_INTEGER;
    const answer = await client.call(ListOffsets, 7, {
      replicaId: -1,
      topics: [{ name: 'edges', partitions: [{ partitionIndex: 0, timestamp }] }],
    });
    expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, offset: -1 });
  });

  test('a producer id without state may begin at any sequence', async () => {
    await askFor(client, 'idempotent');
    const producer = { producerId: 4711, producerEpoch: 3, baseSequence: 99 };
    const first = await produceOne(client, 'idempotent', batch(producer));
    expect(first.code).toBe('NONE');
    // Sent again, it is the same batch.
    expect(await produceOne(client, 'idempotent', batch(producer))).toEqual(first);
    const gap = batch({ ...producer, baseSequence: 200 });
    expect((await produceOne(client, 'idempotent', gap)).code).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  test('producer ids are never given twice, also when memory starts anew', async () => {
    const next = (_broker: ServingBroker, other: WireClient) =>
      other
        .call(InitProducerId, 3, { transactionalId: null, transactionTimeoutMs: 0 })
        .then(({ producerId }) => producerId);
    const first = await withBroker({}, next);
    const second = await withBroker({}, next);
    expect(second).toBeGreaterThan(first);
  });

  test('transactions are refused for good, with a text', async () => {
    const found = await client.call(FindCoordinator, 4, { keyType: 1, coordinatorKeys: ['tx'] });
    const [coordinator] = found.coordinators;
    expect(errorName(coordinator?.errorCode ?? 0)).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');
    expect(coordinator?.errorMessage).toMatch(/no transactions/);
    const init = await client.call(InitProducerId, 4, {
      transactionalId: 'tx',
      transactionTimeoutMs: 1000,
    });
    expect(errorName(init.errorCode)).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');
  });

  test('Produce is announced from version 0', async () => {
    const { apiKeys } = await client.call(ApiVersions, 0, {});
    expect(apiKeys.find(({ apiKey }) => apiKey === 0)).toMatchObject({ minVersion: 0 });
  });
});

describe('in process', () => {
  test('the same broker is reached without a socket', async () => {
    const transport = broker.transport();
    const { topics } = await transport.send(Metadata, {
      topics: [{ name: 'inside', topicId: ZERO_UUID }],
    });
    const topicId = topics[0]?.topicId ?? '';
    const produced = await transport.send(Produce, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ topicId, partitionData: [{ index: 0, records: batch() }] }],
    });
    expect(produced.responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    });
    const fetched = await transport.send(Fetch, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        { topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
      ],
      forgottenTopicsData: [],
    });
    const records = fetched.responses[0]?.partitions[0]?.records;
    expect(records?.subarray(16).equals(batch().subarray(16))).toBe(true);
    await transport.close();
    await expect(transport.send(Metadata, { topics: [] })).rejects.toThrow(/closed/);
  });

  test('closing the transport ends a request that waits', async () => {
    await askFor(client, 'quiet');
    const transport = broker.transport();
    const waiting = transport.send(
      Fetch,
      {
        maxWaitMs: 60_000,
        minBytes: 1,
        topics: [
          { topic: 'quiet', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 9 }] },
        ],
        forgottenTopicsData: [],
      },
      { version: 11 },
    );
    await transport.close();
    await expect(waiting).rejects.toThrow(/closed/);
  });
});

test('a stop answers the fetch that waits, and ends', async () => {
  const running = await serveAlone({ memory: true, port: 0 });
  const other = await WireClient.connect(running.addresses[0]?.port ?? 0);
  await askFor(other, 'waited-for');
  const waiting = other.call(Fetch, 11, {
    maxWaitMs: 60_000,
    minBytes: 1,
    topics: [
      {
        topic: 'waited-for',
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
      },
    ],
    forgottenTopicsData: [],
  });
  // The request is on its way when an answer to a later connection is back.
  const probe = await WireClient.connect(running.addresses[0]?.port ?? 0);
  await probe.call(ApiVersions, 0, {});
  await running.close();
  expect((await waiting).responses[0]?.partitions[0]?.errorCode).toBe(0);
  await other.closed;
  await probe.closed;
});

test('SyncGroup without a protocol: refused from the version on that has one, as by Kafka', async () => {
  await withBroker({}, async (_broker, client) => {
    const member = { groupId: 'g', generationId: 1, memberId: 'm', assignments: [] };
    const code = async (version: number, said: object): Promise<string> =>
      errorName((await client.call(SyncGroup, version, { ...member, ...said })).errorCode);
    expect(await code(4, {})).toBe('UNKNOWN_MEMBER_ID');
    expect(await code(5, {})).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(await code(5, { protocolType: 'consumer' })).toBe('INCONSISTENT_GROUP_PROTOCOL');
    const said = { protocolType: 'consumer', protocolName: 'range' };
    expect(await code(5, said)).toBe('UNKNOWN_MEMBER_ID');
  });
});
