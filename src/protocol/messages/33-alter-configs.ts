// AlterConfigs: replace all configs of a resource. IncrementalAlterConfigs is its successor
//   (KIP-339).
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: flexible.

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
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const AlterConfigsRequest = message(
  'AlterConfigsRequest',
  { versions: [0, 2], flexible: 2 },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: nullableString(),
      }),
    }),
    validateOnly: bool(),
  },
);
export type AlterConfigsRequest = Infer<typeof AlterConfigsRequest.fields>;

export const AlterConfigsResponse = message(
  'AlterConfigsResponse',
  { versions: [0, 2], flexible: 2 },
  {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
);
export type AlterConfigsResponse = Infer<typeof AlterConfigsResponse.fields>;

export const AlterConfigs = api(33, 'AlterConfigs', AlterConfigsRequest, AlterConfigsResponse);
