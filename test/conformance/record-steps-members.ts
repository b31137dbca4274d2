// The scenario: groups of the consumer protocol (KIP-848), whose members say their own ids.

import {
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  DeleteGroups,
  DescribeGroups,
  Heartbeat,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
  type RequestInput,
} from '../../src/protocol/index.ts';
import { newTopic, topicsExist } from './record-steps-topics.ts';
import type { Captured, Step, StepOptions } from './recorder.ts';
import { step } from './recorder.ts';

type Beat = RequestInput<typeof ConsumerGroupHeartbeat>;
type Owned = NonNullable<Beat['topicPartitions']>;

const TOPIC = 'shared';
/** Kafka's groups begin at epoch 1, and the first member that joins raises it. */
const FIRST_EPOCH = 2;
const SECOND_EPOCH = 3;
/** Each version has a group of its own. */
const groupOf = (version: number) => `modern-${version}`;
const GROUPS = [0, 1].map(groupOf);

function beat(
  name: string,
  request: (captured: Captured, version: number) => Partial<Beat>,
  options: StepOptions<typeof ConsumerGroupHeartbeat> = {},
): Step {
  return step(
    name,
    ConsumerGroupHeartbeat,
    (version, captured) => ({
      groupId: groupOf(version),
      memberId: 'a',
      memberEpoch: FIRST_EPOCH,
      ...request(captured, version),
    }),
    options,
  );
}

const joining: Partial<Beat> = {
  memberEpoch: 0,
  rebalanceTimeoutMs: 60_000,
  subscribedTopicNames: [TOPIC],
  topicPartitions: [],
};

/** Notes what a member was told that it has. */
const noteOwned =
  (member: string): NonNullable<StepOptions<typeof ConsumerGroupHeartbeat>['capture']> =>
  (response, captured, version) => {
    const owned = response.assignment?.topicPartitions ?? [];
    captured.texts.set(`owned by ${member} ${version}`, JSON.stringify(owned));
  };

const ownedBy = (captured: Captured, member: string, version: number): Owned =>
  JSON.parse(captured.text(`owned by ${member} ${version}`)) as Owned;

/** Which of equal partitions a member keeps is the assignor's own choice. */
const anyPartitions = ['partitions'];

const refusedSteps: Step[] = [
  beat('joined without a group', () => ({ ...joining, groupId: '' })),
  beat('joined with an empty instance', () => ({ ...joining, instanceId: '' })),
  beat('joined with an empty rack', () => ({ ...joining, rackId: '' })),
  beat('joined without a rebalance timeout', () => ({ ...joining, rebalanceTimeoutMs: -1 })),
  beat('joined without saying what it has', () => ({ ...joining, topicPartitions: null })),
  beat('joined without a subscription', () => ({ ...joining, subscribedTopicNames: null })),
  beat('joined with an unknown assignor', () => ({ ...joining, serverAssignor: 'mine' })),
  beat('joined without an id', () => ({ ...joining, memberId: '' }), { versions: [1, 1] }),
  beat('a heartbeat without an id', () => ({ memberId: '' })),
  beat('left for a while without an instance', () => ({ memberEpoch: -2 })),
  beat('left at an epoch that does not exist', () => ({ memberEpoch: -3 })),
  beat('a heartbeat in a group that is not there', () => ({ groupId: 'no-such-group' })),
  beat('left a group that is not there', () => ({ groupId: 'no-such-group', memberEpoch: -1 })),
  beat('a heartbeat in a classic group', () => ({ groupId: 'commits' })),
  beat('joined with a broken expression', () => ({ ...joining, subscribedTopicRegex: 'a(' }), {
    versions: [1, 1],
  }),
];

const handoverSteps: Step[] = [
  beat('the first consumer joins', () => joining, { capture: noteOwned('a') }),
  beat('the first consumer has nothing to say', () => ({})),
  beat('the first consumer says all of it again', (captured, version) => ({
    ...joining,
    memberEpoch: FIRST_EPOCH,
    topicPartitions: ownedBy(captured, 'a', version),
  })),
  beat('a heartbeat at an epoch to come', () => ({ memberEpoch: 7 })),
  beat('a heartbeat of a member that is not there', () => ({ memberId: 'nobody' })),
  beat('the second consumer joins', () => ({ ...joining, memberId: 'b' }), {
    until: (response) => response.memberEpoch === SECOND_EPOCH,
  }),
  beat('the first consumer hears what it may keep', () => ({}), {
    capture: noteOwned('a'),
    volatile: anyPartitions,
  }),
  beat('the second consumer waits', () => ({ memberId: 'b', memberEpoch: SECOND_EPOCH })),
  beat('the first consumer has given up the rest', (captured, version) => ({
    topicPartitions: ownedBy(captured, 'a', version),
  })),
  beat('its answer was lost', (captured, version) => ({
    topicPartitions: ownedBy(captured, 'a', version),
  })),
  beat('the second consumer gets it', () => ({ memberId: 'b', memberEpoch: SECOND_EPOCH }), {
    capture: noteOwned('b'),
    volatile: anyPartitions,
  }),
  beat('an old epoch, and no word of partitions', () => ({ memberEpoch: FIRST_EPOCH })),
];

const plainly = { includeAuthorizedOperations: false };

