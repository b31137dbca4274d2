// The scenario: configs, and what there is to know of the cluster.

import {
  AlterConfigs,
  DescribeCluster,
  DescribeConfigs,
  DescribeLogDirs,
  DescribeQuorum,
  ElectLeaders,
  IncrementalAlterConfigs,
} from '../../src/protocol/index.ts';
import { newTopic, topicsExist } from './record-steps-topics.ts';
import type { Captured, Step } from './recorder.ts';
import { step } from './recorder.ts';

const TOPIC = 2;
const BROKER = 4;
const NAME = 'configured';

function node(captured: Captured): string {
  return String(captured.number('node'));
}

/** `settled` names a config and its value that a change before is going to give. */
const describeTopic = (
  name: string,
  keys: readonly string[] | null,
  more: { synonyms?: boolean; settled?: readonly [string, string] } = {},
): Step =>
  step(
    name,
    DescribeConfigs,
    (version) => ({
      resources: [
        { resourceType: TOPIC, resourceName: NAME, configurationKeys: keys && [...keys] },
      ],
      includeSynonyms: more.synonyms ?? false,
      ...(version >= 3 ? { includeDocumentation: false } : {}),
    }),
    {
      until: (response) => {
        if (more.settled === undefined) return true;
        const [config, value] = more.settled;
        return response.results.some((result) =>
          result.configs.some((one) => one.name === config && one.value === value),
        );
      },
    },
  );

/** IncrementalAlterConfigs of the topic: operation 0 sets, 1 deletes, 2 appends, 3 subtracts. */
function incremental(
  name: string,
  changes: readonly (readonly [config: string, operation: number, value: string | null])[],
  resource: { type?: number; name?: string; validateOnly?: boolean } = {},
): Step {
  return step(name, IncrementalAlterConfigs, (_version, captured) => ({
    resources: [
      {
        resourceType: resource.type ?? TOPIC,
        resourceName: resource.name ?? (resource.type === BROKER ? node(captured) : NAME),
        configs: changes.map(([config, configOperation, value]) => ({
          name: config,
          configOperation,
          value,
        })),
      },
    ],
    validateOnly: resource.validateOnly ?? false,
  }));
}

export const configSteps: Step[] = [
  ...topicsExist('a topic to configure', [
    newTopic(NAME, 1, { 'retention.ms': '86400000', 'cleanup.policy': 'compact,delete' }),
  ]),
  describeTopic('all configs of a topic', null),
  describeTopic('two configs of a topic', ['retention.ms', 'segment.bytes']),
  describeTopic('configs with synonyms', ['retention.ms', 'segment.bytes'], { synonyms: true }),
  describeTopic('no configs of a topic', []),
  describeTopic('a config that is not there', ['no.such.config']),
  step(
    'configs with documentation',
    DescribeConfigs,
    () => ({
      resources: [{ resourceType: TOPIC, resourceName: NAME, configurationKeys: ['retention.ms'] }],
      includeDocumentation: true,
    }),
    { versions: [3, 4] },
  ),
  ...(
    [
      ['a topic that is not there', TOPIC, 'not-there'],
      ['an illegal topic', TOPIC, 'a/b'],
      ['another broker', BROKER, '4711'],
      ['a broker without a number', BROKER, 'one'],
      ['a kind that does not exist', 77, 'x'],
    ] as const
  ).map(([name, resourceType, resourceName]) =>
    step(`configs of ${name}`, DescribeConfigs, () => ({
      resources: [{ resourceType, resourceName, configurationKeys: null }],
    })),
  ),
  step(
    'some configs of the broker',
    DescribeConfigs,
    (_version, captured) => ({
      resources: [
        {
          resourceType: BROKER,
          resourceName: node(captured),
          configurationKeys: [
            'log.retention.hours',
            'message.max.bytes',
            'num.partitions',
            'node.id',
          ],
        },
        { resourceType: BROKER, resourceName: '', configurationKeys: null },
      ],
    }),
    { volatile: ['resourceName'] },
  ),
  step('configs are altered', AlterConfigs, () => ({
    resources: [
      {
        resourceType: TOPIC,
        resourceName: NAME,
        configs: [{ name: 'retention.ms', value: '1000000' }],
      },
    ],
    validateOnly: false,
  })),
  describeTopic('after they were altered', ['retention.ms', 'cleanup.policy'], {
    settled: ['retention.ms', '1000000'],
  }),
  step('alterations that are illegal', AlterConfigs, () => ({
    resources: [
      ['retention.ms', 'many'],
      ['retention.ms', null],
      ['no.such.config', '1'],
      ['cleanup.policy', 'burn'],
    ]
      .map(([config, value]) => ({
        resourceType: TOPIC,
        resourceName: NAME,
        configs: [{ name: config ?? '', value: value ?? null }],
      }))
      .slice(0, 1)
      .concat([
        { resourceType: TOPIC, resourceName: 'not-there', configs: [] },
        { resourceType: 77, resourceName: 'x', configs: [] },
      ]),
    validateOnly: false,
  })),
  ...(
    [
      ['a null value', 'retention.ms', null],
      ['an unknown config', 'no.such.config', '1'],
      ['a bad choice', 'cleanup.policy', 'burn'],
      ['a value out of range', 'min.cleanable.dirty.ratio', '2'],
    ] as const
  ).map(([name, config, value]) =>
    step(`altered to ${name}`, AlterConfigs, () => ({
      resources: [{ resourceType: TOPIC, resourceName: NAME, configs: [{ name: config, value }] }],
      validateOnly: false,
    })),
  ),
  incremental('one is set', [['segment.bytes', 0, '1048576']]),
  incremental('the largest number is set', [['retention.ms', 0, '9223372036854775807']]),
  describeTopic('after one was set', ['retention.ms', 'segment.bytes', 'cleanup.policy'], {
    settled: ['retention.ms', '9223372036854775807'],
  }),
  incremental('one is deleted', [['segment.bytes', 1, null]]),
  incremental('one is appended to', [['cleanup.policy', 2, 'compact']]),
  incremental('one is appended twice', [['cleanup.policy', 2, 'compact']]),
  incremental('one is subtracted from', [['cleanup.policy', 3, 'delete']]),
  describeTopic('after a subtraction', ['cleanup.policy', 'segment.bytes'], {
    settled: ['segment.bytes', '1073741824'],
  }),
  incremental('something that is no list is appended to', [['retention.ms', 2, '5']]),
  incremental('an operation that does not exist', [['retention.ms', 9, '5']]),
  incremental('a value without text is set', [['retention.ms', 0, null]]),
  incremental('the same twice', [
    ['retention.ms', 0, '5'],
    ['retention.ms', 0, '6'],
  ]),
  incremental('an unknown one', [['no.such.config', 0, '5']]),
  incremental('a value out of range is set', [['max.message.bytes', 0, '-7']]),
  incremental('a value that only gets checked', [['retention.ms', 0, '77']], {
    validateOnly: true,
  }),
  incremental('one is set on a topic that is not there', [['retention.ms', 0, '5']], {
    name: 'not-there',
  }),
  incremental('a kind of resource that does not exist', [['x', 0, '5']], { type: 77, name: 'x' }),
  incremental('a config of the broker that may change', [['log.cleaner.threads', 0, '2']], {
    type: BROKER,
    validateOnly: true,
  }),
  incremental('a config of the broker that may not change', [['node.id', 0, '7']], {
    type: BROKER,
    validateOnly: true,
  }),
  describeTopic('configs at the end', ['retention.ms', 'cleanup.policy', 'segment.bytes']),
];

