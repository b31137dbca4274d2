// DeleteGroups: delete groups without members.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: flexible.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DeleteGroupsRequest = message(
  'DeleteGroupsRequest',
  { versions: [0, 2], flexible: 2 },
  {
    groupsNames: array(string()),
  },
);
export type DeleteGroupsRequest = Infer<typeof DeleteGroupsRequest.fields>;

export const DeleteGroupsResponse = message(
  'DeleteGroupsResponse',
  { versions: [0, 2], flexible: 2 },
  {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16(),
    }),
  },
);
export type DeleteGroupsResponse = Infer<typeof DeleteGroupsResponse.fields>;

export const DeleteGroups = api(42, 'DeleteGroups', DeleteGroupsRequest, DeleteGroupsResponse);
