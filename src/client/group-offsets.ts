// What groups have committed, and committing: as a member, or from outside as Kafka's own tools do.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { OffsetCommit, OffsetFetch } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { byTopic } from './by-topic.ts';
import type { Cluster } from './cluster.ts';

/** Who commits or asks. Without member id and with epoch -1: nobody of the group. */
export interface GroupIdentity {
  readonly group: string;
  readonly memberId: string;
  /** Generation of a classic group, epoch of a member of the other kind. */
  readonly epoch: number;
  readonly instanceId: string | null;
}

export function outsider(group: string): GroupIdentity {
  return { group, memberId: '', epoch: -1, instanceId: null };
}

export interface GroupOffset extends TopicPartition {
  readonly offset: number;
  /** Leader epoch of the record before it, -1 when unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

interface TopicGroup<Place> {
  readonly name: string;
  readonly topicId: string;
  readonly places: readonly Place[];
}

async function topicGroups<Place extends TopicPartition>(
  cluster: Cluster,
  places: readonly Place[],
): Promise<TopicGroup<Place>[]> {
  const found: TopicGroup<Place>[] = [];
  for (const [name, some] of byTopic(places)) {
    found.push({ name, topicId: (await cluster.topic(name)).id, places: some });
  }
  return found;
}

/** Throws what a code says, and forgets what the code says is wrong: the coordinator, or the topic's id. */
function checkCode(
  cluster: Cluster,
  group: string,
  code: number,
  at: string | TopicPartition,
): void {
  if (code === ErrorCode.NONE) return;
  const name = errorName(code);
  if (code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE) {
    cluster.forgetCoordinator(group);
  }
  const where = typeof at === 'string' ? at : `${at.topic}-${at.partition}`;
  if (typeof at !== 'string') cluster.forget(at.topic);
  throw new KafkaError(name, `group '${group}', ${where}: ${name}`);
}

/** Asks the coordinator, and looks for it again when the way to it is lost. */
async function withCoordinator<T>(
  cluster: Cluster,
  group: string,
  ask: (coordinator: ReturnType<Cluster['to']>) => Promise<T>,
): Promise<T> {
  try {
    return await ask(cluster.to(await cluster.coordinator(group)));
  } catch (error) {
    if (!(error instanceof KafkaError)) cluster.forgetCoordinator(group);
    throw error;
  }
}

/**
 * What the group committed for these partitions; those without a commit are left out. `requireStable`: waits for open
 * transactions that hold offsets of the group. Throws KafkaError; `STALE_MEMBER_EPOCH` when the member is behind.
 */
export async function fetchGroupOffsets(
  cluster: Cluster,
  who: GroupIdentity,
  places: readonly TopicPartition[],
  requireStable = false,
): Promise<GroupOffset[]> {
  if (places.length === 0) return [];
  return cluster.retry(async () => {
    const topics = await topicGroups(cluster, places);
    return withCoordinator(cluster, who.group, async (coordinator) => {
      const grouped = ((await coordinator.versions(OffsetFetch))?.[1] ?? 0) >= 8;
      const asked = topics.map(({ name, topicId, places: some }) => ({
        name,
        topicId,
        partitionIndexes: some.map(({ partition }) => partition),
      }));
      const { group: groupId, memberId, epoch: memberEpoch } = who;
      const member = memberId === '' ? {} : { memberId, memberEpoch };
      const response = await coordinator.send(
        OffsetFetch,
        grouped
          ? { groups: [{ groupId, ...member, topics: asked }], requireStable }
          : { groupId, topics: asked.map(({ topicId: _, ...topic }) => topic), requireStable },
      );
      const answer = grouped ? response.groups[0] : response;
      checkCode(cluster, groupId, answer?.errorCode ?? 0, 'committed offsets');
      return (answer?.topics ?? []).flatMap((topic) => {
        const name =
          topics.find((one) => one.name === topic.name)?.name ??
          topics.find((one) => 'topicId' in topic && one.topicId === topic.topicId)?.name ??
          topic.name;
        return topic.partitions.flatMap((one) => {
          const { partitionIndex: partition, committedOffset: offset } = one;
          checkCode(cluster, groupId, one.errorCode, { topic: name, partition });
          const { committedLeaderEpoch: leaderEpoch, metadata } = one;
          return offset < 0
            ? []
            : [{ topic: name, partition, offset, leaderEpoch, metadata: metadata ?? '' }];
        });
      });
    });
  });
}

/**
 * Commits. Throws KafkaError: `ILLEGAL_GENERATION`, `STALE_MEMBER_EPOCH`, `UNKNOWN_MEMBER_ID` or
 * `REBALANCE_IN_PROGRESS` when the partitions may be others' by now, or the group has members and we are none.
 */
export async function commitGroupOffsets(
  cluster: Cluster,
  who: () => GroupIdentity,
  offsets: readonly GroupOffset[],
): Promise<void> {
  if (offsets.length === 0) return;
  await cluster.retry(async () => {
    const topics = await topicGroups(cluster, offsets);
    const { group: groupId, memberId, epoch, instanceId } = who();
    await withCoordinator(cluster, groupId, async (coordinator) => {
      const response = await coordinator.send(OffsetCommit, {
        groupId,
        generationIdOrMemberEpoch: epoch,
        memberId,
        groupInstanceId: instanceId,
        topics: topics.map(({ name, topicId, places }) => ({
          name,
          topicId,
          partitions: places.map(({ partition, offset, leaderEpoch, metadata }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedLeaderEpoch: leaderEpoch,
            committedMetadata: metadata,
          })),
        })),
      });
      for (const [index, topic] of response.topics.entries()) {
        const name = topic.name || (topics[index]?.name ?? '');
        for (const { partitionIndex: partition, errorCode } of topic.partitions) {
          checkCode(cluster, groupId, errorCode, { topic: name, partition });
        }
      }
    });
  });
}

/** Committed offsets of a group in one topic; partitions without a commit are left out. Throws KafkaError. */
export async function committedOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, number>> {
  const places = partitions.map((partition) => ({ topic, partition }));
  const found = await fetchGroupOffsets(cluster, outsider(group), places);
  return new Map(found.map(({ partition, offset }) => [partition, offset]));
}

/**
 * Commits offsets for a group without being its member, as Kafka's own tools do. A group that has members refuses it.
 * Throws KafkaError `UNKNOWN_MEMBER_ID` then, and others.
 */
export async function commitOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  const places = [...offsets].map(([partition, offset]) => ({ topic, partition, offset }));
  const plain = places.map((place) => ({ ...place, leaderEpoch: -1, metadata: '' }));
  await commitGroupOffsets(cluster, () => outsider(group), plain);
}
