// DeleteTopics, versions 1 to 6.
//
// v3 TOPIC_DELETION_DISABLED · v4 flexible · v5 errorMessage · v6 topics by id (KIP-516).
//
// Internal topics are refused: the groups live in them. A topic named twice is INVALID_REQUEST, as
// in Kafka.

import { clip } from '../../base/clip.ts';
import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import {
  DeleteTopics,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  ZERO_UUID,
} from '../../protocol/index.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler } from '../handler.ts';
import { findTopic, type Services } from '../services.ts';

type TopicAnswer = DeleteTopicsResponse['responses'][number];

interface Asked {
  readonly name: string | null;
  readonly topicId: string;
}

function askedTopics(request: DeleteTopicsRequest, version: number): readonly Asked[] {
  return version >= 6
    ? request.topics
    : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}

/** What tells topics of a request apart: one named both ways is neither the one nor the other. */
function keyOf({ name, topicId }: Asked): string {
  return `${name ?? ''}/${topicId}`;
}

async function deleteTopic(
  services: Services,
  asked: Asked,
  counts: ReadonlyMap<string, number>,
): Promise<TopicAnswer> {
  const { engine } = services;
  const { name, topicId } = asked;
  const refuse = (errorCode: number, errorMessage: string): TopicAnswer => ({
    ...{ name, topicId, errorCode, errorMessage: clip(errorMessage) },
  });
  const byId = topicId !== ZERO_UUID;
  if (byId === (name !== null)) {
    const text = 'a topic to delete is named either by name or by id';
    return refuse(ErrorCode.INVALID_REQUEST, text);
  }
  if ((counts.get(keyOf(asked)) ?? 0) > 1) {
    return refuse(ErrorCode.INVALID_REQUEST, 'duplicate topic in the request');
  }
  const found = findTopic(engine, name ?? '', topicId);
  if (found === undefined && byId) {
    return refuse(ErrorCode.UNKNOWN_TOPIC_ID, 'no topic has this id');
  }
  if (found?.internal === true) {
    return refuse(ErrorCode.INVALID_REQUEST, `topic '${found.name}' is internal`);
  }
  try {
    // That there is none of a name is for the engine to say: the next start must not find one.
    const topic = await engine.deleteTopic(found?.name ?? name ?? '', byId ? topicId : undefined);
    return { name: topic.name, topicId: topic.id, errorCode: 0, errorMessage: null };
  } catch (error) {
    return refuse(errorCodeOf(error), errorMessageOf(error));
  }
}

export function deleteTopicsHandler(services: Services): Handler {
  return handler(DeleteTopics, {
    async handle(request, context) {
      const topics = askedTopics(request, context.version);
      if (services.engine.brokerConfig('delete.topic.enable') === false) {
        const name = context.version < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED';
        throw new KafkaError(name, 'delete.topic.enable is false');
      }
      const counts = new Map<string, number>();
      for (const topic of topics) counts.set(keyOf(topic), (counts.get(keyOf(topic)) ?? 0) + 1);
      // Answered once, however often it is named.
      const once = [...new Map(topics.map((topic) => [keyOf(topic), topic])).values()];
      return {
        responses: await Promise.all(once.map((topic) => deleteTopic(services, topic, counts))),
      };
    },
    refuse: (request, error, context) => ({
      responses: askedTopics(request, context.version).map(({ name, topicId }) => ({
        name,
        topicId,
        errorCode: error.errorCode,
        errorMessage: error.message,
      })),
    }),
  });
}
