// ListConfigResources: what has configs (KIP-1142).
// v0: flexible; client metrics only.
// v1: request: resourceTypes; response: resourceType.

import { api } from '../schema/api.ts';
import { array, type Infer, int8, int16, int32, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ListConfigResourcesRequest = message(
  'ListConfigResourcesRequest',
  { versions: [0, 1], flexible: 0 },
  {
    resourceTypes: array(int8(), { since: 1 }),
  },
);
export type ListConfigResourcesRequest = Infer<typeof ListConfigResourcesRequest.fields>;

export const ListConfigResourcesResponse = message(
  'ListConfigResourcesResponse',
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ since: 1, fallback: 16, ignorable: true }),
    }),
  },
);
export type ListConfigResourcesResponse = Infer<typeof ListConfigResourcesResponse.fields>;

export const ListConfigResources = api(
  74,
  'ListConfigResources',
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
);
