// CreateTopics, versions 2 to 7.
//
// v4 -1 for defaults (KIP-464) · v5 partitions, replication factor and configs in the answer
// (KIP-525), flexible · v6 THROTTLING_QUOTA_EXCEEDED (never) · v7 topic id.
//
// There is one node, so the replication factor is -1 or 1; more is INVALID_REPLICATION_FACTOR, or
// with `--accept-replication-factor` taken as 1 with a warning. Manual assignments may name this
// node only. A topic named twice is INVALID_REQUEST. `timeoutMs` is unused: a topic is there when
// it is answered.

import { clip } from '../../base/clip.ts';
import { ErrorCode } from '../../base/kafka-errors.ts';
import type { CreateTopic } from '../../engine/index.ts';
import {
  CreateTopics,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { shownValue, sourceCode } from '../config-wire.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler } from '../handler.ts';
import { numberConfig, type Services } from '../services.ts';
import { checkReplication, checkTotal } from '../topic-specs.ts';

type TopicRequest = CreateTopicsRequest['topics'][number];
type TopicAnswer = CreateTopicsResponse['topics'][number];

function refused(name: string, errorCode: number, errorMessage: string): TopicAnswer {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode,
    errorMessage: clip(errorMessage),
    topicConfigErrorCode: 0,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}

function configsOf(services: Services, topic: string): TopicAnswer['configs'] {
  return services.engine.topicConfigs(topic).map((config) => ({
    name: config.name,
    value: shownValue(config),
    readOnly: config.readOnly,
    configSource: sourceCode[config.source],
    isSensitive: config.sensitive,
  }));
}

async function createTopic(
  services: Services,
  asked: TopicRequest,
  validateOnly: boolean,
): Promise<TopicAnswer> {
  const { engine, logger, acceptReplicationFactor } = services;
  const { name, replicationFactor } = asked;
  const configs = new Map<string, string>();
  for (const config of asked.configs) {
    if (config.value === null) {
      const text = `null value not supported for topic config: ${config.name}`;
      return refused(name, ErrorCode.INVALID_CONFIG, text);
    }
    configs.set(config.name, config.value);
  }
  try {
    const rules = { nodeId: engine.nodeId, acceptReplicationFactor };
    const partitions = checkReplication(asked, rules);
    const spec: CreateTopic = { name, partitions, configs, validateOnly };
    const topic = await engine.createTopic(spec);
    if (replicationFactor > 1 && !validateOnly) {
      logger.warn({ topic: name, replicationFactor }, 'this broker keeps one copy, not more');
    }
    return {
      name,
      topicId: validateOnly ? ZERO_UUID : topic.id,
      errorCode: 0,
      errorMessage: null,
      topicConfigErrorCode: 0,
      numPartitions: topic.partitionCount,
      replicationFactor: 1,
      configs: validateOnly ? [] : configsOf(services, name),
    };
  } catch (error) {
    return refused(name, errorCodeOf(error), errorMessageOf(error));
  }
}

export function createTopicsHandler(services: Services): Handler {
  return handler(CreateTopics, {
    async handle(request) {
      const counts = new Map<string, number>();
      for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
      const standard = numberConfig(services.engine, 'num.partitions');
      checkTotal(
        request.topics.map(({ assignments, numPartitions }) =>
          assignments.length > 0 || numPartitions !== -1
            ? Math.max(assignments.length, numPartitions)
            : standard,
        ),
      );
      const topics: Promise<TopicAnswer>[] = [];
      for (const topic of request.topics) {
        const count = counts.get(topic.name);
        if (count === 1) topics.push(createTopic(services, topic, request.validateOnly));
        else if (count !== undefined) {
          // Answered once, however often it is named.
          counts.delete(topic.name);
          const text = `topic '${topic.name}' is named more than once`;
          topics.push(Promise.resolve(refused(topic.name, ErrorCode.INVALID_REQUEST, text)));
        }
      }
      return { topics: await Promise.all(topics) };
    },
    refuse: (request, error) => ({
      topics: request.topics.map(({ name }) => refused(name, error.errorCode, error.message)),
    }),
  });
}
