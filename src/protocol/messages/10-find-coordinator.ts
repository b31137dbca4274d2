// FindCoordinator: the broker that coordinates a group (key type 0) or transactional id (1).
// v1: request: keyType; response: throttleTimeMs, errorMessage; coordinators of transactions
//   (KIP-98).
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: flexible.
// v4: request: no key, coordinatorKeys; response: no errorCode, no errorMessage, no nodeId, no
//   host, no port, coordinators; many keys at once (KIP-699).
// v5: may answer TRANSACTION_ABORTABLE (KIP-890).
// v6: key type 2, share groups (KIP-932).

import { api } from '../schema/api.ts';
import { array, type Infer, int8, int16, int32, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const FindCoordinatorRequest = message(
  'FindCoordinatorRequest',
  { versions: [0, 6], flexible: 3 },
  {
    key: string({ until: 3 }),
    keyType: int8({ since: 1, fallback: 0 }),
    coordinatorKeys: array(string(), { since: 4 }),
  },
);
export type FindCoordinatorRequest = Infer<typeof FindCoordinatorRequest.fields>;

export const FindCoordinatorResponse = message(
  'FindCoordinatorResponse',
  { versions: [0, 6], flexible: 3 },
  {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16({ until: 3 }),
    errorMessage: nullableString({ since: 1, until: 3, ignorable: true }),
    nodeId: int32({ until: 3 }),
    host: string({ until: 3 }),
    port: int32({ until: 3 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ ignorable: true }),
      },
      { since: 4 },
    ),
  },
);
export type FindCoordinatorResponse = Infer<typeof FindCoordinatorResponse.fields>;

export const FindCoordinator = api(
  10,
  'FindCoordinator',
  FindCoordinatorRequest,
  FindCoordinatorResponse,
);
