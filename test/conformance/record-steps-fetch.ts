// The scenario: reading, and finding offsets.

import {
  DeleteRecords,
  Fetch,
  type FetchRequest,
  ListOffsets,
  OffsetForLeaderEpoch,
  Produce,
} from '../../src/protocol/index.ts';
import { batch, FIRST_TIMESTAMP, largeBatch } from './record-batches.ts';
import { newTopic, topicsExist } from './record-steps-topics.ts';
import type { Captured, Step, StepOptions } from './recorder.ts';
import { step } from './recorder.ts';

const UNKNOWN_ID = 'dW5rbm93bi10b3BpYy1pZA';
const TOPIC = 'to-read';

type FetchPartition = FetchRequest['topics'][number]['partitions'][number];

function partition(index: number, offset: number, rest: Partial<FetchPartition> = {}) {
  return {
    partition: index,
    fetchOffset: offset,
    partitionMaxBytes: 1_000_000,
    ...rest,
  };
}

interface FetchSettings {
  readonly topic?: string;
  readonly maxBytes?: number;
  readonly minBytes?: number;
  readonly maxWaitMs?: number;
  readonly isolationLevel?: number;
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  readonly forgotten?: readonly number[];
  readonly replicaId?: number;
}

function fetchRequest(
  at: { readonly version: number; readonly captured: Captured },
  partitions: readonly ReturnType<typeof partition>[],
  settings: FetchSettings = {},
) {
  const { topic = TOPIC, forgotten = [] } = settings;
  const named = (name: string) =>
    at.version >= 13 ? { topicId: at.captured.topicIds.get(name) ?? UNKNOWN_ID } : { topic: name };
  return {
    ...(at.version <= 14 && settings.replicaId !== undefined
      ? { replicaId: settings.replicaId }
      : {}),
    maxWaitMs: settings.maxWaitMs ?? 0,
    minBytes: settings.minBytes ?? 0,
    maxBytes: settings.maxBytes ?? 10_000_000,
    isolationLevel: settings.isolationLevel ?? 0,
    ...(settings.sessionId === undefined ? {} : { sessionId: settings.sessionId }),
    ...(settings.sessionEpoch === undefined ? {} : { sessionEpoch: settings.sessionEpoch }),
    topics: partitions.length === 0 ? [] : [{ ...named(topic), partitions: [...partitions] }],
    ...(forgotten.length === 0
      ? {}
      : { forgottenTopicsData: [{ ...named(topic), partitions: [...forgotten] }] }),
  };
}

function fetches(
  name: string,
  partitions: readonly ReturnType<typeof partition>[],
  settings: FetchSettings = {},
  options: StepOptions<typeof Fetch> = {},
): Step {
  return step(
    name,
    Fetch,
    (version, captured) => fetchRequest({ version, captured }, partitions, settings),
    options,
  );
}

const fill = (index: number, records: () => Buffer): Step =>
  step(
    `partition ${index} is filled with ${records().length} bytes`,
    Produce,
    () => ({
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: TOPIC, partitionData: [{ index, records: records() }] }],
    }),
    { versions: [9, 9] },
  );

const inSession = (captured: Captured, version: number, epoch: number) => ({
  sessionId: captured.number(`session ${version}`),
  sessionEpoch: epoch,
});

