// Whether what was read is still in the log, asked after a change of leader (KIP-320).

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { OffsetForLeaderEpoch, type Transport } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { byTopic } from './by-topic.ts';
import { ClientError } from './errors.ts';
import { nameOf } from './fetch-reading.ts';

export interface ReadUpTo extends TopicPartition {
  /** Where we go on reading. */
  readonly offset: number;
  /** Leader epoch of the record before it. */
  readonly epoch: number;
  /** Epoch of the leader that is asked. */
  readonly leaderEpoch: number;
}

/**
 * For each of these the first offset at which the leader's log differs from what was read; null when all of it is still
 * there, or the broker cannot tell; a KafkaError where it refuses. Throws KafkaError and ClientError.
 */
export async function divergences<Place extends ReadUpTo>(
  leader: Transport,
  places: readonly Place[],
): Promise<Map<Place, number | KafkaError | null>> {
  const found = new Map<Place, number | KafkaError | null>();
  if ((await leader.versions(OffsetForLeaderEpoch)) === null) return found;
  const { topics } = await leader.send(OffsetForLeaderEpoch, {
    topics: Array.from(byTopic(places), ([topic, some]) => ({
      topic,
      partitions: some.map(
        ({ partition, leaderEpoch: currentLeaderEpoch, epoch: leaderEpoch }) => ({
          partition,
          currentLeaderEpoch,
          leaderEpoch,
        }),
      ),
    })),
  });
  const byName = new Map(places.map((place) => [nameOf(place), place]));
  for (const { topic, partitions } of topics) {
    for (const answer of partitions) {
      const place = byName.get(nameOf({ topic, partition: answer.partition }));
      if (place !== undefined) found.set(place, divergence(place, answer));
    }
  }
  return found;
}

function divergence(
  { topic, partition, offset, epoch }: ReadUpTo,
  { errorCode, endOffset }: { readonly errorCode: number; readonly endOffset: number },
): number | KafkaError | null {
  if (errorCode !== ErrorCode.NONE) {
    const name = errorName(errorCode);
    return new KafkaError(name, `end of leader epoch ${epoch} of ${topic}-${partition}: ${name}`);
  }
  // An epoch that the leader never heard of: nothing can be said (-1), as with logs that hold none.
  return endOffset >= 0 && endOffset < offset ? endOffset : null;
}

/** Says that records which were seen are gone. */
export function truncatedError({ topic, partition, offset }: ReadUpTo, cutAt: number): ClientError {
  const message =
    `${topic}-${partition} was cut at offset ${cutAt}, below what was read (up to ${offset}): ` +
    `records that were seen are gone; go on with seek, or with outOfRange 'earliest' or 'latest'`;
  return new ClientError('log_truncated', message);
}