export const clusterSteps: Step[] = [
  step('the cluster', DescribeCluster, () => ({
    includeClusterAuthorizedOperations: false,
  })),
  step('the cluster with operations', DescribeCluster, () => ({
    includeClusterAuthorizedOperations: true,
  })),
  step(
    'the controllers',
    DescribeCluster,
    () => ({
      includeClusterAuthorizedOperations: false,
      endpointType: 2,
    }),
    { versions: [1, 2] },
  ),
  step(
    'an endpoint type that does not exist',
    DescribeCluster,
    () => ({
      includeClusterAuthorizedOperations: false,
      endpointType: 9,
    }),
    { versions: [1, 2] },
  ),
  step(
    'the quorum',
    DescribeQuorum,
    () => ({
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
    }),
    { volatile: ['highWatermark', 'logEndOffset', 'replicaDirectoryId', 'leaderEpoch', 'port'] },
  ),
  step('a quorum that does not exist', DescribeQuorum, () => ({
    topics: [{ topicName: 'plain', partitions: [{ partitionIndex: 0 }] }],
  })),
  step('an election that is not needed', ElectLeaders, (version) => ({
    ...(version >= 1 ? { electionType: 0 } : {}),
    topicPartitions: [{ topic: 'plain', partitions: [0, 1] }],
    timeoutMs: 30_000,
  })),
  step(
    'an unclean election that is not needed',
    ElectLeaders,
    () => ({
      electionType: 1,
      topicPartitions: [{ topic: 'plain', partitions: [0] }],
      timeoutMs: 30_000,
    }),
    { versions: [1, 2] },
  ),
  step('elections of what is not there', ElectLeaders, (version) => ({
    ...(version >= 1 ? { electionType: 0 } : {}),
    topicPartitions: [
      { topic: 'not-there', partitions: [0] },
      { topic: 'plain', partitions: [9] },
    ],
    timeoutMs: 30_000,
  })),
  step('elections of none', ElectLeaders, (version) => ({
    ...(version >= 1 ? { electionType: 0 } : {}),
    topicPartitions: [],
    timeoutMs: 30_000,
  })),
  step(
    'a kind of election that does not exist',
    ElectLeaders,
    () => ({
      electionType: 9,
      topicPartitions: [{ topic: 'plain', partitions: [0] }],
      timeoutMs: 30_000,
    }),
    { versions: [1, 2] },
  ),
  step(
    'directories of one topic',
    DescribeLogDirs,
    () => ({
      topics: [{ topic: 'plain', partitions: [0, 1] }],
    }),
    { volatile: ['partitionSize', 'totalBytes', 'usableBytes'] },
  ),
  step(
    'directories of what is not there',
    DescribeLogDirs,
    () => ({
      topics: [{ topic: 'not-there', partitions: [0] }],
    }),
    { volatile: ['totalBytes', 'usableBytes'] },
  ),
  step('directories of no topic', DescribeLogDirs, () => ({ topics: [] }), {
    volatile: ['totalBytes', 'usableBytes'],
  }),
];
