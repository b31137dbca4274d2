// DescribeGroups, versions 0 to 6.
//
// v3 authorized operations (everything: there is no authorization yet) · v4 static members · v5
// flexible · v6 an unknown group is GROUP_ID_NOT_FOUND, not a dead one (KIP-1043).

import { DescribeGroups } from '../../protocol/index.ts';
import { coordinatorContext, type Handler, handler } from '../handler.ts';
import { GROUP_OPERATIONS, NO_OPERATIONS, type Services } from '../services.ts';

export function describeGroupsHandler({ coordinator }: Services): Handler {
  return handler(DescribeGroups, {
    async handle(request, context) {
      const asked = { ...request, groups: [...new Set(request.groups)] };
      const response = await coordinator.describeGroups(asked, coordinatorContext(context));
      for (const group of response.groups) {
        const told = request.includeAuthorizedOperations && group.errorCode === 0;
        group.authorizedOperations = told ? GROUP_OPERATIONS : NO_OPERATIONS;
      }
      return response;
    },
    refuse: (request, { errorCode, message }, { version }) => ({
      groups: request.groups.map((groupId) => ({
        errorCode,
        errorMessage: version < 6 ? null : message,
        groupId,
        groupState: '',
        protocolType: '',
        protocolData: '',
        members: [],
      })),
    }),
  });
}
