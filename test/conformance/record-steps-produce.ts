// The scenario: Produce and the producers' ids.

import {
  ApiVersions,
  DescribeProducers,
  InitProducerId,
  Produce,
  type ProduceRequest,
} from '../../src/protocol/index.ts';
import {
  type BatchSettings,
  badBatches,
  batch,
  keylessBatch,
  largeBatch,
} from './record-batches.ts';
import { newTopic, topicsExist } from './record-steps-topics.ts';
import type { Captured, Step } from './recorder.ts';
import { step } from './recorder.ts';

const UNKNOWN_ID = 'dW5rbm93bi10b3BpYy1pZA';
const versions = Array.from(
  { length: Produce.versions[1] - Produce.versions[0] + 1 },
  (_, index) => Produce.versions[0] + index,
);

type Partition = ProduceRequest['topicData'][number]['partitionData'][number];
type Data = { readonly topic: string; readonly partitions: readonly Partition[] };

/** A Produce request for either way of naming topics. */
function produce(
  at: { readonly version: number; readonly captured: Captured },
  data: readonly Data[],
  acks = -1,
): ProduceRequest {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 30_000,
    topicData: data.map(({ topic, partitions }) => ({
      ...(at.version >= 13
        ? { topicId: at.captured.topicIds.get(topic) ?? UNKNOWN_ID, name: '' }
        : { name: topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }),
      partitionData: [...partitions],
    })),
  };
}

/** One batch to partition 0 of this version's own topic. */
function sends(
  name: string,
  records: (captured: Captured, version: number) => Buffer | null,
  options: { acks?: number; topic?: string; versions?: readonly [number, number] } = {},
): Step {
  return step(
    name,
    Produce,
    (version, captured) =>
      produce(
        { version, captured },
        [
          {
            topic: options.topic ?? `p-${version}`,
            partitions: [{ index: 0, records: records(captured, version) }],
          },
        ],
        options.acks,
      ),
    options.versions === undefined ? {} : { versions: options.versions },
  );
}

function numbered(captured: Captured, version: number, rest: { epoch: number; sequence: number }) {
  const producerId = captured.number(`producer ${version}`);
  const producer = { producerId, producerEpoch: rest.epoch, baseSequence: rest.sequence };
  return { producer } satisfies BatchSettings;
}

export const produceSteps: Step[] = [
  ...topicsExist('topics to produce to', [
    ...versions.map((version) => newTopic(`p-${version}`, 2)),
    newTopic('small', 1, { 'max.message.bytes': '200' }),
    newTopic('with-tails'),
    newTopic('compacted', 1, { 'cleanup.policy': 'compact' }),
    newTopic('append-time', 1, { 'message.timestamp.type': 'LogAppendTime' }),
    newTopic('recent-only', 1, { 'message.timestamp.before.max.ms': '1000' }),
    newTopic('recompressed', 1, { 'compression.type': 'gzip' }),
  ]),
  step('two partitions', Produce, (version, captured) =>
    produce({ version, captured }, [
      {
        topic: `p-${version}`,
        partitions: [0, 1].map((index) => ({ index, records: batch(2 + index) })),
      },
    ]),
  ),
  sends('acks of one', () => batch(), { acks: 1 }),
  sends('acks of two', () => batch(), { acks: 2 }),
  sends('acks of minus two', () => batch(), { acks: -2 }),
  step(
    'acks of none',
    Produce,
    (version, captured) => {
      const partitions = [{ index: 0, records: batch(1) }];
      return produce({ version, captured }, [{ topic: `p-${version}`, partitions }], 0);
    },
    { silent: true },
  ),
  step('the connection lives on', ApiVersions, () => ({}), {
    versions: [0, 0],
    volatile: ['apiKeys'],
  }),
  step('no topics', Produce, (version, captured) => produce({ version, captured }, [])),
  step('places that are not there', Produce, (version, captured) =>
    produce({ version, captured }, [
      { topic: 'not-there', partitions: [{ index: 0, records: batch() }] },
      {
        topic: `p-${version}`,
        partitions: [7, -1].map((index) => ({ index, records: batch() })),
      },
    ]),
  ),
  step('one of two partitions is bad', Produce, (version, captured) =>
    produce({ version, captured }, [
      {
        topic: `p-${version}`,
        partitions: [
          { index: 0, records: badBatches['a wrong CRC']!() },
          { index: 1, records: batch() },
        ],
      },
    ]),
  ),
  step(
    'a name that is illegal',
    Produce,
    (version, captured) =>
      produce({ version, captured }, [
        { topic: '../up', partitions: [{ index: 0, records: batch() }] },
      ]),
    { versions: [3, 12] },
  ),
  ...Object.entries(badBatches).map(([name, make]) => sends(`a batch with ${name}`, make)),
  ...(['gzip', 'snappy', 'lz4', 'zstd'] as const).map((codec) =>
    sends(`compressed by ${codec}`, () => batch(3, { codec })),
  ),
  sends('bytes after a batch', () => Buffer.concat([batch(), Buffer.from([1, 2, 3])]), {
    topic: 'with-tails',
  }),
  sends('too large', () => largeBatch(300), { topic: 'small' }),
  sends('no key where one is needed', keylessBatch, { topic: 'compacted' }),
  sends("the broker's own time", () => batch(), { topic: 'append-time' }),
  sends('a time too long ago', () => batch(), { topic: 'recent-only' }),
  sends('a codec of the topic', () => batch(), { topic: 'recompressed' }),
  sends('a transaction that was not begun', () =>
    batch(1, {
      transactional: true,
      producer: { producerId: 999_999, producerEpoch: 0, baseSequence: 0 },
    }),
  ),
];

