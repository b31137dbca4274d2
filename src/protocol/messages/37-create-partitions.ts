// CreatePartitions: grow topics.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: flexible.
// v3: may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const CreatePartitionsRequest = message(
  'CreatePartitionsRequest',
  { versions: [0, 3], flexible: 2 },
  {
    topics: array({
      name: string(),
      count: int32(),
      assignments: nullableArray({
        brokerIds: array(int32()),
      }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
);
export type CreatePartitionsRequest = Infer<typeof CreatePartitionsRequest.fields>;

export const CreatePartitionsResponse = message(
  'CreatePartitionsResponse',
  { versions: [0, 3], flexible: 2 },
  {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: nullableString({ fallback: null }),
    }),
  },
);
export type CreatePartitionsResponse = Infer<typeof CreatePartitionsResponse.fields>;

export const CreatePartitions = api(
  37,
  'CreatePartitions',
  CreatePartitionsRequest,
  CreatePartitionsResponse,
);
