// SyncGroup: the leader hands in the assignment, every member receives its own.
// v1: response: throttleTimeMs.
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: request: groupInstanceId; static membership (KIP-345).
// v4: flexible.
// v5: request: protocolType, protocolName; response: protocolType, protocolName; KIP-559.

import { api } from '../schema/api.ts';
import { array, bytes, type Infer, int16, int32, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const SyncGroupRequest = message(
  'SyncGroupRequest',
  { versions: [0, 5], flexible: 4 },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ since: 3, fallback: null }),
    protocolType: nullableString({ since: 5, fallback: null, ignorable: true }),
    protocolName: nullableString({ since: 5, fallback: null, ignorable: true }),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
);
export type SyncGroupRequest = Infer<typeof SyncGroupRequest.fields>;

export const SyncGroupResponse = message(
  'SyncGroupResponse',
  { versions: [0, 5], flexible: 4 },
  {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
    protocolType: nullableString({ since: 5, fallback: null, ignorable: true }),
    protocolName: nullableString({ since: 5, fallback: null, ignorable: true }),
    assignment: bytes(),
  },
);
export type SyncGroupResponse = Infer<typeof SyncGroupResponse.fields>;

export const SyncGroup = api(14, 'SyncGroup', SyncGroupRequest, SyncGroupResponse);
