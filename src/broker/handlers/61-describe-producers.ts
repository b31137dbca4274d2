// DescribeProducers, version 0: the idempotent producers that a partition remembers (KIP-664).

import { clip } from '../../base/clip.ts';
import { ErrorCode } from '../../base/kafka-errors.ts';
import {
  DescribeProducers,
  type DescribeProducersRequest,
  type DescribeProducersResponse,
} from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import { firstMention } from '../once.ts';
import type { Services } from '../services.ts';

type PartitionAnswer = DescribeProducersResponse['topics'][number]['partitions'][number];

function describe(services: Services, topic: string, partitionIndex: number): PartitionAnswer {
  const partition = services.engine.partition(topic, partitionIndex);
  if (partition === undefined) {
    const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const errorMessage = `there is no ${clip(topic)}-${partitionIndex}`;
    return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
  }
  const activeProducers = partition.producers().map((producer) => ({
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    lastSequence: producer.lastSequence,
    lastTimestamp: producer.lastTimestampMs,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.currentTransactionStartOffset,
  }));
  return { partitionIndex, errorCode: 0, errorMessage: null, activeProducers };
}

/** A partition may have many producers, which are told once. */
function partitionsOnce(
  topics: DescribeProducersRequest['topics'],
): DescribeProducersRequest['topics'] {
  const isNew = firstMention();
  return topics.map(({ name, partitionIndexes }) => ({
    name,
    partitionIndexes: partitionIndexes.filter((index) => isNew(name, index)),
  }));
}

export function describeProducersHandler(services: Services): Handler {
  return handler(DescribeProducers, {
    handle: (request) => ({
      throttleTimeMs: 0,
      topics: partitionsOnce(request.topics).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => describe(services, name, index)),
      })),
    }),
    refuse: (request, error) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          errorCode: error.errorCode,
          errorMessage: error.message,
          activeProducers: [],
        })),
      })),
    }),
  });
}
