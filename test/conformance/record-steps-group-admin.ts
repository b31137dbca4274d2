// The scenario: what administrators ask of groups and offsets, and what they get wrong. It runs after the commits, while
// the groups of JoinGroup still have their members.

import {
  ConsumerGroupDescribe,
  DeleteGroups,
  DescribeGroups,
  JoinGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from '../../src/protocol/index.ts';
import { type Step, step } from './recorder.ts';

const TOPIC = 'with-offsets';
/** The newest version of JoinGroup: its group has a member that is subscribed to `text`. */
const live = `group-${JoinGroup.versions[1]}`;

function offsetDelete(name: string, groupId: string, topic: string, partition: number): Step {
  return step(name, OffsetDelete, () => ({
    groupId,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition }] }],
  }));
}

function describe(name: string, groups: readonly string[]): Step {
  return step(name, DescribeGroups, () => ({ groups: [...groups] }));
}

function describeConsumer(name: string, groupIds: readonly string[]): Step {
  return step(name, ConsumerGroupDescribe, () => ({
    groupIds: [...groupIds],
    includeAuthorizedOperations: false,
  }));
}

function deleteGroups(name: string, groupsNames: readonly string[]): Step {
  return step(name, DeleteGroups, () => ({ groupsNames: [...groupsNames] }));
}

/** A group of its own for each version, committed by a tool. */
const own = (version: number): string => `own-${version}`;

function commitOwn(name: string, offset: number, text: string, epoch = -1): Step {
  return step(
    name,
    OffsetCommit,
    (version) => ({
      groupId: own(version),
      generationIdOrMemberEpoch: epoch,
      memberId: '',
      topics: [
        {
          name: TOPIC,
          partitions: [{ partitionIndex: 1, committedOffset: offset, committedMetadata: text }],
        },
      ],
    }),
    { versions: [2, 9] },
  );
}

export const groupAdminSteps: Step[] = [
  commitOwn('committed with as much text as may be', 5, 'x'.repeat(4096)),
  commitOwn('committed with one character too many', 6, 'x'.repeat(4097)),
  commitOwn('committed with text of two bytes a character', 7, 'ä'.repeat(4096)),
  commitOwn('a negative offset is committed', -2, ''),
  commitOwn('committed by no member in a generation', 8, '', 0),
  step(
    'offsets of several groups, some not there',
    OffsetFetch,
    () => ({
      groups: ['commits', 'no-such-group', 'own-9', ''].map((groupId) => ({
        groupId,
        topics: [{ name: TOPIC, partitionIndexes: [0, 1] }],
      })),
    }),
    { versions: [8, 9] },
  ),
  step(
    'offsets for a member of a group that is not there',
    OffsetFetch,
    () => ({
      groups: [{ groupId: 'no-such-group', memberId: 'a', memberEpoch: 3, topics: null }],
    }),
    { versions: [9, 9] },
  ),
  offsetDelete('an offset is deleted', 'own-2', TOPIC, 1),
  offsetDelete('an offset that is not there is deleted', 'own-2', TOPIC, 0),
  offsetDelete('an offset of a partition that is not there is deleted', 'own-3', TOPIC, 9),
  offsetDelete('an offset of a topic that is not there is deleted', 'own-3', 'not-there', 0),
  offsetDelete('an offset of an unknown group is deleted', 'no-such-group', TOPIC, 0),
  offsetDelete('an offset of a group without a name is deleted', '', TOPIC, 0),
  step(
    'groups in a state that does not exist',
    ListGroups,
    () => ({ statesFilter: ['no-such-state'] }),
    { versions: [4, 5] },
  ),
  step(
    'groups of a type that does not exist',
    ListGroups,
    () => ({ statesFilter: [], typesFilter: ['no-such-type'] }),
    { versions: [5, 5] },
  ),
  describe('an unknown group is described', ['no-such-group']),
  describe('a group without a name is described', ['']),
  describe('a group of a tool is described', ['own-9']),
  describe('no group is described', []),
  describeConsumer('an unknown group is described as a consumer group', ['no-such-group']),
  describeConsumer('a classic group is described as a consumer group', ['own-9']),
  describeConsumer('a group without a name is described as a consumer group', ['']),
  deleteGroups('a group with members is deleted', [live]),
  deleteGroups('an unknown group is deleted', ['no-such-group']),
  deleteGroups('a group without a name is deleted', ['']),
  step('groups are deleted', DeleteGroups, (version) => ({
    groupsNames: [own(version + 4), own(version + 4), 'no-such-group'],
  })),
];
