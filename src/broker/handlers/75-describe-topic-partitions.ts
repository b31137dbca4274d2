// DescribeTopicPartitions, version 0: topics and partitions in pages (KIP-966).
//
// Topics come in the order of their names; an answer holds at most `responsePartitionLimit`
// partitions (max.request.partition.size.limit at most) and names where the next one goes on. No
// topics asked for: all.

import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import type { Topic } from '../../engine/index.ts';
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import { numberConfig, type Services, TOPIC_OPERATIONS } from '../services.ts';
import { isTopicName } from './03-metadata.ts';

type TopicAnswer = DescribeTopicPartitionsResponse['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];
type Answer = Pick<DescribeTopicPartitionsResponse, 'topics' | 'nextCursor'>;

function missing(name: string): TopicAnswer {
  return {
    errorCode: isTopicName(name)
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.INVALID_TOPIC_EXCEPTION,
    name,
    topicId: ZERO_UUID,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  };
}

function partition(services: Services, topic: Topic, partitionIndex: number): PartitionAnswer {
  const { engine } = services;
  const node = [engine.nodeId];
  return {
    errorCode: 0,
    partitionIndex,
    leaderId: engine.nodeId,
    leaderEpoch: engine.partition(topic.name, partitionIndex)?.leaderEpoch ?? -1,
    replicaNodes: node,
    isrNodes: node,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: [],
  };
}

function describe(services: Services, request: DescribeTopicPartitionsRequest): Answer {
  const { engine } = services;
  const { cursor } = request;
  if (cursor !== null && cursor.partitionIndex < 0) {
    throw new KafkaError('INVALID_REQUEST', 'the cursor stands before the first partition');
  }
  const asked =
    request.topics.length > 0
      ? new Set(request.topics.map(({ name }) => name))
      : new Set(engine.topics().map(({ name }) => name));
  const names = [...asked].filter((name) => cursor === null || name >= cursor.topicName).sort();
  const roomMax = numberConfig(engine, 'max.request.partition.size.limit');
  let room = Math.min(Math.max(1, request.responsePartitionLimit), roomMax);
  const topics: TopicAnswer[] = [];
  for (const name of names) {
    const topic = engine.topic(name);
    const from = cursor?.topicName === name ? cursor.partitionIndex : 0;
    if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: from } };
    if (topic === undefined) {
      topics.push(missing(name));
      continue;
    }
    const partitions: PartitionAnswer[] = [];
    topics.push({
      errorCode: 0,
      name,
      topicId: topic.id,
      isInternal: topic.internal,
      partitions,
      topicAuthorizedOperations: TOPIC_OPERATIONS,
    });
    for (let index = from; index < topic.partitionCount; index++) {
      if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: index } };
      partitions.push(partition(services, topic, index));
      room--;
    }
  }
  return { topics, nextCursor: null };
}

export function describeTopicPartitionsHandler(services: Services): Handler {
  return handler(DescribeTopicPartitions, {
    handle: (request) => describe(services, request),
    refuse: (request, error) => ({
      topics: request.topics.map(({ name }) => ({
        ...missing(name),
        errorCode: error.errorCode,
      })),
      nextCursor: null,
    }),
  });
}
