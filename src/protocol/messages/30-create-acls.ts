// CreateAcls: add access rules.
// v1: pattern types (KIP-290).
// v2: flexible.
// v3: user resources (KIP-373).

import { api } from '../schema/api.ts';
import { array, type Infer, int8, int16, int32, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const CreateAclsRequest = message(
  'CreateAclsRequest',
  { versions: [1, 3], flexible: 2 },
  {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ fallback: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
);
export type CreateAclsRequest = Infer<typeof CreateAclsRequest.fields>;

export const CreateAclsResponse = message(
  'CreateAclsResponse',
  { versions: [1, 3], flexible: 2 },
  {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: nullableString(),
    }),
  },
);
export type CreateAclsResponse = Infer<typeof CreateAclsResponse.fields>;

export const CreateAcls = api(30, 'CreateAcls', CreateAclsRequest, CreateAclsResponse);
