// DescribeTopicPartitions: topics and partitions in pages (KIP-966).
// v0: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int16,
  int32,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeTopicPartitionsRequest = message(
  'DescribeTopicPartitionsRequest',
  { versions: [0, 0], flexible: 0 },
  {
    topics: array({
      name: string(),
    }),
    responsePartitionLimit: int32({ fallback: 2000 }),
    cursor: nullableStruct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { fallback: null },
    ),
  },
);
export type DescribeTopicPartitionsRequest = Infer<typeof DescribeTopicPartitionsRequest.fields>;

export const DescribeTopicPartitionsResponse = message(
  'DescribeTopicPartitionsResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: nullableString(),
      topicId: uuid({ ignorable: true }),
      isInternal: bool({ fallback: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ fallback: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: nullableArray(int32(), { fallback: null }),
        lastKnownElr: nullableArray(int32(), { fallback: null }),
        offlineReplicas: array(int32(), { ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ fallback: -0x80000000 }),
    }),
    nextCursor: nullableStruct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { fallback: null },
    ),
  },
);
export type DescribeTopicPartitionsResponse = Infer<typeof DescribeTopicPartitionsResponse.fields>;

export const DescribeTopicPartitions = api(
  75,
  'DescribeTopicPartitions',
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
);
