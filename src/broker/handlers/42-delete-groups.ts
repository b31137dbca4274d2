// DeleteGroups, versions 0 to 2 (v2 flexible): groups without members, with their offsets.

import { DeleteGroups } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function deleteGroupsHandler({ coordinator }: Services): Handler {
  return handler(DeleteGroups, {
    handle: (request) => coordinator.deleteGroups(request),
    refuse: (request, { errorCode }) => ({
      throttleTimeMs: 0,
      results: request.groupsNames.map((groupId) => ({ groupId, errorCode })),
    }),
  });
}
