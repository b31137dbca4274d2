// ConsumerGroupHeartbeat: join, keep up, leave: the whole of the new group protocol (KIP-848).
// v0: flexible.
// v1: request: subscribedTopicRegex; regular expressions; the client makes up its member id
//   (KIP-1082).

import { api } from '../schema/api.ts';
import {
  array,
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

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
} as const;

export const ConsumerGroupHeartbeatRequest = message(
  'ConsumerGroupHeartbeatRequest',
  { versions: [0, 1], flexible: 0 },
  {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: nullableString({ fallback: null }),
    rackId: nullableString({ fallback: null }),
    rebalanceTimeoutMs: int32({ fallback: -1 }),
    subscribedTopicNames: nullableArray(string(), { fallback: null }),
    subscribedTopicRegex: nullableString({ since: 1, fallback: null }),
    serverAssignor: nullableString({ fallback: null }),
    topicPartitions: nullableArray(
      {
        topicId: uuid(),
        partitions: array(int32()),
      },
      { fallback: null },
    ),
  },
);
export type ConsumerGroupHeartbeatRequest = Infer<typeof ConsumerGroupHeartbeatRequest.fields>;

export const ConsumerGroupHeartbeatResponse = message(
  'ConsumerGroupHeartbeatResponse',
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ fallback: null }),
    memberId: nullableString({ fallback: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: nullableStruct(
      {
        topicPartitions: array(topicPartitions),
      },
      { fallback: null },
    ),
  },
);
export type ConsumerGroupHeartbeatResponse = Infer<typeof ConsumerGroupHeartbeatResponse.fields>;

export const ConsumerGroupHeartbeat = api(
  68,
  'ConsumerGroupHeartbeat',
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
);
