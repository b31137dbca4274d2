// DescribeGroups: state and members of classic groups.
// v1: response: throttleTimeMs.
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: request: includeAuthorizedOperations; response: authorizedOperations; KIP-430.
// v4: response: groupInstanceId; static membership (KIP-345).
// v5: flexible.
// v6: response: errorMessage; GROUP_ID_NOT_FOUND for unknown groups (KIP-1043).

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  bytes,
  type Infer,
  int16,
  int32,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeGroupsRequest = message(
  'DescribeGroupsRequest',
  { versions: [0, 6], flexible: 5 },
  {
    groups: array(string()),
    includeAuthorizedOperations: bool({ since: 3 }),
  },
);
export type DescribeGroupsRequest = Infer<typeof DescribeGroupsRequest.fields>;

export const DescribeGroupsResponse = message(
  'DescribeGroupsResponse',
  { versions: [0, 6], flexible: 5 },
  {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: nullableString({ since: 6, fallback: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: nullableString({ since: 4, fallback: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ since: 3, fallback: -0x80000000 }),
    }),
  },
);
export type DescribeGroupsResponse = Infer<typeof DescribeGroupsResponse.fields>;

export const DescribeGroups = api(
  15,
  'DescribeGroups',
  DescribeGroupsRequest,
  DescribeGroupsResponse,
);
