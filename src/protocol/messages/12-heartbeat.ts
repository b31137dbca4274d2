// Heartbeat: stay a member of a classic consumer group.
// v1: response: throttleTimeMs.
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: request: groupInstanceId; static membership (KIP-345).
// v4: flexible.

import { api } from '../schema/api.ts';
import { type Infer, int16, int32, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const HeartbeatRequest = message(
  'HeartbeatRequest',
  { versions: [0, 4], flexible: 4 },
  {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ since: 3, fallback: null }),
  },
);
export type HeartbeatRequest = Infer<typeof HeartbeatRequest.fields>;

export const HeartbeatResponse = message(
  'HeartbeatResponse',
  { versions: [0, 4], flexible: 4 },
  {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
  },
);
export type HeartbeatResponse = Infer<typeof HeartbeatResponse.fields>;

export const Heartbeat = api(12, 'Heartbeat', HeartbeatRequest, HeartbeatResponse);
