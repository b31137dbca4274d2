// DeleteRecords, versions 0 to 2 (v2 flexible).
//
// Offset -1 stands for the high watermark. Refused, as in Kafka, for internal topics
// (INVALID_TOPIC_EXCEPTION) and for topics without `delete` in cleanup.policy (POLICY_VIOLATION).
// A partition named more than once is answered once, and counts with its last offset, as in Kafka.
// `timeoutMs` is unused: there are no replicas to wait for.

import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import {
  DeleteRecords,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from '../../protocol/index.ts';
import { errorCodeOf } from '../errors.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

type PartitionAnswer = DeleteRecordsResponse['topics'][number]['partitions'][number];

function checkPolicy(services: Services, topic: string): void {
  const known = services.engine.topic(topic);
  if (known?.internal === true) {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `topic '${topic}' is internal`);
  }
  const policy = services.engine
    .topicConfigs(topic)
    .find((config) => config.name === 'cleanup.policy')?.value;
  if (policy !== undefined && policy !== null && !policy.split(',').includes('delete')) {
    throw new KafkaError('POLICY_VIOLATION', `topic '${topic}' keeps its records: ${policy}`);
  }
}

async function deleteRecords(
  services: Services,
  topic: string,
  asked: { readonly partitionIndex: number; readonly offset: number },
): Promise<PartitionAnswer> {
  const { partitionIndex, offset } = asked;
  const partition = services.engine.partition(topic, partitionIndex);
  if (partition === undefined) {
    const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return { partitionIndex, lowWatermark: -1, errorCode };
  }
  try {
    checkPolicy(services, topic);
    const lowWatermark = await partition.deleteRecords(offset);
    return { partitionIndex, lowWatermark, errorCode: 0 };
  } catch (error) {
    return { partitionIndex, lowWatermark: -1, errorCode: errorCodeOf(error) };
  }
}

/** Offsets by topic and partition. */
function lastMentions(request: DeleteRecordsRequest): Map<string, Map<number, number>> {
  const topics = new Map<string, Map<number, number>>();
  for (const { name, partitions } of request.topics) {
    const offsets = topics.get(name) ?? new Map<number, number>();
    topics.set(name, offsets);
    for (const { partitionIndex, offset } of partitions) offsets.set(partitionIndex, offset);
  }
  return topics;
}

export function deleteRecordsHandler(services: Services): Handler {
  return handler(DeleteRecords, {
    async handle(request) {
      const topics = await Promise.all(
        Array.from(lastMentions(request), async ([name, offsets]) => ({
          name,
          partitions: await Promise.all(
            Array.from(offsets, ([partitionIndex, offset]) =>
              deleteRecords(services, name, { partitionIndex, offset }),
            ),
          ),
        })),
      );
      return { throttleTimeMs: 0, topics };
    },
    refuse: (request, error) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          lowWatermark: -1,
          errorCode: error.errorCode,
        })),
      })),
    }),
  });
}
