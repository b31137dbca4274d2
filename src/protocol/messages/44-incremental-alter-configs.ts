// IncrementalAlterConfigs: set, delete, append to or subtract from single configs (KIP-339).
// v1: flexible.

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

export const IncrementalAlterConfigsRequest = message(
  'IncrementalAlterConfigsRequest',
  { versions: [0, 1], flexible: 1 },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
        value: nullableString(),
      }),
    }),
    validateOnly: bool(),
  },
);
export type IncrementalAlterConfigsRequest = Infer<typeof IncrementalAlterConfigsRequest.fields>;

export const IncrementalAlterConfigsResponse = message(
  'IncrementalAlterConfigsResponse',
  { versions: [0, 1], flexible: 1 },
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
export type IncrementalAlterConfigsResponse = Infer<typeof IncrementalAlterConfigsResponse.fields>;

export const IncrementalAlterConfigs = api(
  44,
  'IncrementalAlterConfigs',
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
);
