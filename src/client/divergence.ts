// Whether what was read is still in the log, asked after a change of leader (KIP-320).

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { OffsetForLeaderEpoch, type Transport } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { ClientError } from './errors.ts';

export interface ReadUpTo extends TopicPartition {
  /** Where we go on reading. */
  readonly offset: number;
  /** Leader epoch of the record before it. */
  readonly epoch: number;
  /** Epoch of the leader that is asked. */
  readonly leaderEpoch: number;
}

/**
 * The first offset at which the leader's log differs from what was read; null when all of it is still there, or the
 * broker cannot tell. Throws KafkaError and ClientError.
 */
export async function divergence(leader: Transport, upTo: ReadUpTo): Promise<number | null> {
  if ((await leader.versions(OffsetForLeaderEpoch)) === null) return null;
  const { topic, partition, offset, epoch, leaderEpoch } = upTo;
  const { topics } = await leader.send(OffsetForLeaderEpoch, {
    topics: [
      {
        topic,
        partitions: [{ partition, currentLeaderEpoch: leaderEpoch, leaderEpoch: epoch }],
      },
    ],
  });
  const answer = topics[0]?.partitions[0];
  if (answer === undefined) return null;
  if (answer.errorCode !== ErrorCode.NONE) {
    const name = errorName(answer.errorCode);
    throw new KafkaError(name, `end of leader epoch ${epoch} of ${topic}-${partition}: ${name}`);
  }
  // An epoch that the leader never heard of: nothing can be said (-1), as with logs that hold none.
  if (answer.endOffset < 0) return null;
  return answer.endOffset < offset ? answer.endOffset : null;
}

/** Says that records which were seen are gone. */
export function truncatedError({ topic, partition, offset }: ReadUpTo, cutAt: number): ClientError {
  const message =
    `${topic}-${partition} was cut at offset ${cutAt}, below what was read (up to ${offset}): ` +
    `records that were seen are gone; go on with seek, or with outOfRange 'earliest' or 'latest'`;
  return new ClientError('log_truncated', message);
}
