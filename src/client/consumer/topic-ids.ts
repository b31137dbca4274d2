// Topics by id, as the new group protocol names them.

import type { TopicPartition } from '../admin-cluster.ts';
import { partitionsByTopic } from '../by-topic.ts';
import type { Cluster } from '../cluster.ts';

export interface TopicIdPartitions {
  readonly topicId: string;
  readonly partitions: number[];
}

export interface TopicIdsOptions {
  /** Whether internal topics are read; brokers give them too when a pattern matches them. */
  readonly internal: boolean;
}

export class TopicIds {
  readonly #cluster: Cluster;
  readonly #options: TopicIdsOptions;
  /** Of topics that were given, those that are gone too: until they are given up, the broker hears of them. */
  readonly #names = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  /** Ids of topics that were given and are not read. */
  readonly #unread = new Set<string>();

  constructor(cluster: Cluster, options: TopicIdsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Partitions by the ids of their topics, sorted. All must have come from {@link places}. */
  group(places: readonly TopicPartition[]): TopicIdPartitions[] {
    const groups = partitionsByTopic(places).map(({ topic, partitions }) => {
      const topicId = this.#ids.get(topic);
      if (topicId === undefined) throw new Error(`topic '${topic}' was never given by its id`);
      return { topicId, partitions: partitions.sort((a, b) => a - b) };
    });
    return groups.sort((a, b) => (a.topicId < b.topicId ? -1 : 1));
  }

  /**
   * The same by name, without what is not read. Not complete: some topics have no name that anybody knows, gone or not
   * known yet. Throws what asking for metadata throws.
   */
  async places(
    groups: readonly TopicIdPartitions[],
  ): Promise<{ readonly places: TopicPartition[]; readonly complete: boolean }> {
    const given = new Set(groups.map(({ topicId }) => topicId).filter((id) => !this.#isKnown(id)));
    if (given.size > 0) await this.#learn(given);
    const places = groups.flatMap(({ topicId, partitions }) => {
      const topic = this.#names.get(topicId);
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
    });
    return { places, complete: groups.every(({ topicId }) => this.#isKnown(topicId)) };
  }

  #isKnown(id: string): boolean {
    return this.#names.has(id) || this.#unread.has(id);
  }

  async #learn(wanted: ReadonlySet<string>): Promise<void> {
    for (const { id, name, internal } of await this.#cluster.listTopics()) {
      if (!wanted.has(id)) continue;
      if (internal && !this.#options.internal) {
        this.#unread.add(id);
        continue;
      }
      this.#names.set(id, name);
      this.#ids.set(name, id);
    }
  }
}
