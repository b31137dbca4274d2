// Topics as tests write them down.

import type { Cluster, NewTopic } from '../client/index.ts';
import type { ServingBroker } from '../compose/serve-alone.ts';

/** A topic to make: its number of partitions, or that with configs by Kafka's names. */
export type TopicSpec = number | Pick<NewTopic, 'partitions' | 'configs'>;

export type TopicSpecs = Readonly<Record<string, TopicSpec>>;

type WantedTopic = Pick<NewTopic, 'name' | 'partitions' | 'configs'>;

function wantedTopics(topics: TopicSpecs): WantedTopic[] {
  return Object.entries(topics).map(([name, spec]) => ({
    name,
    ...(typeof spec === 'number' ? { partitions: spec } : spec),
  }));
}

/** Makes topics in a broker of this process, whose start need not load the client for it. Throws as on a cluster. */
export async function makeTopicsHere(
  { engine }: Pick<ServingBroker, 'engine'>,
  topics: TopicSpecs,
): Promise<void> {
  const made = await Promise.allSettled(
    wantedTopics(topics).map(({ name, partitions = -1, configs = {} }) => {
      const texts = Object.entries(configs).map(([key, value]) => [key, String(value)] as const);
      return engine.createTopic({ name, partitions, configs: new Map(texts) });
    }),
  );
  for (const outcome of made) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Makes topics. Throws the first KafkaError. */
export async function makeTopicsOn(cluster: Cluster, topics: TopicSpecs): Promise<void> {
  const wanted = wantedTopics(topics);
  if (wanted.length === 0) return;
  const { createTopics } = await import('../client/index.ts');
  const outcomes = await createTopics(cluster, wanted);
  for (const { error } of outcomes) if (error !== null) throw error;
}
