// Offsets by time, and the two ends of partitions.

import { errorName, KafkaError } from '../base/kafka-errors.ts';
import { ListOffsets } from '../protocol/index.ts';
import type { Cluster } from './cluster.ts';
import { committedOffsets } from './group-offsets.ts';
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
