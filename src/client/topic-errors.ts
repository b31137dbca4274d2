// What is said of topics and partitions that cannot be had.

import { ErrorCode, KafkaError, type KafkaErrorName } from '../base/kafka-errors.ts';
import type { TopicInfo } from './topic-cache.ts';

/** Said of what is not there, or not yet as far as that broker has heard: by its name, or by its id. */
export const unknownTopicCodes: ReadonlySet<KafkaErrorName> = new Set<KafkaErrorName>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
]);

/** Waiting does not help: metadata of now do not know it. */
export class NoSuchPartitionError extends KafkaError {
  override readonly retriable = false;

  constructor({ name, partitions }: TopicInfo, partition: number) {
    const message = `topic '${name}' has ${partitions.length} partitions, so no partition ${partition}`;
    super('UNKNOWN_TOPIC_OR_PARTITION', message);
  }
}

export function isUnknownTopic(error: unknown): boolean {
  return error instanceof KafkaError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION';
}

/** What is wrong with a topic whose metadata came with an error code. */
export function topicProblem(name: string, code: number): string {
  if (code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return `there is no topic '${name}'`;
  return code === ErrorCode.INVALID_TOPIC_EXCEPTION
    ? `'${name}' is no name of a topic: 1 to 249 of the characters a-z A-Z 0-9 . _ -`
    : `topic '${name}'`;
}
