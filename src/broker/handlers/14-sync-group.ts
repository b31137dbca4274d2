// SyncGroup, versions 0 to 5 (v3 static members, KIP-345; v4 flexible; v5 protocol type and name,
// KIP-559): the classic protocol. Answered when the leader has handed in the assignment.

import { SyncGroup } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function syncGroupHandler({ coordinator }: Services): Handler {
  return handler(SyncGroup, {
    handle: (request) => coordinator.syncGroup(request),
    refuse: (_request, { errorCode }) => ({ errorCode, assignment: Buffer.alloc(0) }),
  });
}
