// OffsetFetch: committed positions of groups, for named partitions or all.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { ZERO_UUID } from '../../base/uuid.ts';
import type { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/index.ts';
import type { TopicView } from '../ports.ts';
import type { OffsetStore } from './store.ts';

export type FetchGroup = OffsetFetchRequest['groups'][number];
export type FetchedGroup = OffsetFetchResponse['groups'][number];
type FetchedPartition = FetchedGroup['topics'][number]['partitions'][number];

/** From this version one request asks for many groups. */
export const groupsSince = 8;
/** From this version topics come by id instead of by name. */
const topicIdsSince = 10;
/** From this version there is a place for an error of the whole group. */
const groupErrorSince = 2;

/** The groups a request asks for, whatever its version. */
export function requestedGroups(request: OffsetFetchRequest, apiVersion: number): FetchGroup[] {
  if (apiVersion >= groupsSince) return request.groups;
  const { groupId, topics } = request;
  const named = topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
  return [{ groupId, memberId: null, memberEpoch: -1, topics: named }];
}

/** The response in the form of the request's version. */
export function fetchResponse(
  groups: readonly FetchedGroup[],
  apiVersion: number,
): OffsetFetchResponse {
  if (apiVersion >= groupsSince) {
    return { throttleTimeMs: 0, topics: [], errorCode: ErrorCode.NONE, groups: [...groups] };
  }
  const [only] = groups;
  const topics = (only?.topics ?? []).map(({ name, partitions }) => ({ name, partitions }));
  return { throttleTimeMs: 0, topics, errorCode: only?.errorCode ?? ErrorCode.NONE, groups: [] };
}

/** A group that cannot be read now. */
export function fetchError(group: FetchGroup, errorCode: number, apiVersion: number): FetchedGroup {
  const { groupId } = group;
  if (apiVersion >= groupErrorSince) return { groupId, topics: [], errorCode };
  const topics = (group.topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((index) => nothingAt(index, errorCode)),
  }));
  return { groupId, topics, errorCode };
}

/** Reads one group. Partitions without an offset answer -1; a group that is not known has none. */
export function fetchOffsets(
  group: FetchGroup,
  options: { readonly apiVersion: number; readonly topics: TopicView },
  store: OffsetStore,
): FetchedGroup {
  const { groupId } = group;
  const byId = options.apiVersion >= topicIdsSince;
  const answers: FetchedGroup['topics'] = [];
  if (group.topics === null) {
    for (const [name, partitions] of store.entries(groupId)) {
      const info = options.topics.topic(name);
      // Without a name on the wire, a topic that is gone cannot be told of.
      if (byId && info === undefined) continue;
      const topicId = info?.id ?? ZERO_UUID;
      const indexes = [...partitions.keys()];
      answers.push({
        name,
        topicId,
        partitions: indexes.map((index) => readOne(store, { groupId, name, topicId, index })),
      });
    }
    return { groupId, topics: answers, errorCode: ErrorCode.NONE };
  }
  for (const asked of group.topics) {
    const { partitionIndexes } = asked;
    const info = byId ? options.topics.topicById(asked.topicId) : options.topics.topic(asked.name);
    if (byId && info === undefined) {
      const partitions = partitionIndexes.map((i) => nothingAt(i, ErrorCode.UNKNOWN_TOPIC_ID));
      answers.push({ name: '', topicId: asked.topicId, partitions });
      continue;
    }
    const name = info?.name ?? asked.name;
    const topicId = info?.id ?? asked.topicId;
    const partitions = partitionIndexes.map((index) =>
      readOne(store, { groupId, name, topicId, index }),
    );
    answers.push({ name, topicId, partitions });
  }
  return { groupId, topics: answers, errorCode: ErrorCode.NONE };
}

function readOne(
  store: OffsetStore,
  at: {
    readonly groupId: string;
    readonly name: string;
    readonly topicId: string;
    readonly index: number;
  },
): FetchedPartition {
  const { groupId, name, topicId, index } = at;
  const value = store.get(groupId, name, index)?.value;
  if (value === undefined) return nothingAt(index, ErrorCode.NONE);
  // Committed for a topic of the same name that has been deleted since.
  const known = topicId !== ZERO_UUID && value.topicId !== ZERO_UUID;
  if (known && topicId !== value.topicId) return nothingAt(index, ErrorCode.NONE);
  return {
    partitionIndex: index,
    committedOffset: value.offset,
    committedLeaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    errorCode: ErrorCode.NONE,
  };
}

function nothingAt(partitionIndex: number, errorCode: number): FetchedPartition {
  return {
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode,
  };
}
