// JoinGroup: enter a classic consumer group, or enter it again for a rebalance.
// v1: request: rebalanceTimeoutMs; KIP-62.
// v2: response: throttleTimeMs.
// v3: the client, not the broker, waits out throttling (KIP-219).
// v4: a new member is sent away with its id and MEMBER_ID_REQUIRED (KIP-394).
// v5: request: groupInstanceId; response: groupInstanceId; static membership (KIP-345).
// v6: flexible.
// v7: response: protocolType; KIP-559.
// v8: request: reason; KIP-800.
// v9: response: skipAssignment; a static leader may be told to keep the assignment (KIP-814).

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  bytes,
  type Infer,
  int16,
  int32,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const JoinGroupRequest = message(
  'JoinGroupRequest',
  { versions: [0, 9], flexible: 6 },
  {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ since: 1, fallback: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: nullableString({ since: 5, fallback: null }),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: nullableString({ since: 8, fallback: null, ignorable: true }),
  },
);
export type JoinGroupRequest = Infer<typeof JoinGroupRequest.fields>;

export const JoinGroupResponse = message(
  'JoinGroupResponse',
  { versions: [0, 9], flexible: 6 },
  {
    throttleTimeMs: int32({ since: 2, ignorable: true }),
    errorCode: int16(),
    generationId: int32({ fallback: -1 }),
    protocolType: nullableString({ since: 7, fallback: null, ignorable: true }),
    protocolName: nullableString({ nullableSince: 7 }),
    leader: string(),
    skipAssignment: bool({ since: 9, fallback: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: nullableString({ since: 5, fallback: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
);
export type JoinGroupResponse = Infer<typeof JoinGroupResponse.fields>;

export const JoinGroup = api(11, 'JoinGroup', JoinGroupRequest, JoinGroupResponse);
