// How large a batch may be that a topic takes, and what it says of one that is larger.

import { KafkaError } from '../../src/base/kafka-errors.ts';
import { type Cluster, describeConfigs } from '../../src/client/index.ts';

/** The topic's max.message.bytes; infinite where the broker does not tell. */
export async function batchBytesMax(cluster: Cluster, topic: string): Promise<number> {
  const entries = await describeConfigs(cluster, { type: 'topic', name: topic }).catch(() => []);
  const told = entries.find((one) => one.name === 'max.message.bytes')?.value;
  return told === undefined || told === null ? Number.POSITIVE_INFINITY : Number(told);
}

/** Whether the record itself is why a broker does not take it: then it never will. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof KafkaError && error.code === 'MESSAGE_TOO_LARGE';
}
