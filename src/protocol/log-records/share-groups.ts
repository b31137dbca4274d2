// Records of `__consumer_offsets` that belong to share groups (KIP-932): members, and who shall have which partitions.

import {
  array,
  int8,
  int32,
  int64,
  NEVER,
  nullableString,
  string,
  tagged,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const assigned = {
  topicId: uuid(),
  partitions: array(int32()),
} as const;

const topicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
} as const;

export const ShareGroupMemberMetadataKey = message(
  'ShareGroupMemberMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    memberId: string(),
  },
);

export const ShareGroupMemberMetadataValue = message(
  'ShareGroupMemberMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    rackId: nullableString(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  },
);

export const ShareGroupMetadataKey = message(
  'ShareGroupMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
  },
);

export const ShareGroupMetadataValue = message(
  'ShareGroupMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    epoch: int32(),
    metadataHash: int64(),
  },
);

export const ShareGroupTargetAssignmentMetadataKey = message(
  'ShareGroupTargetAssignmentMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
  },
);

export const ShareGroupTargetAssignmentMetadataValue = message(
  'ShareGroupTargetAssignmentMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: tagged(0, int64({ fallback: 0, ignorable: true })),
  },
);

export const ShareGroupTargetAssignmentMemberKey = message(
  'ShareGroupTargetAssignmentMemberKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    memberId: string(),
  },
);

export const ShareGroupTargetAssignmentMemberValue = message(
  'ShareGroupTargetAssignmentMemberValue',
  { versions: [0, 0], flexible: 0 },
  {
    topicPartitions: array(assigned),
  },
);

export const ShareGroupCurrentMemberAssignmentKey = message(
  'ShareGroupCurrentMemberAssignmentKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    memberId: string(),
  },
);

export const ShareGroupCurrentMemberAssignmentValue = message(
  'ShareGroupCurrentMemberAssignmentValue',
  { versions: [0, 0], flexible: 0 },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(assigned),
  },
);

export const ShareGroupStatePartitionMetadataKey = message(
  'ShareGroupStatePartitionMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
  },
);

export const ShareGroupStatePartitionMetadataValue = message(
  'ShareGroupStatePartitionMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    initializingTopics: array(topicPartitions),
    initializedTopics: array(topicPartitions),
    deletingTopics: array({
      topicId: uuid(),
      topicName: string(),
    }),
  },
);
