// Heartbeat, versions 0 to 4 (v3 static members, KIP-345; v4 flexible): the classic protocol.

import { Heartbeat } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function heartbeatHandler({ coordinator }: Services): Handler {
  return handler(Heartbeat, { handle: (request) => coordinator.heartbeat(request) });
}
