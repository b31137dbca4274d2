// Offsets by time, and the two ends of partitions.

import { errorName, KafkaError } from '../base/kafka-errors.ts';
import { ListOffsets, OffsetCommit, OffsetFetch } from '../protocol/index.ts';
import { type Cluster, throwIfError } from './cluster.ts';
import type { OffsetLookup } from './offset-resolve.ts';

export type Isolation = 'read_uncommitted' | 'read_committed';

/** Kafka's special times. */
export const SpecialTime = { latest: -1, earliest: -2, maxTimestamp: -3 } as const;

export interface FoundOffset {
  /** -1: no record that late. */
  readonly offset: number;
  readonly timestampMs: number;
  readonly leaderEpoch: number;
}

/**
 * The offset for a time (milliseconds, or one of {@link SpecialTime}) in each partition. With
 * `read_committed`, `latest` is the last stable offset. Throws KafkaError.
 */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  request: {
    readonly partitions: readonly number[];
    readonly timestamp: number;
    readonly isolation?: Isolation;
  },
): Promise<Map<number, FoundOffset>> {
  const found = new Map<number, FoundOffset>();
  await cluster.retry(async () => {
    const open = request.partitions.filter((partition) => !found.has(partition));
    const leaders = await Promise.all(open.map((partition) => cluster.leader(topic, partition)));
    const byNode = new Map(leaders.map(({ node }) => [node.id, node]));
    const answers = [...byNode.values()].map(async (node) => {
      const mine = open.filter((_, index) => leaders[index]?.node.id === node.id);
      const response = await cluster.to(node).send(ListOffsets, {
        replicaId: -1,
        isolationLevel: request.isolation === 'read_committed' ? 1 : 0,
        topics: [
          {
            name: topic,
            partitions: mine.map((partitionIndex) => ({
              partitionIndex,
              timestamp: request.timestamp,
            })),
          },
        ],
        timeoutMs: 30_000,
      });
      for (const one of response.topics.flatMap((answer) => answer.partitions)) {
        if (one.errorCode !== 0) {
          cluster.forget(topic);
          throw new KafkaError(
            errorName(one.errorCode),
            `offsets of ${topic}-${one.partitionIndex}`,
          );
        }
        const { offset, timestamp, leaderEpoch } = one;
        found.set(one.partitionIndex, { offset, timestampMs: timestamp, leaderEpoch });
      }
    });
    await Promise.all(answers);
  });
  return found;
}

/** Committed offsets of a group in one topic; partitions without a commit are left out. Throws KafkaError. */
export async function committedOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, number>> {
  return cluster.retry(async () => {
    try {
      return await askCommitted(cluster, group, { topic, partitions });
    } catch (error) {
      cluster.forgetCoordinator(group);
      throw error;
    }
  });
}

async function askCommitted(
  cluster: Cluster,
  group: string,
  what: { topic: string; partitions: readonly number[] },
): Promise<Map<number, number>> {
  const transport = cluster.to(await cluster.coordinator(group));
  const range = await transport.versions(OffsetFetch);
  const partitionIndexes = [...what.partitions];
  const grouped = (range?.[1] ?? 0) >= 8;
  const { id } = await cluster.topic(what.topic);
  const topics = [{ name: what.topic, topicId: id, partitionIndexes }];
  const response = await transport.send(
    OffsetFetch,
    grouped
      ? { groups: [{ groupId: group, topics }] }
      : { groupId: group, topics: [{ name: what.topic, partitionIndexes }] },
  );
  const answer = grouped ? response.groups[0] : response;
  throwIfError(answer?.errorCode ?? 0, `group '${group}'`);
  const committed = new Map<number, number>();
  for (const one of answer?.topics[0]?.partitions ?? []) {
    throwIfError(one.errorCode, `group '${group}' on ${what.topic}-${one.partitionIndex}`);
    if (one.committedOffset >= 0) committed.set(one.partitionIndex, one.committedOffset);
  }
  return committed;
}

/** What the offset grammar asks about one partition. */
export function offsetLookup(
  cluster: Cluster,
  at: { readonly topic: string; readonly partition: number; readonly group?: string },
  isolation: Isolation = 'read_uncommitted',
): OffsetLookup {
  const { topic, partition, group } = at;
  const ask = async (timestamp: number): Promise<FoundOffset> => {
    const found = await listOffsets(cluster, topic, {
      partitions: [partition],
      timestamp,
      isolation,
    });
    return found.get(partition) ?? { offset: -1, timestampMs: -1, leaderEpoch: -1 };
  };
  return {
    earliest: async () => (await ask(SpecialTime.earliest)).offset,
    latest: async () => (await ask(SpecialTime.latest)).offset,
    async atTime(timestampMs) {
      const found = await ask(timestampMs);
      return found.offset < 0 ? null : { offset: found.offset, timestampMs: found.timestampMs };
    },
    async committed() {
      if (group === undefined) return null;
      return (await committedOffsets(cluster, group, topic, [partition])).get(partition) ?? null;
    },
  };
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
  const { id } = await cluster.topic(topic);
  const partitions = [...offsets].map(([partitionIndex, committedOffset]) => ({
    partitionIndex,
    committedOffset,
    committedMetadata: '',
  }));
  await cluster.retry(async () => {
    const transport = cluster.to(await cluster.coordinator(group));
    const response = await transport.send(OffsetCommit, {
      groupId: group,
      topics: [{ name: topic, topicId: id, partitions }],
    });
    for (const one of response.topics.flatMap((answer) => answer.partitions)) {
      if (one.errorCode !== 0) cluster.forgetCoordinator(group);
      throwIfError(one.errorCode, `commit of group '${group}' on ${topic}-${one.partitionIndex}`);
    }
  });
}
