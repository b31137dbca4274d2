// LeaveGroup, versions 0 to 5 (v3 many members, KIP-345; v4 flexible; v5 reason, KIP-800): the
// classic protocol.

import { LeaveGroup } from '../../protocol/index.ts';
import { coordinatorContext, type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function leaveGroupHandler({ coordinator }: Services): Handler {
  return handler(LeaveGroup, {
    handle: (request, context) => coordinator.leaveGroup(request, coordinatorContext(context)),
  });
}