const lookSteps: Step[] = [
  step(
    'consumer groups are described',
    ConsumerGroupDescribe,
    () => ({ groupIds: [...GROUPS, 'no-such-group', 'commits'], ...plainly }),
    { volatile: anyPartitions },
  ),
  step('a consumer group without a name is described', ConsumerGroupDescribe, () => ({
    groupIds: [''],
    ...plainly,
  })),
  step('consumer groups are described as classic ones', DescribeGroups, () => ({
    groups: [groupOf(0)],
  })),
  step(
    'consumer groups are listed by type',
    ListGroups,
    () => ({ statesFilter: [], typesFilter: ['Consumer'] }),
    { versions: [5, 5] },
  ),
  step('consumer groups with members are deleted', DeleteGroups, () => ({ groupsNames: GROUPS })),
  step('a classic heartbeat of a consumer member', Heartbeat, () => ({
    groupId: groupOf(1),
    generationId: SECOND_EPOCH,
    memberId: 'a',
  })),
];

function commit(name: string, memberId: string, epoch: number, versions: [number, number]): Step {
  return step(
    name,
    OffsetCommit,
    (version, captured) => ({
      groupId: groupOf(1),
      generationIdOrMemberEpoch: epoch,
      memberId,
      topics: [
        {
          ...(version > 9 ? { topicId: captured.topicId(TOPIC) } : { name: TOPIC }),
          partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }],
        },
      ],
    }),
    { versions },
  );
}

function fetch(name: string, memberId: string | null, memberEpoch: number): Step {
  return step(
    name,
    OffsetFetch,
    () => ({
      groups: [
        {
          groupId: groupOf(1),
          memberId,
          memberEpoch,
          topics: [{ name: TOPIC, partitionIndexes: [0] }],
        },
      ],
    }),
    { versions: [9, 9] },
  );
}

const offsetSteps: Step[] = [
  commit('a consumer commits at its epoch', 'a', SECOND_EPOCH, [9, 10]),
  commit('a consumer commits at an epoch to come', 'a', 9, [9, 10]),
  commit('a consumer commits with an old version', 'a', SECOND_EPOCH, [8, 8]),
  commit('committed by nobody in a consumer group', '', -1, [9, 10]),
  commit('committed by an unknown consumer', 'nobody', SECOND_EPOCH, [9, 10]),
  fetch('a consumer fetches at its epoch', 'a', SECOND_EPOCH),
  fetch('a consumer fetches at an old epoch', 'a', FIRST_EPOCH),
  fetch('an unknown consumer fetches', 'nobody', SECOND_EPOCH),
  fetch('offsets of a consumer group', null, -1),
];

const staticGroup = (version: number) => `modern-static-${version}`;

const staticSteps: Step[] = [
  beat('a static consumer joins', (_captured, version) => ({
    ...joining,
    groupId: staticGroup(version),
    instanceId: 'one',
  })),
  beat('its twin joins', (_captured, version) => ({
    ...joining,
    groupId: staticGroup(version),
    memberId: 'twin',
    instanceId: 'one',
  })),
  beat('a heartbeat of its twin', (_captured, version) => ({
    groupId: staticGroup(version),
    memberId: 'twin',
    instanceId: 'one',
  })),
  beat('a heartbeat of an unknown instance', (_captured, version) => ({
    groupId: staticGroup(version),
    instanceId: 'two',
  })),
  beat('the static consumer leaves for a while', (_captured, version) => ({
    groupId: staticGroup(version),
    memberEpoch: -2,
    instanceId: 'one',
  })),
  step('a consumer that is away', ConsumerGroupDescribe, (version) => ({
    groupIds: [staticGroup(version)],
    ...plainly,
  })),
  beat('its twin takes its place', (_captured, version) => ({
    ...joining,
    groupId: staticGroup(version),
    memberId: 'twin',
    instanceId: 'one',
  })),
  beat('the one before it is fenced', (_captured, version) => ({
    groupId: staticGroup(version),
    instanceId: 'one',
  })),
  beat('the twin leaves for good', (_captured, version) => ({
    groupId: staticGroup(version),
    memberId: 'twin',
    memberEpoch: -1,
    instanceId: 'one',
  })),
];

const endSteps: Step[] = [
  beat(
    'a consumer joins by an expression',
    () => ({
      ...joining,
      groupId: 'modern-regex',
      subscribedTopicNames: null,
      subscribedTopicRegex: 'sha.*',
    }),
    {
      versions: [1, 1],
      until: (response) => (response.assignment?.topicPartitions.length ?? 0) > 0,
      // Kafka looks the expression up later, which takes an epoch of its own.
      volatile: ['memberEpoch'],
    },
  ),
  beat('the first consumer leaves', () => ({ memberEpoch: -1 })),
  beat('the first consumer leaves once more', () => ({ memberEpoch: -1 })),
  beat('the second consumer leaves', () => ({ memberId: 'b', memberEpoch: -1 })),
  step('consumer groups without members', ConsumerGroupDescribe, () => ({
    groupIds: GROUPS,
    ...plainly,
  })),
  step('consumer groups without members are deleted', DeleteGroups, () => ({
    groupsNames: GROUPS,
  })),
];

export const memberSteps: Step[] = [
  ...topicsExist('a topic for consumer groups', [newTopic(TOPIC, 4)]),
  ...refusedSteps,
  ...handoverSteps,
  ...lookSteps,
  ...offsetSteps,
  ...staticSteps,
  ...endSteps,
];
