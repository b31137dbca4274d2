// JoinGroup, versions 0 to 9: the classic protocol.
//
// v1 rebalance timeout · v4 MEMBER_ID_REQUIRED (KIP-394) · v5 static members (KIP-345) · v6
// flexible · v7 protocol type · v8 reason · v9 skipAssignment (KIP-814). Answered when the
// rebalance completes; meanwhile the connection serves nothing else, as in Kafka.

import { JoinGroup } from '../../protocol/index.ts';
import { coordinatorContext, type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function joinGroupHandler({ coordinator }: Services): Handler {
  return handler(JoinGroup, {
    handle: (request, context) => coordinator.joinGroup(request, coordinatorContext(context)),
    refuse: (request, { errorCode }, { version }) => ({
      errorCode,
      protocolName: version < 7 ? '' : null,
      leader: '',
      memberId: request.memberId,
      members: [],
    }),
  });
}
