// The one thing the broker reads in members' metadata: which topics they want (to expire and delete offsets safely).

import {
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
