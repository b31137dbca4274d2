// ConsumerGroupDescribe: state and members of groups of the new protocol (KIP-848).
// v0: flexible.
// v1: response: memberType; KIP-1099.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int8,
  int16,
  int32,
  nullableString,
  string,
  struct,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const topicPartitions = {
  topicId: uuid(),
  topicName: string(),
  partitions: array(int32()),
} as const;

const assignment = {
  topicPartitions: array(topicPartitions),
} as const;

export const ConsumerGroupDescribeRequest = message(
  'ConsumerGroupDescribeRequest',
  { versions: [0, 1], flexible: 0 },
  {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
);
export type ConsumerGroupDescribeRequest = Infer<typeof ConsumerGroupDescribeRequest.fields>;

export const ConsumerGroupDescribeResponse = message(
  'ConsumerGroupDescribeResponse',
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: nullableString({ fallback: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: nullableString({ fallback: null }),
        rackId: nullableString({ fallback: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: nullableString({ fallback: null }),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: int8({ since: 1, fallback: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ fallback: -0x80000000 }),
    }),
  },
);
export type ConsumerGroupDescribeResponse = Infer<typeof ConsumerGroupDescribeResponse.fields>;

export const ConsumerGroupDescribe = api(
  69,
  'ConsumerGroupDescribe',
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
);
