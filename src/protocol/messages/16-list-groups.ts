// ListGroups: the groups that a broker coordinates.
// v1: response: throttleTimeMs.
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: flexible.
// v4: request: statesFilter; response: groupState; KIP-518.
// v5: request: typesFilter; response: groupType; group types (KIP-848).

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ListGroupsRequest = message(
  'ListGroupsRequest',
  { versions: [0, 5], flexible: 3 },
  {
    statesFilter: array(string(), { since: 4 }),
    typesFilter: array(string(), { since: 5 }),
  },
);
export type ListGroupsRequest = Infer<typeof ListGroupsRequest.fields>;

export const ListGroupsResponse = message(
  'ListGroupsResponse',
  { versions: [0, 5], flexible: 3 },
  {
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4, ignorable: true }),
      groupType: string({ since: 5, ignorable: true }),
    }),
  },
);
export type ListGroupsResponse = Infer<typeof ListGroupsResponse.fields>;

export const ListGroups = api(16, 'ListGroups', ListGroupsRequest, ListGroupsResponse);
