// Offsets that go away: deleted by request, with their topic, with their group, or by age.

import { ErrorCode } from '../../base/kafka-errors.ts';
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/index.ts';
import type { ClassicGroup } from '../group/classic/classic-group.ts';
import type { GroupStep } from '../group/types.ts';
import type { TopicView } from '../ports.ts';
import type { CommittedOffset, OffsetPlace, OffsetStore } from './store.ts';

function forget(at: OffsetPlace, step: GroupStep): void {
  const { group, topic, partition } = at;
  step.append({ kind: 'offset', group, topic, partition, value: null });
}

/** What OffsetDelete asks of a group of either protocol. */
export interface DeletableFrom {
  readonly groupId: string;
  isSubscribedTo(topic: string): boolean;
}

/** OffsetDelete (KIP-496) on a group that allows it. A partition without an offset is no error. */
export function deleteOffsets(
  request: OffsetDeleteRequest,
  from: { readonly group: DeletableFrom; readonly store: OffsetStore; readonly topics: TopicView },
  step: GroupStep,
): OffsetDeleteResponse['topics'] {
  const { group, store, topics } = from;
  // Of one that is named over and over, one record tells.
  const forgotten = new Set<string>();
  step.divisible = true;
  return request.topics.map(({ name, partitions }) => {
    const partitionCount = topics.topic(name)?.partitionCount ?? 0;
    return {
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        if (partitionIndex < 0 || partitionIndex >= partitionCount) {
          return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
        }
        if (group.isSubscribedTo(name)) {
          return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC };
        }
        const at = { group: group.groupId, topic: name, partition: partitionIndex };
        const key = `${name}/${partitionIndex}`;
        if (store.get(at.group, at.topic, at.partition) !== undefined && !forgotten.has(key)) {
          forgotten.add(key);
          forget(at, step);
        }
        return { partitionIndex, errorCode: ErrorCode.NONE };
      }),
    };
  });
}

/** Forgets all of a group's offsets. */
export function forgetGroup(group: string, store: OffsetStore, step: GroupStep): void {
  for (const [topic, partitions] of store.entries(group)) {
    for (const partition of partitions.keys()) forget({ group, topic, partition }, step);
  }
}

/** Forgets what every group committed for these topics. */
export function forgetTopics(
  names: ReadonlySet<string>,
  store: OffsetStore,
  step: GroupStep,
): void {
  for (const group of store.groupIds()) {
    for (const [topic, partitions] of store.entries(group)) {
      if (!names.has(topic)) continue;
      for (const partition of partitions.keys()) forget({ group, topic, partition }, step);
    }
  }
}

/** What the age of offsets hangs on, of groups of either protocol. */
export type ExpiringGroup = Pick<
  ClassicGroup,
  'groupId' | 'protocolType' | 'state' | 'stateSinceMs' | 'subscribed'
>;

/**
 * Forgets a group's offsets that are too old (KIP-211). Answers whether none is left.
 *
 * An age counts from when the group became empty; for topics that nobody in a stable group reads any more, and for
 * offsets of consumers outside any group, from the commit.
 */
export function forgetExpired(group: ExpiringGroup, store: OffsetStore, step: GroupStep): boolean {
  const { groupId } = group;
  const retentionMs = step.config.offsetsRetentionMinutes * 60_000;
  let left = false;
  for (const [topic, partitions] of store.entries(groupId)) {
    for (const [partition, offset] of partitions) {
      const sinceMs = ageFrom(group, topic, offset);
      const { expireTimestamp } = offset.value;
      const expired =
        sinceMs !== null &&
        (expireTimestamp === -1
          ? step.nowMs - sinceMs >= retentionMs
          : step.nowMs >= expireTimestamp);
      if (expired) forget({ group: groupId, topic, partition }, step);
      else left = true;
    }
  }
  return !left;
}

/** Since when an offset has not been needed; null while it is. */
function ageFrom(group: ExpiringGroup, topic: string, offset: CommittedOffset): number | null {
  const committedMs = offset.value.commitTimestamp;
  if (group.protocolType === null) return committedMs;
  if (group.state === 'Empty') return group.stateSinceMs ?? committedMs;
  if (group.state === 'Stable' && group.subscribed !== null && !group.subscribed.has(topic)) {
    return committedMs;
  }
  return null;
}
