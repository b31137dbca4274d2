// The scenario: who the broker is, and the life of topics.

import {
  ApiVersions,
  CreatePartitions,
  CreateTopics,
  type CreateTopicsRequest,
  DeleteTopics,
  DescribeTopicPartitions,
  ListOffsets,
  Metadata,
  ZERO_UUID,
} from '../../src/protocol/index.ts';
import { rawStep, type Step, step } from './recorder.ts';

const UNKNOWN_ID = 'dW5rbm93bi10b3BpYy1pZA';

type NewTopic = CreateTopicsRequest['topics'][number];

export function newTopic(
  name: string,
  numPartitions = 1,
  configs: Readonly<Record<string, string>> = {},
): NewTopic {
  const pairs = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  return { name, numPartitions, replicationFactor: 1, assignments: [], configs: pairs };
}

const settings = { timeoutMs: 30_000, validateOnly: false };
const creations = CreateTopics.versions;

/** Creates topics and waits until the broker knows them, so that later steps find them. */
export function topicsExist(name: string, topics: readonly NewTopic[]): Step[] {
  return [
    step(`${name}: created`, CreateTopics, () => ({ topics, ...settings }), {
      versions: [7, 7],
      capture: (response, captured) => {
        for (const topic of response.topics) captured.setTopicId(topic.name, topic.topicId);
      },
    }),
    step(
      `${name}: known`,
      Metadata,
      () => ({ topics: topics.map((topic) => ({ name: topic.name })) }),
      {
        versions: [12, 12],
        until: (response) =>
          response.topics.every(
            (topic) =>
              topic.errorCode === 0 &&
              topic.partitions.length > 0 &&
              topic.partitions.every((partition) => partition.errorCode === 0),
          ),
      },
    ),
    // Metadata can name a leader before that leader knows: it leads when it answers for every partition.
    step(
      `${name}: led`,
      ListOffsets,
      () => ({
        replicaId: -1,
        isolationLevel: 0,
        topics: topics.map((topic) => ({
          name: topic.name,
          partitions: Array.from({ length: topic.numPartitions }, (_, partitionIndex) => ({
            partitionIndex,
            timestamp: -1,
          })),
        })),
      }),
      {
        versions: [6, 6],
        until: (response) =>
          response.topics.every((topic) =>
            topic.partitions.every((partition) => partition.errorCode === 0),
          ),
      },
    ),
  ];
}

export const versionSteps: Step[] = [
  step(
    'versions',
    ApiVersions,
    () => ({ clientSoftwareName: 'recorder', clientSoftwareVersion: '1.0' }),
    { volatile: ['finalizedFeaturesEpoch'] },
  ),
  step(
    'versions with a software name of spaces',
    ApiVersions,
    () => ({ clientSoftwareName: ' ', clientSoftwareVersion: '1.0' }),
    { versions: [3, 4] },
  ),
  rawStep('versions in a version to come', { api: ApiVersions, version: 0 }, (correlationId) => {
    // No client id, no tagged fields; then a body as version 4 has it.
    const body = Buffer.from('0012006300000000ffff000261026200', 'hex');
    body.writeInt32BE(correlationId, 4);
    return body;
  }),
  rawStep(
    'versions in a version to come, the header cut short',
    { api: ApiVersions, version: 0 },
    (correlationId) => {
      const body = Buffer.from('0012006300000000ffff', 'hex');
      body.writeInt32BE(correlationId, 4);
      return body;
    },
  ),
  rawStep('an API that does not exist', { api: ApiVersions, version: 0 }, (correlationId) => {
    const body = Buffer.alloc(10);
    body.writeInt16BE(999, 0);
    body.writeInt32BE(correlationId, 4);
    body.writeInt16BE(-1, 8);
    return body;
  }),
  rawStep('metadata in a version to come', { api: Metadata, version: 0 }, (correlationId) => {
    const body = Buffer.alloc(14);
    body.writeInt16BE(3, 0);
    body.writeInt16BE(77, 2);
    body.writeInt32BE(correlationId, 4);
    body.writeInt16BE(-1, 8);
    return body;
  }),
  rawStep('a request cut short', { api: Metadata, version: 0 }, (correlationId) => {
    const body = Buffer.alloc(12);
    body.writeInt16BE(3, 0);
    body.writeInt32BE(correlationId, 4);
    body.writeInt16BE(-1, 8);
    return body;
  }),
  step('who is there', Metadata, () => ({ topics: [] }), {
    versions: [7, 7],
    capture: (response, captured) => {
      const [broker] = response.brokers;
      captured.numbers.set('node', broker?.nodeId ?? -1);
      captured.normaliser.ownNode(broker?.nodeId ?? -1);
      captured.normaliser.symbol(response.clusterId ?? '', '<cluster>');
    },
  }),
];

