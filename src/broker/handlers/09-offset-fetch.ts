// OffsetFetch, versions 1 to 10.
//
// v2 all topics, top-level error · v5 leader epoch · v6 flexible · v7 requireStable (KIP-447) · v8
// many groups (KIP-709) · v9 members of the new group protocol · v10 topics by id. Tells only of
// offsets that are on disk.

import { OffsetFetch, type OffsetFetchRequest } from '../../protocol/index.ts';
import { coordinatorContext, type Handler, handler } from '../handler.ts';
import { once } from '../once.ts';
import type { Services } from '../services.ts';

/** Who asks for all topics of a group over and over is told once. */
function askedOnce(request: OffsetFetchRequest): OffsetFetchRequest {
  const all = once(
    request.groups.filter(({ topics }) => topics === null),
    ({ groupId }) => groupId,
  );
  return {
    ...request,
    groups: [...request.groups.filter(({ topics }) => topics !== null), ...all],
  };
}

export function offsetFetchHandler({ coordinator }: Services): Handler {
  return handler(OffsetFetch, {
    handle: (request, context) =>
      coordinator.offsetFetch(askedOnce(request), coordinatorContext(context)),
    refuse: (request, { errorCode }, { version }) =>
      version < 8
        ? { errorCode, topics: [] }
        : { groups: request.groups.map(({ groupId }) => ({ groupId, errorCode, topics: [] })) },
  });
}