export const fetchSteps: Step[] = [
  ...topicsExist('a topic to read', [newTopic(TOPIC, 3, { 'retention.ms': '-1' })]),
  fill(0, () => batch(3)),
  fill(0, () => batch(2, { codec: 'gzip' }, FIRST_TIMESTAMP + 10_000)),
  fill(0, () => batch(4, {}, FIRST_TIMESTAMP + 5_000)),
  fill(1, () => largeBatch(5_000)),
  fill(1, () => batch(1)),
  fetches('from the start', [partition(0, 0)]),
  fetches('from inside a batch', [partition(0, 4)]),
  fetches('at the end', [partition(0, 9)]),
  fetches('an empty partition', [partition(2, 0)]),
  fetches('beyond the end', [partition(0, 10), partition(0, 4_000_000_000_000)]),
  fetches('before the start', [partition(0, -1), partition(0, -5)]),
  fetches('a limit below a batch', [partition(0, 0, { partitionMaxBytes: 10 })]),
  fetches('a limit of all below a batch', [partition(1, 0), partition(0, 0)], { maxBytes: 100 }),
  fetches('the second partition waits its turn', [partition(0, 0), partition(1, 0)], {
    maxBytes: 300,
  }),
  fetches('limits of zero', [partition(0, 0, { partitionMaxBytes: 0 })], { maxBytes: 0 }),
  fetches('a negative limit', [partition(0, 0, { partitionMaxBytes: -1 })], { maxBytes: -1 }),
  fetches('a short wait', [partition(0, 9)], { maxWaitMs: 50, minBytes: 1 }),
  fetches('committed only', [partition(0, 0)], { isolationLevel: 1 }),
  fetches('a partition that is not there', [partition(7, 0), partition(-1, 0)]),
  fetches('a topic that is not there', [partition(0, 0)], { topic: 'not-there' }),
  fetches('no partitions', []),
  fetches('as an old replica', [partition(0, 0)], { replicaId: 5 }, { versions: [4, 14] }),
  fetches(
    'a leader epoch gone by',
    [partition(0, 0, { currentLeaderEpoch: -2 })],
    {},
    {
      versions: [9, 18],
    },
  ),
  fetches(
    'a leader epoch to come',
    [partition(0, 0, { currentLeaderEpoch: 99 })],
    {},
    {
      versions: [9, 18],
    },
  ),
  fetches(
    'the leader epoch of now',
    [partition(0, 0, { currentLeaderEpoch: 0 })],
    {},
    {
      versions: [9, 18],
    },
  ),
  fetches(
    'an epoch fetched last',
    [partition(0, 4, { lastFetchedEpoch: 0 })],
    {},
    {
      versions: [12, 18],
    },
  ),
  fetches(
    'a session begins',
    [partition(0, 0), partition(1, 0), partition(2, 0)],
    {
      sessionId: 0,
      sessionEpoch: 0,
    },
    {
      versions: [7, 18],
      capture: (response, captured, version) => {
        captured.numbers.set(`session ${version}`, response.sessionId);
      },
    },
  ),
  step(
    'nothing new in the session',
    Fetch,
    (version, captured) =>
      fetchRequest(
        { version, captured },
        [partition(0, 9), partition(1, 2)],
        inSession(captured, version, 1),
      ),
    { versions: [7, 18] },
  ),
  step(
    'a partition of the session moves back',
    Fetch,
    (version, captured) =>
      fetchRequest({ version, captured }, [partition(0, 5)], inSession(captured, version, 2)),
    { versions: [7, 18] },
  ),
  step(
    'a partition of the session is forgotten',
    Fetch,
    (version, captured) =>
      fetchRequest({ version, captured }, [], {
        ...inSession(captured, version, 3),
        forgotten: [0],
      }),
    { versions: [7, 18] },
  ),
  step(
    'a session epoch out of turn',
    Fetch,
    (version, captured) => fetchRequest({ version, captured }, [], inSession(captured, version, 9)),
    { versions: [7, 18] },
  ),
  fetches(
    'a session that is not there',
    [],
    { sessionId: 123_456, sessionEpoch: 4 },
    {
      versions: [7, 18],
    },
  ),
  step(
    'a session ends',
    Fetch,
    (version, captured) =>
      fetchRequest({ version, captured }, [partition(0, 0)], inSession(captured, version, -1)),
    { versions: [7, 18] },
  ),
];

const lists = (name: string, timestamps: readonly number[], first: number): Step =>
  step(
    name,
    ListOffsets,
    (version) => ({
      replicaId: -1,
      ...(version >= 2 ? { isolationLevel: 0 } : {}),
      topics: timestamps.map((timestamp) => ({
        name: TOPIC,
        partitions: [0, 2].map((partitionIndex) => ({ partitionIndex, timestamp })),
      })),
    }),
    { versions: [first, 11] },
  );

