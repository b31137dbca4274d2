// ListGroups, versions 0 to 5 (v3 flexible; v4 states, KIP-518; v5 types, KIP-848).

import { ListGroups } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function listGroupsHandler({ coordinator }: Services): Handler {
  return handler(ListGroups, {
    handle: (request) => coordinator.listGroups(request),
    refuse: (_request, { errorCode }) => ({ errorCode, groups: [] }),
  });
}
