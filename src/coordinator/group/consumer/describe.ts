// ConsumerGroupDescribe (KIP-848), from memory.

import { clip } from '../../../base/clip.ts';
import { ErrorCode } from '../../../base/kafka-errors.ts';
import type { ConsumerGroupDescribeResponse } from '../../../protocol/index.ts';
import type { GroupMachine } from '../../machine.ts';
import type { TopicView } from '../../ports.ts';
import type { GroupStep } from '../types.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './member.ts';
import { assignorOf } from './update.ts';

type DescribedConsumerGroup = ConsumerGroupDescribeResponse['groups'][number];
type DescribedMember = DescribedConsumerGroup['members'][number];
type DescribedPartitions = DescribedMember['assignment']['topicPartitions'];

/** `memberType` of a member that speaks the classic protocol, and of one that speaks the consumer protocol. */
const memberTypes = { classic: 0, consumer: 1 } as const;
/** "Not asked for", as Kafka says it. */
const noAuthorizedOperations = -0x8000_0000;

function describeConsumerGroup(
  group: ConsumerGroup,
  topics: TopicView,
  config: GroupStep['config'],
): DescribedConsumerGroup {
  return {
    ...emptyDescription(group.groupId),
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.targetEpoch,
    assignorName: assignorOf(group, { config }),
    members: [...group.members.values()].map((member) => describeMember(group, member, topics)),
  };
}

function describeMember(
  group: ConsumerGroup,
  member: ConsumerMember,
  topics: TopicView,
): DescribedMember {
  const assigned = [...member.assigned].map(
    ([topicId, partitions]) => [topicId, [...partitions.keys()]] as const,
  );
  const target = [...group.targetOf(member.memberId)].map(
    ([topicId, partitions]) => [topicId, [...partitions]] as const,
  );
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.topicNames],
    subscribedTopicRegex: member.topicRegex ?? '',
    assignment: { topicPartitions: named(assigned, topics) },
    targetAssignment: { topicPartitions: named(target, topics) },
    memberType: member.classic === null ? memberTypes.consumer : memberTypes.classic,
  };
}

/** A topic that is gone cannot be named and is left out. */
function named(
  assignment: readonly (readonly [string, readonly number[]])[],
  topics: TopicView,
): DescribedPartitions {
  const told: DescribedPartitions = [];
  for (const [topicId, partitions] of assignment) {
    const topicName = topics.topicById(topicId)?.name;
    if (topicName === undefined) continue;
    told.push({ topicId, topicName, partitions: [...partitions].sort((a, b) => a - b) });
  }
  return told;
}

/** One group, of either protocol: only those of the new one can be described here. */
export function describeNew(
  machine: GroupMachine,
  groupId: string,
  topics: TopicView,
  config: GroupStep['config'],
): DescribedConsumerGroup {
  const group = machine.consumers.get(groupId);
  if (group !== undefined) return describeConsumerGroup(group, topics, config);
  return describeMissing(groupId, machine.groups.has(groupId) ? 'classic' : 'unknown');
}

function describeMissing(groupId: string, why: 'unknown' | 'classic'): DescribedConsumerGroup {
  const shown = clip(groupId);
  const errorMessage =
    why === 'unknown' ? `Group ${shown} not found.` : `Group ${shown} is not a consumer group.`;
  return { ...describeRefused(groupId, ErrorCode.GROUP_ID_NOT_FOUND), errorMessage };
}

export function describeRefused(groupId: string, errorCode: number): DescribedConsumerGroup {
  return { ...emptyDescription(groupId), errorCode };
}

function emptyDescription(groupId: string): DescribedConsumerGroup {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
    authorizedOperations: noAuthorizedOperations,
  };
}
