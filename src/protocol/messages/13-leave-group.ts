// LeaveGroup: leave a classic consumer group.
// v1: response: throttleTimeMs.
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: request: no memberId, members; response: members; many members at once (KIP-345).
// v4: flexible.
// v5: request: reason; KIP-800.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const LeaveGroupRequest = message(
  'LeaveGroupRequest',
  { versions: [0, 5], flexible: 4 },
  {
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: nullableString({ fallback: null }),
        reason: nullableString({ since: 5, fallback: null, ignorable: true }),
      },
      { since: 3 },
    ),
  },
);
export type LeaveGroupRequest = Infer<typeof LeaveGroupRequest.fields>;

export const LeaveGroupResponse = message(
  'LeaveGroupResponse',
  { versions: [0, 5], flexible: 4 },
  {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: nullableString(),
        errorCode: int16(),
      },
      { since: 3 },
    ),
  },
);
export type LeaveGroupResponse = Infer<typeof LeaveGroupResponse.fields>;

export const LeaveGroup = api(13, 'LeaveGroup', LeaveGroupRequest, LeaveGroupResponse);
