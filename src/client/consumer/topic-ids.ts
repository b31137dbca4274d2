// Topics by id, as the new group protocol names them.

import type { TopicPartition } from '../admin-cluster.ts';
import type { Cluster } from '../cluster.ts';

export interface TopicIdPartitions {
  readonly topicId: string;
  readonly partitions: number[];
}

export class TopicIds {
  readonly #cluster: Cluster;
  readonly #names = new Map<string, string>();
  readonly #ids = new Map<string, string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Partitions by the ids of their topics, sorted. All must have come from {@link places}. */
  async group(places: readonly TopicPartition[]): Promise<TopicIdPartitions[]> {
    const byId = new Map<string, number[]>();
    for (const { topic, partition } of places) {
      const id = this.#ids.get(topic) ?? (await this.#cluster.topic(topic)).id;
      const partitions = byId.get(id);
      if (partitions === undefined) byId.set(id, [partition]);
      else partitions.push(partition);
    }
    const groups = [...byId].map(([topicId, partitions]) => ({
      topicId,
      partitions: partitions.sort((a, b) => a - b),
    }));
    return groups.sort((a, b) => (a.topicId < b.topicId ? -1 : 1));
  }

  /** The same by name. Not complete: some topics have no name that anybody knows, gone or not known yet. */
  async places(
    groups: readonly TopicIdPartitions[],
  ): Promise<{ readonly places: TopicPartition[]; readonly complete: boolean }> {
    if (groups.some(({ topicId }) => !this.#names.has(topicId))) {
      this.#names.clear();
      this.#ids.clear();
      for (const { id, name } of await this.#cluster.listTopics()) {
        this.#names.set(id, name);
        this.#ids.set(name, id);
      }
    }
    let complete = true;
    const places = groups.flatMap(({ topicId, partitions }) => {
      const topic = this.#names.get(topicId);
      if (topic === undefined) complete = false;
      return topic === undefined ? [] : partitions.map((partition) => ({ topic, partition }));
    });
    return { places, complete };
  }
}
