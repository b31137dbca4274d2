// Offsets by time, and the two ends of partitions.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { ListOffsets, type Transport } from '../protocol/index.ts';
import { allOrThrow, throwOne } from './all-or-throw.ts';
import type { Cluster } from './cluster.ts';
import { ClientError } from './errors.ts';
import { committedOffsets } from './group-offsets.ts';
import type { Node } from './network.ts';
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

export interface OffsetsRequest {
  readonly partitions: readonly number[];
  /** Milliseconds, or one of {@link SpecialTime}. */
  readonly timestamp: number;
  /** With `read_committed`, `latest` is the last stable offset. */
  readonly isolation?: Isolation;
}

/** The offset for a time in each partition. Throws KafkaError and ClientError. */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  request: OffsetsRequest,
): Promise<Map<number, FoundOffset>> {
  const found = new Map<number, FoundOffset>();
  await cluster.retry(() => askOffsets(cluster, topic, request, found));
  return found;
}

/**
 * Asks each leader once for those partitions that are not in `found`, and puts there what it tells. Throws, when all
 * have answered, why one is missing.
 */
export async function askOffsets(
  cluster: Cluster,
  topic: string,
  request: OffsetsRequest,
  found: Map<number, FoundOffset>,
): Promise<void> {
  const open = request.partitions.filter((partition) => !found.has(partition));
  if (open.length === 0) return;
  // All of them look at what is learnt here.
  await cluster.topic(topic);
  const byNode = new Map<number, { readonly node: Node; readonly partitions: number[] }>();
  const placed = open.map(async (partition) => {
    const { node } = await cluster.leader(topic, partition);
    const at = byNode.get(node.id);
    if (at === undefined) byNode.set(node.id, { node, partitions: [partition] });
    else at.partitions.push(partition);
  });
  await Promise.allSettled(placed);
  const answered = Array.from(byNode.values(), ({ node, partitions }) =>
    askNode(cluster.to(node), topic, { ...request, partitions }, found),
  );
  try {
    await allOrThrow([...placed, ...answered]);
  } catch (error) {
    cluster.forget(topic);
    throw error;
  }
}

async function askNode(
  leader: Transport,
  topic: string,
  { partitions, timestamp, isolation }: OffsetsRequest,
  found: Map<number, FoundOffset>,
): Promise<void> {
  const response = await leader.send(ListOffsets, {
    replicaId: -1,
    isolationLevel: isolation === 'read_committed' ? 1 : 0,
    topics: [
      {
        name: topic,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })),
      },
    ],
    timeoutMs: 30_000,
  });
  const answers = response.topics.flatMap((answer) => answer.partitions);
  const refused: Error[] = [];
  for (const partition of partitions) {
    const one = answers.find(({ partitionIndex }) => partitionIndex === partition);
    const what = `offsets of ${topic}-${partition}`;
    if (one === undefined) {
      refused.push(new ClientError('bad_response', `the leader does not tell ${what}`));
    } else if (one.errorCode !== ErrorCode.NONE) {
      refused.push(new KafkaError(errorName(one.errorCode), what));
    } else {
      const { offset, timestamp: timestampMs, leaderEpoch } = one;
      found.set(partition, { offset, timestampMs, leaderEpoch });
    }
  }
  throwOne(refused);
}

/** What the offset grammar asks about one partition; `list`: how often it is tried. */
export function offsetLookup(
  cluster: Cluster,
  at: { readonly topic: string; readonly partition: number; readonly group?: string },
  isolation: Isolation = 'read_uncommitted',
  list = listOffsets,
): OffsetLookup {
  const { topic, partition, group } = at;
  const ask = async (timestamp: number): Promise<FoundOffset> => {
    const found = await list(cluster, topic, { partitions: [partition], timestamp, isolation });
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
