// Which topic names Kafka accepts (org.apache.kafka.common.internals.Topic), and which it reserves.

import { KafkaError } from '../base/kafka-errors.ts';

const NAME_LENGTH_MAX = 249;

/** Topics that the broker keeps for itself. */
const internalNames: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '__tidemark_events',
]);

/** Whether the broker keeps the topic for itself: clients may not write to it. */
export function isInternalTopic(name: string): boolean {
  return internalNames.has(name);
}

/**
 * Throws KafkaError `INVALID_TOPIC_EXCEPTION` unless the name has 1 to 249 characters of letters,
 * digits, `.`, `_` and `-`, and is neither `.` nor `..`. So a name is always a safe directory name.
 */
export function checkTopicName(name: string): void {
  if (name === '') throw refused('a topic name cannot be empty');
  if (name === '.' || name === '..') throw refused(`a topic cannot be named "${name}"`);
  if (name.length > NAME_LENGTH_MAX) {
    throw refused(`a topic name has at most ${NAME_LENGTH_MAX} characters, not ${name.length}`);
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    throw refused(`a topic name has only letters, digits, ".", "_" and "-", unlike "${name}"`);
  }
}

/** Two names with the same key would be one in metric names, where `.` becomes `_`. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_');
}

/** Name of a partition's directory. */
export function partitionDirectory(topic: string, index: number): string {
  return `${topic}-${index}`;
}

/** Topic and partition of a directory name; null when it is no partition's. */
export function parsePartitionDirectory(name: string): { topic: string; index: number } | null {
  const match = /^([a-zA-Z0-9._-]{1,249})-(0|[1-9]\d{0,5})$/.exec(name);
  if (match?.[1] === undefined) return null;
  return { topic: match[1], index: Number(match[2]) };
}

function refused(message: string): KafkaError {
  return new KafkaError('INVALID_TOPIC_EXCEPTION', message);
}
