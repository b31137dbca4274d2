// The topics of an engine and their partitions, by name and by id.

import { KafkaError } from '../base/kafka-errors.ts';
import type { ConfigStore } from './config-store.ts';
import type { Topic } from './contract.ts';
import { forEachLimited } from './limited.ts';
import { LogPartition } from './partition.ts';
import { collisionKey } from './topic-names.ts';
import { topicSettings } from './topic-settings.ts';
import type { PartitionContext, TopicShared } from './topic-shared.ts';

/**
 * Logs opened at a time: enough to keep a disk busy, few enough to spare memory and descriptors.
 */
const OPENING_MAX = 16;

export interface TopicEntry {
  readonly shared: TopicShared;
  readonly partitions: LogPartition[];
}

export class TopicRegistry {
  readonly #configs: ConfigStore;
  readonly #context: PartitionContext;
  readonly #byName = new Map<string, TopicEntry>();
  readonly #byId = new Map<string, TopicEntry>();
  /** Names in use by their collision key. */
  readonly #keys = new Map<string, string>();

  constructor(configs: ConfigStore, context: PartitionContext) {
    this.#configs = configs;
    this.#context = context;
  }

  topics(): readonly Topic[] {
    return Array.from(this.#byName.values(), (entry) => entry.shared.topic);
  }

  entries(): IterableIterator<TopicEntry> {
    return this.#byName.values();
  }

  *partitions(): Generator<LogPartition, void, undefined> {
    for (const entry of this.#byName.values()) yield* entry.partitions;
  }

  find(name: string): TopicEntry | undefined {
    return this.#byName.get(name);
  }

  findById(id: string): TopicEntry | undefined {
    return this.#byId.get(id);
  }

  /** Throws KafkaError `UNKNOWN_TOPIC_OR_PARTITION`. */
  get(name: string): TopicEntry {
    const entry = this.#byName.get(name);
    if (entry !== undefined) return entry;
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic "${name}"`);
  }

  /** The topic whose name differs from `name` only in `.` and `_`, if there is one. */
  colliding(name: string): string | undefined {
    const other = this.#keys.get(collisionKey(name));
    return other === name ? undefined : other;
  }

  /** Opens (or creates) the partitions of topics and then shows the topics. */
  async open(topics: readonly Topic[]): Promise<void> {
    const entries = topics.map((topic) => this.#newEntry(topic));
    const work = entries.flatMap((entry) =>
      Array.from({ length: entry.shared.topic.partitionCount }, (_, index) => ({ entry, index })),
    );
    await forEachLimited(work, OPENING_MAX, async ({ entry, index }) => {
      entry.partitions[index] = await LogPartition.open(entry.shared, index, this.#context);
    });
    for (const entry of entries) {
      const { name, id } = entry.shared.topic;
      this.#byName.set(name, entry);
      this.#byId.set(id, entry);
      this.#keys.set(collisionKey(name), name);
    }
  }

  /** Opens the partitions that a topic gained and then shows them. */
  async grow(topic: Topic): Promise<void> {
    const entry = this.get(topic.name);
    const added: LogPartition[] = [];
    const first = entry.partitions.length;
    const indexes = Array.from({ length: topic.partitionCount - first }, (_, at) => first + at);
    await forEachLimited(indexes, OPENING_MAX, async (index) => {
      added[index - first] = await LogPartition.open(entry.shared, index, this.#context);
    });
    entry.partitions.push(...added);
    entry.shared.topic = topic;
  }

  /** Gives a topic its new configs. */
  configure(topic: Topic): void {
    const entry = this.get(topic.name);
    entry.shared.topic = topic;
    this.#refresh(entry);
  }

  /** Broker configs changed: every topic takes its defaults from them. */
  refreshAll(): void {
    for (const entry of this.#byName.values()) this.#refresh(entry);
  }

  /** Hides a topic; its partitions are the caller's to end. */
  remove(topic: Topic): void {
    this.#byName.delete(topic.name);
    this.#byId.delete(topic.id);
    this.#keys.delete(collisionKey(topic.name));
  }

  #newEntry(topic: Topic): TopicEntry {
    const settings = topicSettings(this.#configs, topic.configs);
    return { shared: { topic, settings }, partitions: [] };
  }

  #refresh(entry: TopicEntry): void {
    const { shared } = entry;
    shared.settings = topicSettings(this.#configs, shared.topic.configs);
    for (const partition of entry.partitions) partition.settingsChanged();
  }
}
