// Topics as tests write them down.

import { type Cluster, createTopics, type NewTopic } from '../client/index.ts';

/** A topic to make: its number of partitions, or that with configs by Kafka's names. */
export type TopicSpec = number | Pick<NewTopic, 'partitions' | 'configs'>;

export type TopicSpecs = Readonly<Record<string, TopicSpec>>;

/** Makes topics. Throws the first KafkaError. */
export async function makeTopics(cluster: Cluster, topics: TopicSpecs): Promise<void> {
  const wanted = Object.entries(topics).map(([name, spec]) => ({
    name,
    ...(typeof spec === 'number' ? { partitions: spec } : spec),
  }));
  if (wanted.length === 0) return;
  for (const { error } of await createTopics(cluster, wanted)) if (error !== null) throw error;
}