const producerVersions = versions.map((version) =>
  step(
    `a producer for version ${version}`,
    InitProducerId,
    () => ({
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    }),
    {
      versions: [4, 4],
      until: (response) => response.errorCode === 0,
      capture: (response, captured) => {
        captured.numbers.set(`producer ${version}`, response.producerId);
      },
    },
  ),
);

export const producerSteps: Step[] = [
  step(
    'a producer id',
    InitProducerId,
    () => ({
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    }),
    { until: (response) => response.errorCode === 0 },
  ),
  step(
    'a new epoch for a producer that has none',
    InitProducerId,
    () => ({
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: 123_456_789,
      producerEpoch: 3,
    }),
    { versions: [3, 5] },
  ),
  step('an empty transactional id', InitProducerId, () => ({
    transactionalId: '',
    transactionTimeoutMs: 60_000,
  })),
  ...producerVersions,
  sends('the first of a producer', (captured, version) =>
    batch(2, numbered(captured, version, { epoch: 0, sequence: 0 })),
  ),
  sends('the same again', (captured, version) =>
    batch(2, numbered(captured, version, { epoch: 0, sequence: 0 })),
  ),
  sends('the next', (captured, version) =>
    batch(3, numbered(captured, version, { epoch: 0, sequence: 2 })),
  ),
  sends('the first once more', (captured, version) =>
    batch(2, numbered(captured, version, { epoch: 0, sequence: 0 })),
  ),
  sends('a gap in the sequence', (captured, version) =>
    batch(1, numbered(captured, version, { epoch: 0, sequence: 9 })),
  ),
  sends('half of one before', (captured, version) =>
    batch(1, numbered(captured, version, { epoch: 0, sequence: 3 })),
  ),
  sends('a new epoch that begins inside', (captured, version) =>
    batch(1, numbered(captured, version, { epoch: 1, sequence: 4 })),
  ),
  sends('a new epoch', (captured, version) =>
    batch(1, numbered(captured, version, { epoch: 1, sequence: 0 })),
  ),
  sends('an epoch gone by', (captured, version) =>
    batch(1, numbered(captured, version, { epoch: 0, sequence: 5 })),
  ),
  sends('an unknown producer in the middle', () =>
    batch(1, { producer: { producerId: 888_888, producerEpoch: 0, baseSequence: 17 } }),
  ),
  sends('a sequence of minus one', () =>
    batch(1, { producer: { producerId: 888_889, producerEpoch: 0, baseSequence: -1 } }),
  ),
  step('who produces', DescribeProducers, () => ({
    topics: [
      { name: 'p-9', partitionIndexes: [0, 1, 7] },
      { name: 'not-there', partitionIndexes: [0] },
    ],
  })),
  step(
    'half a producer',
    InitProducerId,
    () => ({
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: 5,
      producerEpoch: -1,
    }),
    { versions: [3, 5] },
  ),
];
