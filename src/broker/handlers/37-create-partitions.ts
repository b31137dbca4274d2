// CreatePartitions, versions 0 to 3 (v2 flexible; v3 THROTTLING_QUOTA_EXCEEDED, never).
//
// Assignments, when given, name this node for each new partition. A topic named twice is
// INVALID_REQUEST.

import { clip } from '../../base/clip.ts';
import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import {
  CreatePartitions,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
} from '../../protocol/index.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';
import { checkReplicas, checkTotal } from '../topic-specs.ts';

type TopicRequest = CreatePartitionsRequest['topics'][number];
type TopicAnswer = CreatePartitionsResponse['results'][number];

function checkAssignments(services: Services, asked: TopicRequest, current: number): void {
  if (asked.assignments === null) return;
  const added = asked.count - current;
  if (added > 0 && asked.assignments.length !== added) {
    const text = `${added} new partitions, but ${asked.assignments.length} assignments`;
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', text);
  }
  const rules = { nodeId: services.engine.nodeId, acceptReplicationFactor: false };
  for (const { brokerIds } of asked.assignments) checkReplicas(brokerIds, rules);
}

async function grow(
  services: Services,
  asked: TopicRequest,
  validateOnly: boolean,
): Promise<TopicAnswer> {
  const { engine } = services;
  const { name, count } = asked;
  try {
    const topic = engine.topic(name);
    if (topic === undefined) {
      throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic '${name}'`);
    }
    if (topic.internal) {
      throw new KafkaError('INVALID_REQUEST', `topic '${name}' is internal`);
    }
    checkAssignments(services, asked, topic.partitionCount);
    await engine.createPartitions(name, count, validateOnly);
    return { name, errorCode: 0, errorMessage: null };
  } catch (error) {
    return { name, errorCode: errorCodeOf(error), errorMessage: errorMessageOf(error) };
  }
}

export function createPartitionsHandler(services: Services): Handler {
  return handler(CreatePartitions, {
    async handle(request) {
      const counts = new Map<string, number>();
      for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
      const added = request.topics.map(({ name, count }) => {
        const topic = services.engine.topic(name);
        return topic === undefined ? 0 : count - topic.partitionCount;
      });
      checkTotal(added);
      const results: Promise<TopicAnswer>[] = [];
      for (const topic of request.topics) {
        const { name } = topic;
        const count = counts.get(name);
        if (count === 1) results.push(grow(services, topic, request.validateOnly));
        else if (count !== undefined) {
          // Answered once, however often it is named.
          counts.delete(name);
          const errorMessage = `topic '${clip(name)}' is named more than once`;
          const errorCode = ErrorCode.INVALID_REQUEST;
          results.push(Promise.resolve({ name, errorCode, errorMessage }));
        }
      }
      return { throttleTimeMs: 0, results: await Promise.all(results) };
    },
    refuse: (request, error) => ({
      throttleTimeMs: 0,
      results: request.topics.map(({ name }) => ({
        name,
        errorCode: error.errorCode,
        errorMessage: error.message,
      })),
    }),
  });
}
