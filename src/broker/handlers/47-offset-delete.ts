// OffsetDelete, version 0: offsets of a group for partitions that no member is subscribed to
// (KIP-496).

import { OffsetDelete } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function offsetDeleteHandler({ coordinator }: Services): Handler {
  return handler(OffsetDelete, {
    handle: (request) => coordinator.offsetDelete(request),
    refuse: (_request, { errorCode }) => ({ errorCode, topics: [] }),
  });
}