const created = (version: number) => `created-${version}`;

export const topicSteps: Step[] = [
  step(
    'topics are created',
    CreateTopics,
    (version) => ({ topics: [newTopic(created(version), 3)], ...settings }),
    {
      volatile: ['configs'],
      capture: (response, captured, version) => {
        const [topic] = response.topics;
        if (version >= 7 && topic) captured.setTopicId(created(version), topic.topicId);
      },
    },
  ),
  step('a topic that exists', CreateTopics, (version) => ({
    topics: [newTopic(created(version))],
    ...settings,
  })),
  step(
    'only checked',
    CreateTopics,
    () => ({
      topics: [newTopic('only-checked', 2, { 'retention.ms': '1000' })],
      timeoutMs: 30_000,
      validateOnly: true,
    }),
    { volatile: ['configs', 'topicId'] },
  ),
  step(
    'names that Kafka refuses',
    CreateTopics,
    () => ({
      topics: ['', '.', '..', 'a/b', 'a b', 'ä', 'x'.repeat(249), 'x'.repeat(250), 'a\\b'].map(
        (name) => newTopic(name),
      ),
      timeoutMs: 30_000,
      validateOnly: true,
    }),
    { volatile: ['configs', 'topicId'] },
  ),
  step(
    'names that collide',
    CreateTopics,
    () => ({
      topics: [newTopic('with.dot'), newTopic('with_dot')],
      ...settings,
    }),
    { versions: [7, 7], volatile: ['configs', 'topicId'] },
  ),
  step('the same name twice', CreateTopics, () => ({
    topics: [newTopic('twice'), newTopic('twice')],
    ...settings,
  })),
  step('counts that are illegal', CreateTopics, () => ({
    topics: [
      newTopic('no-partitions', 0),
      newTopic('minus-two', -2),
      { ...newTopic('three-replicas'), replicationFactor: 3 },
      { ...newTopic('no-replicas'), replicationFactor: 0 },
    ],
    ...settings,
  })),
  step(
    'defaults asked for',
    CreateTopics,
    () => ({
      topics: [{ ...newTopic('defaults', -1), replicationFactor: -1 }],
      timeoutMs: 30_000,
      validateOnly: true,
    }),
    { versions: [4, creations[1]], volatile: ['configs', 'topicId'] },
  ),
  step('configs that are illegal', CreateTopics, () => ({
    topics: [
      newTopic('unknown-config', 1, { 'no.such.config': '1' }),
      newTopic('bad-number', 1, { 'retention.ms': 'many' }),
      newTopic('bad-range', 1, { 'retention.ms': '-2' }),
      newTopic('bad-choice', 1, { 'cleanup.policy': 'burn' }),
      newTopic('bad-segment', 1, { 'segment.bytes': '1' }),
      newTopic('bad-codec', 1, { 'compression.type': 'brotli' }),
      newTopic('bad-ratio', 1, { 'min.cleanable.dirty.ratio': '1.5' }),
    ],
    ...settings,
  })),
  step(
    'assignments by hand',
    CreateTopics,
    (version, captured) => ({
      topics: [
        {
          ...newTopic(`assigned-${version}`, -1),
          replicationFactor: -1,
          assignments: [0, 1].map((partitionIndex) => ({
            partitionIndex,
            brokerIds: [captured.number('node')],
          })),
        },
        {
          ...newTopic('assigned-elsewhere', -1),
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0, brokerIds: [4711] }],
        },
        {
          ...newTopic('assigned-and-counted', 2),
          assignments: [{ partitionIndex: 0, brokerIds: [captured.number('node')] }],
        },
      ],
      ...settings,
    }),
    { volatile: ['configs', 'topicId'] },
  ),
  ...topicsExist('the topics of this part', [
    newTopic('plain', 2),
    newTopic('to-grow', 1),
    ...[1, 2, 3, 4, 5, 6].map((version) => newTopic(`to-delete-${version}`)),
  ]),
  step('metadata of some', Metadata, (version) => ({
    topics: [{ name: 'plain' }, { name: created(7) }],
    ...(version >= 4 ? { allowAutoTopicCreation: false } : {}),
  })),
  step('metadata of none', Metadata, () => ({ topics: [] }), { versions: [1, 13] }),
  step(
    'metadata of what is not there',
    Metadata,
    () => ({
      topics: [{ name: 'not-there' }],
      allowAutoTopicCreation: false,
    }),
    { versions: [4, 13] },
  ),
  step(
    'metadata of illegal names',
    Metadata,
    () => ({
      topics: [{ name: '..' }, { name: 'a/b' }, { name: '' }],
      allowAutoTopicCreation: true,
    }),
    { versions: [4, 13] },
  ),
  step(
    'metadata by id',
    Metadata,
    (_version, captured) => ({
      topics: [
        { topicId: captured.topicId('plain'), name: null },
        { topicId: UNKNOWN_ID, name: null },
      ],
      allowAutoTopicCreation: false,
    }),
    { versions: [12, 13] },
  ),
  step(
    'metadata by id before it could be',
    Metadata,
    (_version, captured) => ({
      topics: [{ topicId: captured.topicId('plain'), name: null }],
      allowAutoTopicCreation: false,
    }),
    { versions: [10, 11] },
  ),
  step(
    'metadata by a name and by no name',
    Metadata,
    () => ({
      topics: [{ topicId: ZERO_UUID, name: 'plain' }],
      allowAutoTopicCreation: false,
    }),
    { versions: [10, 13] },
  ),
  step(
    'metadata creates topics',
    Metadata,
    (version) => ({
      topics: [{ name: `made-${version}` }],
      allowAutoTopicCreation: true,
    }),
    {
      versions: [4, 13],
      until: (response) => response.topics[0]?.errorCode === 0,
      volatile: ['topicId'],
    },
  ),
  step(
    'operations allowed',
    Metadata,
    (version) => ({
      topics: [{ name: 'plain' }],
      includeTopicAuthorizedOperations: true,
      ...(version <= 10 ? { includeClusterAuthorizedOperations: true } : {}),
    }),
    { versions: [8, 13] },
  ),
  step('topics in pages', DescribeTopicPartitions, () => ({
    topics: [{ name: 'plain' }, { name: created(7) }, { name: 'not-there' }],
    responsePartitionLimit: 3,
  })),
  step('the next page', DescribeTopicPartitions, () => ({
    topics: [{ name: 'plain' }, { name: created(7) }],
    responsePartitionLimit: 2,
    cursor: { topicName: 'plain', partitionIndex: 1 },
  })),
  step('a page limit of zero', DescribeTopicPartitions, () => ({
    topics: [{ name: 'plain' }],
    responsePartitionLimit: 0,
  })),
  step('a topic grows', CreatePartitions, (version) => ({
    topics: [{ name: 'to-grow', count: 2 + version, assignments: null }],
    timeoutMs: 30_000,
    validateOnly: false,
  })),
  step('growth that is illegal', CreatePartitions, (_version, captured) => ({
    topics: [
      { name: 'to-grow', count: 1, assignments: null },
      { name: 'plain', count: 2, assignments: null },
      { name: 'not-there', count: 2, assignments: null },
      { name: created(7), count: -1, assignments: null },
      { name: created(6), count: 4, assignments: [{ brokerIds: [4711] }] },
      {
        name: created(5),
        count: 4,
        assignments: [captured.number('node'), captured.number('node')].map((id) => ({
          brokerIds: [id],
        })),
      },
    ],
    timeoutMs: 30_000,
    validateOnly: false,
  })),
  step('growth only checked', CreatePartitions, () => ({
    topics: [{ name: 'plain', count: 9, assignments: null }],
    timeoutMs: 30_000,
    validateOnly: true,
  })),
  step('topics are deleted', DeleteTopics, (version) => ({
    ...(version >= 6
      ? { topics: [{ name: `to-delete-${version}`, topicId: ZERO_UUID }] }
      : { topicNames: [`to-delete-${version}`] }),
    timeoutMs: 30_000,
  })),
  step('a topic that is not there is deleted', DeleteTopics, (version) => ({
    ...(version >= 6
      ? { topics: [{ name: 'not-there', topicId: ZERO_UUID }] }
      : { topicNames: ['not-there'] }),
    timeoutMs: 30_000,
  })),
  step(
    'topics are deleted by id',
    DeleteTopics,
    (_version, captured) => ({
      topics: [
        { name: null, topicId: captured.topicId(created(7)) },
        { name: null, topicId: UNKNOWN_ID },
      ],
      timeoutMs: 30_000,
    }),
    { versions: [6, 6] },
  ),
  step(
    'a name and an id at once',
    DeleteTopics,
    (_version, captured) => ({
      topics: [{ name: 'plain', topicId: captured.topicId('plain') }],
      timeoutMs: 30_000,
    }),
    { versions: [6, 6] },
  ),
];
