// What the broker reads in members' metadata: which topics they want (to expire and delete offsets safely), and whether
// they have partitions to give up.

import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  ProtocolError,
} from '../../../protocol/index.ts';

const versionZero = Buffer.alloc(2);

/** Topics in all the subscriptions; null when one cannot be read. */
export function subscribedTopics(subscriptions: readonly Buffer[]): ReadonlySet<string> | null {
  const topics = new Set<string>();
  for (const metadata of subscriptions) {
    try {
      // All versions begin alike, and some clients write a newer number than their fields bear out: read as Kafka does.
      const asOldest = Buffer.concat([versionZero, metadata.subarray(2)]);
      const { topics: wanted } = decodeVersioned(ConsumerProtocolSubscription, asOldest);
      for (const topic of wanted) topics.add(topic);
    } catch (error) {
      if (error instanceof ProtocolError) return null;
      throw error;
    }
  }
  return topics;
}

/**
 * Whether a member was told to give up partitions that it had when it joined. In a cooperative protocol (KIP-429) it
 * joins once more when it has, so that others can get them; until then nobody has them.
 */
export function hasToGiveUp(subscription: Buffer, assignment: Buffer): boolean {
  try {
    const { ownedPartitions } = decodeVersioned(
      ConsumerProtocolSubscription,
      subscription,
      'as-newest',
    );
    if (ownedPartitions.length === 0) return false;
    const given = decodeVersioned(ConsumerProtocolAssignment, assignment, 'as-newest');
    const kept = new Map(given.assignedPartitions.map((one) => [one.topic, one.partitions]));
    return ownedPartitions.some(({ topic, partitions }) =>
      partitions.some((partition) => kept.get(topic)?.includes(partition) !== true),
    );
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}
