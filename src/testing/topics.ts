// Topics as tests write them down.

import type { Cluster, NewTopic } from '../client/index.ts';

/** A topic to make: its number of partitions, or that with configs by Kafka's names. */
export type TopicSpec = number | Pick<NewTopic, 'partitions' | 'configs'>;

export type TopicSpecs = Readonly<Record<string, TopicSpec>>;

/** Makes topics. Throws the first KafkaError. */
export async function makeTopics(
  cluster: () => Promise<Cluster>,
  topics: TopicSpecs,
): Promise<void> {
  const wanted = Object.entries(topics).map(([name, spec]) => ({
    name,
    ...(typeof spec === 'number' ? { partitions: spec } : spec),
  }));
  if (wanted.length === 0) return;
  const { createTopics } = await import('../client/index.ts');
  const outcomes = await createTopics(await cluster(), wanted);
  for (const { error } of outcomes) if (error !== null) throw error;
}