export const offsetSteps: Step[] = [
  lists('the latest offset', [-1], 1),
  lists('the earliest offset', [-2], 1),
  lists('the offset of the greatest timestamp', [-3], 7),
  lists('the earliest local offset', [-4], 8),
  lists('the latest tiered offset', [-5], 9),
  lists('the earliest pending upload', [-6], 11),
  lists('an offset that has no meaning', [-9], 1),
  lists('special offsets before their time', [-3], 1),
  lists('by timestamp: the first', [FIRST_TIMESTAMP], 1),
  lists('by timestamp: between', [FIRST_TIMESTAMP + 1_500], 1),
  lists('by timestamp: inside a compressed batch', [FIRST_TIMESTAMP + 10_500], 1),
  lists('by timestamp: after all', [FIRST_TIMESTAMP + 999_999], 1),
  lists('by timestamp: zero', [0], 1),
  step(
    'offsets committed only',
    ListOffsets,
    () => ({
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    }),
    { versions: [2, 11] },
  ),
  step('offsets of what is not there', ListOffsets, (version) => ({
    replicaId: -1,
    ...(version >= 2 ? { isolationLevel: 0 } : {}),
    topics: [
      { name: 'not-there', partitions: [{ partitionIndex: 0, timestamp: -1 }] },
      { name: TOPIC, partitions: [{ partitionIndex: 9, timestamp: -1 }] },
    ],
  })),
  step('offsets of a partition named twice', ListOffsets, (version) => ({
    replicaId: -1,
    ...(version >= 2 ? { isolationLevel: 0 } : {}),
    topics: [
      {
        name: TOPIC,
        partitions: [-1, -2].map((timestamp) => ({ partitionIndex: 0, timestamp })),
      },
    ],
  })),
  ...[-2, 0, 99].map((currentLeaderEpoch) =>
    step(
      `offsets in leader epoch ${currentLeaderEpoch}`,
      ListOffsets,
      () => ({
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: TOPIC,
            partitions: [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -1 }],
          },
        ],
      }),
      { versions: [4, 11] },
    ),
  ),
  step('where epochs ended', OffsetForLeaderEpoch, () => ({
    topics: [
      {
        topic: TOPIC,
        partitions: [
          { partition: 0, leaderEpoch: 0 },
          { partition: 1, leaderEpoch: 5 },
          { partition: 2, leaderEpoch: 0 },
          { partition: 9, leaderEpoch: 0 },
        ],
      },
      { topic: 'not-there', partitions: [{ partition: 0, leaderEpoch: 0 }] },
    ],
  })),
  ...[-2, 0, 99].map((currentLeaderEpoch) =>
    step(
      `where an epoch ended, in leader epoch ${currentLeaderEpoch}`,
      OffsetForLeaderEpoch,
      () => ({
        topics: [
          { topic: TOPIC, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch: 0 }] },
        ],
      }),
    ),
  ),
  step('an epoch of minus one', OffsetForLeaderEpoch, () => ({
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, leaderEpoch: -1 }] }],
  })),
  step('records are deleted', DeleteRecords, (version) => ({
    topics: [
      {
        name: TOPIC,
        partitions: [
          { partitionIndex: 0, offset: 1 + version },
          { partitionIndex: 1, offset: 99 },
          { partitionIndex: 9, offset: 0 },
        ],
      },
      { name: 'not-there', partitions: [{ partitionIndex: 0, offset: 0 }] },
    ],
    timeoutMs: 30_000,
  })),
  step('records are deleted to the end, and before minus one', DeleteRecords, (version) => ({
    topics: [
      {
        name: TOPIC,
        partitions: [
          { partitionIndex: 1, offset: version === 0 ? -2 : -1 },
          { partitionIndex: 2, offset: 0 },
        ],
      },
    ],
    timeoutMs: 30_000,
  })),
  lists('the earliest offset after deletion', [-2], 1),
  fetches('below the start after deletion', [partition(0, 0)]),
  fetches('from the start after deletion', [partition(0, 3)]),
];
