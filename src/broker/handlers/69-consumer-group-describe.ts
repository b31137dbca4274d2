// ConsumerGroupDescribe, versions 0 and 1 (v1 type of each member: KIP-1099): groups of the consumer protocol
// (KIP-848).
// Everybody may do everything: there is no authorization yet.

import { ConsumerGroupDescribe } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import { GROUP_OPERATIONS, NO_OPERATIONS, type Services } from '../services.ts';

export function consumerGroupDescribeHandler({ coordinator }: Services): Handler {
  return handler(ConsumerGroupDescribe, {
    async handle(request) {
      const asked = { ...request, groupIds: [...new Set(request.groupIds)] };
      const response = await coordinator.consumerGroupDescribe(asked);
      for (const group of response.groups) {
        const told = request.includeAuthorizedOperations && group.errorCode === 0;
        group.authorizedOperations = told ? GROUP_OPERATIONS : NO_OPERATIONS;
      }
      return response;
    },
    refuse: (request, { errorCode, message }) => ({
      throttleTimeMs: 0,
      groups: request.groupIds.map((groupId) => ({
        errorCode,
        errorMessage: message,
        groupId,
        groupState: '',
        groupEpoch: 0,
        assignmentEpoch: 0,
        assignorName: '',
        members: [],
      })),
    }),
  });
}
