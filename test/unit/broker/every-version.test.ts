// Every API in every version that is announced: good and failing requests over a real socket. An
// answer that cannot be encoded in a version would close the connection, which is what this looks
// for.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBroker, type RunningBroker } from '../../../src/compose/index.ts';
import {
  type Api,
  ApiVersions,
  apiByKey,
  CreateTopics,
  type Fields,
  Produce,
  ZERO_UUID,
} from '../../../src/protocol/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { WireClient } from '../../hostile/support/wire-client.ts';

let broker: RunningBroker;
let port: number;
let topicId: string;

beforeAll(async () => {
  broker = await openBroker({ memory: true, port: 0 });
  port = broker.addresses[0]?.port ?? 0;
  const client = await WireClient.connect(port);
  const topic = { name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const created = await client.call(CreateTopics, 7, { topics: [topic] });
  topicId = created.topics[0]?.topicId ?? '';
  client.destroy();
});

afterAll(() => broker.close());

const batch = () =>
  buildBatch([{ timestamp: Date.UTC(2026, 0, 1), key: null, value: Buffer.from('v') }]);

/**
 * Requests to an API: what a client asks, and what fails. `known` says whether the topic is there.
 */
type Sample = (version: number, known: boolean) => Record<string, unknown>;

const name = (known: boolean) => (known ? 't' : 'nowhere');
const id = (known: boolean) => (known ? topicId : 'AAAAAAAAAAAAAAAAAAAAAQ');
/** A topic by name or, from a version on, by id. */
const byId = (since: number, field: string) => (version: number, known: boolean) =>
  version >= since ? { topicId: id(known) } : { [field]: name(known) };
const produceTopic = byId(13, 'name');
const fetchTopic = byId(13, 'topic');
const offsetTopic = byId(10, 'name');
const memberOf = (known: boolean) => ({
  groupId: known ? 'g' : '',
  generationId: 1,
  memberId: 'm',
});

const samples: Readonly<Record<string, Sample>> = {
  Produce: (version, known) => ({
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      { ...produceTopic(version, known), partitionData: [{ index: 0, records: batch() }] },
    ],
  }),
  Fetch: (version, known) => ({
    maxWaitMs: 0,
    minBytes: 1,
    ...(version >= 7 ? { sessionId: 0, sessionEpoch: 0 } : {}),
    topics: [
      {
        ...fetchTopic(version, known),
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
      },
    ],
    forgottenTopicsData: [],
  }),
  ListOffsets: (_version, known) => ({
    replicaId: -1,
    topics: [{ name: name(known), partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  }),
  Metadata: (version, known) => ({
    topics:
      version >= 12 && !known
        ? [{ name: null, topicId: id(false) }]
        : [{ name: name(known), topicId: ZERO_UUID }],
    ...(version >= 4 ? { allowAutoTopicCreation: false } : {}),
    ...(version >= 8 ? { includeTopicAuthorizedOperations: true } : {}),
  }),
  OffsetCommit: (version, known) => ({
    groupId: 'simple',
    topics: [
      {
        ...offsetTopic(version, known),
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
      },
    ],
  }),
  OffsetFetch: (version, known) =>
    version >= 8
      ? {
          groups: [
            {
              groupId: 'simple',
              topics: [{ ...offsetTopic(version, known), partitionIndexes: [0] }],
            },
          ],
        }
      : { groupId: 'simple', topics: [{ name: name(known), partitionIndexes: [0] }] },
  FindCoordinator: (version, known) => {
    const type = version >= 1 ? { keyType: known ? 0 : 1 } : {};
    return version >= 4 ? { ...type, coordinatorKeys: ['g'] } : { ...type, key: 'g' };
  },
  JoinGroup: (_version, known) => ({
    groupId: known ? 'joined' : '',
    sessionTimeoutMs: 10_000,
    memberId: 'unknown-member',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  }),
  Heartbeat: (_version, known) => memberOf(known),
  LeaveGroup: (version, known) =>
    version >= 3
      ? { groupId: known ? 'g' : '', members: [{ memberId: 'm' }] }
      : { groupId: known ? 'g' : '', memberId: 'm' },
  SyncGroup: (_version, known) => ({ ...memberOf(known), assignments: [] }),
  DescribeGroups: (_version, known) => ({ groups: [known ? 'simple' : 'nobody'] }),
  ListGroups: () => ({}),
  ApiVersions: (version, known) =>
    version >= 3 ? { clientSoftwareName: known ? 'test' : '!', clientSoftwareVersion: '1' } : {},
  CreateTopics: (_version, known) => ({
    topics: [
      {
        name: known ? 't' : 'would-be',
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      },
    ],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  DeleteTopics: (version, known) =>
    version >= 6
      ? { topics: [known ? { name: 'nowhere' } : { topicId: id(false) }], timeoutMs: 1000 }
      : { topicNames: ['nowhere'], timeoutMs: 1000 },
  DeleteRecords: (_version, known) => ({
    topics: [{ name: name(known), partitions: [{ partitionIndex: 0, offset: 0 }] }],
    timeoutMs: 1000,
  }),
  InitProducerId: (_version, known) => ({
    transactionalId: known ? null : 'tx',
    transactionTimeoutMs: 1000,
  }),
  OffsetForLeaderEpoch: (_version, known) => ({
    topics: [{ topic: name(known), partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  }),
  DescribeConfigs: (version, known) => ({
    resources: [
      { resourceType: 2, resourceName: name(known), configurationKeys: null },
      { resourceType: known ? 4 : 77, resourceName: '1', configurationKeys: null },
    ],
    includeSynonyms: true,
    ...(version >= 3 ? { includeDocumentation: true } : {}),
  }),
  AlterConfigs: (_version, known) => ({
    resources: [{ resourceType: 2, resourceName: name(known), configs: [] }],
    validateOnly: true,
  }),
  DescribeLogDirs: (_version, known) => ({
    topics: known ? null : [{ topic: 'nowhere', partitions: [0] }],
  }),
  CreatePartitions: (_version, known) => ({
    topics: [{ name: name(known), count: 2, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  DeleteGroups: (_version, known) => ({ groupsNames: [known ? 'nobody' : ''] }),
  ElectLeaders: (_version, known) => ({
    topicPartitions: known ? null : [{ topic: 'nowhere', partitions: [0] }],
    timeoutMs: 1000,
  }),
  IncrementalAlterConfigs: (_version, known) => ({
    resources: [
      {
        resourceType: 2,
        resourceName: name(known),
        configs: [{ name: 'retention.ms', configOperation: 0, value: '1000' }],
      },
    ],
    validateOnly: true,
  }),
  AlterPartitionReassignments: (_version, known) => ({
    topics: [{ name: name(known), partitions: [{ partitionIndex: 0, replicas: [1] }] }],
  }),
  ListPartitionReassignments: () => ({ topics: null }),
  OffsetDelete: (_version, known) => ({
    groupId: known ? 'simple' : 'nobody',
    topics: [{ name: 'nowhere', partitions: [{ partitionIndex: 0 }] }],
  }),
  DescribeClientQuotas: () => ({ components: [], strict: false }),
  DescribeQuorum: (_version, known) => ({
    topics: [
      { topicName: known ? '__cluster_metadata' : 't', partitions: [{ partitionIndex: 0 }] },
    ],
  }),
  DescribeCluster: (version, known) => ({
    includeClusterAuthorizedOperations: true,
    ...(version >= 1 ? { endpointType: known ? 1 : 2 } : {}),
  }),
  DescribeProducers: (_version, known) => ({
    topics: [{ name: name(known), partitionIndexes: [0] }],
  }),
  ConsumerGroupHeartbeat: (version, known) => ({
    groupId: known ? 'modern' : 'unknown',
    memberId: 'member',
    memberEpoch: known ? 0 : 7,
    ...(known ? { rebalanceTimeoutMs: 60_000, topicPartitions: [] } : {}),
    ...(version >= 1 ? { subscribedTopicRegex: known ? 'known.*' : '(' } : {}),
    subscribedTopicNames: [name(known)],
  }),
  ConsumerGroupDescribe: (_version, known) => ({
    groupIds: [known ? 'modern' : 'unknown'],
    includeAuthorizedOperations: true,
  }),
  ListConfigResources: (version, known) =>
    version >= 1 ? { resourceTypes: known ? [] : [99] } : {},
  DescribeTopicPartitions: (_version, known) => ({
    topics: [{ name: name(known) }],
    responsePartitionLimit: 10,
  }),
};

describe('every announced version is answered', async () => {
  const probe = await openBroker({ memory: true, port: 0 });
  const asking = await WireClient.connect(probe.addresses[0]?.port ?? 0);
  const { apiKeys } = await asking.call(ApiVersions, 0, {});
  asking.destroy();
  await probe.close();
  const announced = apiKeys.flatMap(({ apiKey, minVersion, maxVersion }) => {
    const api = apiByKey(apiKey) as Api;
    // Produce 0 to 2 are announced and refused (KAFKA-18659).
    const lowest = apiKey === Produce.key ? 3 : minVersion;
    return Array.from({ length: maxVersion - lowest + 1 }, (_, step) => ({
      api,
      name: api.name,
      version: lowest + step,
    }));
  });

  test('there is a sample for each', () => {
    const served = new Set(announced.map(({ name }) => name));
    expect([...served].sort()).toEqual(Object.keys(samples).sort());
  });

  test.each(announced)('$name $version', async ({ api, name, version }) => {
    const client = await WireClient.connect(port);
    for (const known of [true, false]) {
      const request = samples[name]?.(version, known) ?? {};
      const answer = await client.call(api as Api<Fields, Fields>, version, request as never);
      expect(answer).toBeTypeOf('object');
    }
    client.destroy();
  });

  test.each(announced)('$name $version with the longest texts', async ({ api, name, version }) => {
    const client = await WireClient.connect(port);
    for (const known of [true, false]) {
      const request = samples[name]?.(version, known) ?? {};
      for (const asked of withLongTexts(request)) {
        const answer = await client.call(api as Api<Fields, Fields>, version, asked as never);
        expect(answer).toBeTypeOf('object');
      }
    }
    client.destroy();
  });
});

/** As long as a text may be on the wire: what is told of it would be longer. */
const LONGEST = 'x'.repeat(32_767);

/** The request with one of its texts as long as can be, for each of them; ids of topics are no texts. */
function* withLongTexts(value: unknown): Generator<unknown> {
  if (typeof value === 'string') yield LONGEST;
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return;
  for (const [name, part] of Object.entries(value)) {
    if (name === 'topicId') continue;
    for (const long of withLongTexts(part)) {
      yield Array.isArray(value) ? value.with(Number(name), long) : { ...value, [name]: long };
    }
  }
}
