// SyncGroup, versions 0 to 5 (v3 static members, KIP-345; v4 flexible; v5 protocol type and name,
// KIP-559, which must be given): the classic protocol. Answered when the leader has handed in the assignment.

import { KafkaError } from '../../base/kafka-errors.ts';
import { SyncGroup } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

/** From this version a member says which protocol it takes the assignment for. */
const protocolRequiredSince = 5;

export function syncGroupHandler({ coordinator }: Services): Handler {
  return handler(SyncGroup, {
    handle(request, { version }) {
      const { protocolType, protocolName } = request;
      const unsaid = protocolType === null || protocolName === null;
      if (unsaid && version >= protocolRequiredSince) {
        const message = `SyncGroup v${version} must name the protocol and its type`;
        throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', message);
      }
      return coordinator.syncGroup(request);
    },
    refuse: (_request, { errorCode }) => ({ errorCode, assignment: Buffer.alloc(0) }),
  });
}
