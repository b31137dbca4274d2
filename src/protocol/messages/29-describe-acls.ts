// DescribeAcls: access rules that match a filter.
// v1: pattern types (KIP-290).
// v2: flexible.
// v3: user resources (KIP-373).

import { api } from '../schema/api.ts';
import { array, type Infer, int8, int16, int32, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeAclsRequest = message(
  'DescribeAclsRequest',
  { versions: [1, 3], flexible: 2 },
  {
    resourceTypeFilter: int8(),
    resourceNameFilter: nullableString(),
    patternTypeFilter: int8({ fallback: 3 }),
    principalFilter: nullableString(),
    hostFilter: nullableString(),
    operation: int8(),
    permissionType: int8(),
  },
);
export type DescribeAclsRequest = Infer<typeof DescribeAclsRequest.fields>;

export const DescribeAclsResponse = message(
  'DescribeAclsResponse',
  { versions: [1, 3], flexible: 2 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ fallback: 3 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
);
export type DescribeAclsResponse = Infer<typeof DescribeAclsResponse.fields>;

export const DescribeAcls = api(29, 'DescribeAcls', DescribeAclsRequest, DescribeAclsResponse);
