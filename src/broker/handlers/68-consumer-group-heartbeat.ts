// ConsumerGroupHeartbeat, versions 0 and 1 (v1 subscription by regular expression, the client makes up its member id:
// KIP-1082): the consumer group protocol (KIP-848).

import { ConsumerGroupHeartbeat } from '../../protocol/index.ts';
import { coordinatorContext, type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function consumerGroupHeartbeatHandler({ coordinator }: Services): Handler {
  return handler(ConsumerGroupHeartbeat, {
    handle: (request, context) =>
      coordinator.consumerGroupHeartbeat(request, coordinatorContext(context)),
  });
}
