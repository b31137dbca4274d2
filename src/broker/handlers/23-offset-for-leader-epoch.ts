// OffsetForLeaderEpoch, versions 2 to 4 (v3 replicaId, unused; v4 flexible).
//
// Consumers ask after a change of leader epoch whether what they have read is still there
// (KIP-320).

import { ErrorCode } from '../../base/kafka-errors.ts';
import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '../../protocol/index.ts';
import { errorCodeOf } from '../errors.ts';
import { checkEpoch } from '../fetch/read-targets.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

type PartitionRequest = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];
type PartitionAnswer = OffsetForLeaderEpochResponse['topics'][number]['partitions'][number];

function answer(partition: number, errorCode: number): PartitionAnswer {
  return { errorCode, partition, leaderEpoch: -1, endOffset: -1 };
}

function endOffset(services: Services, topic: string, asked: PartitionRequest): PartitionAnswer {
  const { partition: index, currentLeaderEpoch, leaderEpoch } = asked;
  const partition = services.engine.partition(topic, index);
  if (partition === undefined) return answer(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const refused = checkEpoch(partition, currentLeaderEpoch);
  if (refused !== 0) return answer(index, refused);
  try {
    const end = partition.endOffsetForEpoch(leaderEpoch, currentLeaderEpoch);
    return { errorCode: 0, partition: index, leaderEpoch: end.epoch, endOffset: end.endOffset };
  } catch (error) {
    return answer(index, errorCodeOf(error));
  }
}

export function offsetForLeaderEpochHandler(services: Services): Handler {
  return handler(OffsetForLeaderEpoch, {
    handle: (request) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((partition) => endOffset(services, topic, partition)),
      })),
    }),
    refuse: (request, error) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => answer(partition, error.errorCode)),
      })),
    }),
  });
}
