// Records of the cluster's metadata (KRaft) that make topics and partitions, and move them.

import { array, int8, int32, nullableArray, string, tagged, uuid } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const TopicRecord = message(
  'TopicRecord',
  { versions: [0, 0], flexible: 0 },
  {
    name: string(),
    topicId: uuid(),
  },
);

export const RemoveTopicRecord = message(
  'RemoveTopicRecord',
  { versions: [0, 0], flexible: 0 },
  {
    topicId: uuid(),
  },
);

export const PartitionRecord = message(
  'PartitionRecord',
  { versions: [0, 2], flexible: 0 },
  {
    partitionId: int32({ fallback: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32({ fallback: -1 }),
    leaderRecoveryState: tagged(0, int8({ fallback: 0 })),
    leaderEpoch: int32({ fallback: -1 }),
    partitionEpoch: int32({ fallback: -1 }),
    directories: array(uuid(), { since: 1 }),
    eligibleLeaderReplicas: tagged(
      1,
      nullableArray(int32(), { since: 2, nullableSince: 2, fallback: null }),
    ),
    lastKnownElr: tagged(2, nullableArray(int32(), { since: 2, nullableSince: 2, fallback: null })),
  },
);

export const PartitionChangeRecord = message(
  'PartitionChangeRecord',
  { versions: [0, 2], flexible: 0 },
  {
    partitionId: int32({ fallback: -1 }),
    topicId: uuid(),
    isr: tagged(0, nullableArray(int32(), { fallback: null })),
    leader: tagged(1, int32({ fallback: -2 })),
    replicas: tagged(2, nullableArray(int32(), { fallback: null })),
    removingReplicas: tagged(3, nullableArray(int32(), { fallback: null })),
    addingReplicas: tagged(4, nullableArray(int32(), { fallback: null })),
    leaderRecoveryState: tagged(5, int8({ fallback: -1 })),
    directories: tagged(8, nullableArray(uuid(), { since: 1, nullableSince: 1, fallback: null })),
    eligibleLeaderReplicas: tagged(
      6,
      nullableArray(int32(), { since: 2, nullableSince: 2, fallback: null }),
    ),
    lastKnownElr: tagged(7, nullableArray(int32(), { since: 2, nullableSince: 2, fallback: null })),
  },
);

export const ClearElrRecord = message(
  'ClearElrRecord',
  { versions: [0, 0], flexible: 0 },
  {
    topicName: string(),
  },
);
