// DeleteAcls: remove the access rules that match filters.
// v1: pattern types (KIP-290).
// v2: flexible.
// v3: user resources (KIP-373).

import { api } from '../schema/api.ts';
import { array, type Infer, int8, int16, int32, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DeleteAclsRequest = message(
  'DeleteAclsRequest',
  { versions: [1, 3], flexible: 2 },
  {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: nullableString(),
      patternTypeFilter: int8({ fallback: 3 }),
      principalFilter: nullableString(),
      hostFilter: nullableString(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
);
export type DeleteAclsRequest = Infer<typeof DeleteAclsRequest.fields>;

export const DeleteAclsResponse = message(
  'DeleteAclsResponse',
  { versions: [1, 3], flexible: 2 },
  {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: nullableString(),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ fallback: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
);
export type DeleteAclsResponse = Infer<typeof DeleteAclsResponse.fields>;

export const DeleteAcls = api(31, 'DeleteAcls', DeleteAclsRequest, DeleteAclsResponse);
