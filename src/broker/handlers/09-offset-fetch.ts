// OffsetFetch, versions 1 to 10.
//
// v2 all topics, top-level error · v5 leader epoch · v6 flexible · v7 requireStable (KIP-447) · v8
// many groups (KIP-709) · v9 members of the new group protocol · v10 topics by id. Tells only of
// offsets that are on disk.

import { OffsetFetch, type OffsetFetchRequest } from '../../protocol/index.ts';
import { coordinatorContext, type Handler, handler } from '../handler.ts';
import { firstMention } from '../once.ts';
import type { Services } from '../services.ts';

interface NamedTopic {
  readonly name: string;
  readonly topicId?: string;
  readonly partitionIndexes: number[];
}

/** Stands for all partitions of all topics. */
const ALL = -1;

/** A group's offsets, which may have long texts, are told once: all of them, and each that is named. */
function askedOnce(request: OffsetFetchRequest): OffsetFetchRequest {
  const isNew = firstMention();
  const named = <T extends NamedTopic>(group: string, topics: readonly T[]): T[] =>
    topics.flatMap((topic) => {
      const of = JSON.stringify([group, topic.name, topic.topicId]);
      const partitionIndexes = topic.partitionIndexes.filter((index) => isNew(of, index));
      const told = partitionIndexes.length === 0 && topic.partitionIndexes.length > 0;
      return told ? [] : [{ ...topic, partitionIndexes }];
    });
  const { groupId, topics } = request;
  return {
    ...request,
    topics: topics === null ? null : named(groupId, topics),
    groups: request.groups
      .filter((group) => group.topics !== null || isNew(group.groupId, ALL))
      .map((group) => ({
        ...group,
        topics: group.topics === null ? null : named(group.groupId, group.topics),
      })),
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
