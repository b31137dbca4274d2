// OffsetCommit, versions 2 to 10.
//
// v3 throttle time · v5 no retention time (with one, offsets go at its end, as in Kafka) · v6
// leader epoch · v7 static members · v8 flexible · v9 new group protocol (KIP-848) · v10 topics by
// id. Answered once the offsets are on disk in `__consumer_offsets`.

import { OffsetCommit } from '../../protocol/index.ts';
import { coordinatorContext, type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

export function offsetCommitHandler({ coordinator }: Services): Handler {
  return handler(OffsetCommit, {
    handle: (request, context) => coordinator.offsetCommit(request, coordinatorContext(context)),
    refuse: (request, { errorCode }) => ({
      topics: request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    }),
  });
}
