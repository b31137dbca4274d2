// Records of `__consumer_offsets` for groups of the new protocol (KIP-848). See
// ../coordinator-records.ts.

import {
  array,
  bytes,
  type Infer,
  int8,
  int32,
  int64,
  NEVER,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  tagged,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
  assignmentEpochs: tagged(0, nullableArray(int32())),
} as const;

export const ConsumerGroupMetadataKey = message(
  'ConsumerGroupMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
  },
);
export type ConsumerGroupMetadataKey = Infer<typeof ConsumerGroupMetadataKey.fields>;

export const ConsumerGroupMetadataValue = message(
  'ConsumerGroupMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    epoch: int32(),
    metadataHash: tagged(0, int64({ fallback: 0 })),
  },
);
export type ConsumerGroupMetadataValue = Infer<typeof ConsumerGroupMetadataValue.fields>;

export const ConsumerGroupPartitionMetadataKey = message(
  'ConsumerGroupPartitionMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
  },
);
export type ConsumerGroupPartitionMetadataKey = Infer<
  typeof ConsumerGroupPartitionMetadataKey.fields
>;

export const ConsumerGroupPartitionMetadataValue = message(
  'ConsumerGroupPartitionMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({
        partition: int32(),
        racks: array(string()),
      }),
    }),
  },
);
export type ConsumerGroupPartitionMetadataValue = Infer<
  typeof ConsumerGroupPartitionMetadataValue.fields
>;

export const ConsumerGroupMemberMetadataKey = message(
  'ConsumerGroupMemberMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    memberId: string(),
  },
);
export type ConsumerGroupMemberMetadataKey = Infer<typeof ConsumerGroupMemberMetadataKey.fields>;

export const ConsumerGroupMemberMetadataValue = message(
  'ConsumerGroupMemberMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    instanceId: nullableString(),
    rackId: nullableString(),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: nullableString(),
    rebalanceTimeoutMs: int32({ fallback: -1 }),
    serverAssignor: nullableString(),
    // For a member of the new protocol write null: left out, it reads as a classic member without
    // protocols.
    classicMemberMetadata: tagged(
      0,
      nullableStruct({
        sessionTimeoutMs: int32(),
        supportedProtocols: array({
          name: string(),
          metadata: bytes(),
        }),
      }),
    ),
  },
);
export type ConsumerGroupMemberMetadataValue = Infer<
  typeof ConsumerGroupMemberMetadataValue.fields
>;

export const ConsumerGroupTargetAssignmentMetadataKey = message(
  'ConsumerGroupTargetAssignmentMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
  },
);
export type ConsumerGroupTargetAssignmentMetadataKey = Infer<
  typeof ConsumerGroupTargetAssignmentMetadataKey.fields
>;

export const ConsumerGroupTargetAssignmentMetadataValue = message(
  'ConsumerGroupTargetAssignmentMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: tagged(0, int64({ fallback: 0, ignorable: true })),
  },
);
export type ConsumerGroupTargetAssignmentMetadataValue = Infer<
  typeof ConsumerGroupTargetAssignmentMetadataValue.fields
>;

export const ConsumerGroupTargetAssignmentMemberKey = message(
  'ConsumerGroupTargetAssignmentMemberKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    memberId: string(),
  },
);
export type ConsumerGroupTargetAssignmentMemberKey = Infer<
  typeof ConsumerGroupTargetAssignmentMemberKey.fields
>;

export const ConsumerGroupTargetAssignmentMemberValue = message(
  'ConsumerGroupTargetAssignmentMemberValue',
  { versions: [0, 0], flexible: 0 },
  {
    topicPartitions: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
);
export type ConsumerGroupTargetAssignmentMemberValue = Infer<
  typeof ConsumerGroupTargetAssignmentMemberValue.fields
>;

export const ConsumerGroupCurrentMemberAssignmentKey = message(
  'ConsumerGroupCurrentMemberAssignmentKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    memberId: string(),
  },
);
export type ConsumerGroupCurrentMemberAssignmentKey = Infer<
  typeof ConsumerGroupCurrentMemberAssignmentKey.fields
>;

export const ConsumerGroupCurrentMemberAssignmentValue = message(
  'ConsumerGroupCurrentMemberAssignmentValue',
  { versions: [0, 0], flexible: 0 },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  },
);
export type ConsumerGroupCurrentMemberAssignmentValue = Infer<
  typeof ConsumerGroupCurrentMemberAssignmentValue.fields
>;

export const ConsumerGroupRegularExpressionKey = message(
  'ConsumerGroupRegularExpressionKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    regularExpression: string(),
  },
);
export type ConsumerGroupRegularExpressionKey = Infer<
  typeof ConsumerGroupRegularExpressionKey.fields
>;

export const ConsumerGroupRegularExpressionValue = message(
  'ConsumerGroupRegularExpressionValue',
  { versions: [0, 0], flexible: 0 },
  {
    topics: array(string()),
    version: int64(),
    timestamp: int64(),
  },
);
export type ConsumerGroupRegularExpressionValue = Infer<
  typeof ConsumerGroupRegularExpressionValue.fields
>;
