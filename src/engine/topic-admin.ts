// Creating, growing, configuring and deleting topics, one change after the other. A change is in
// the catalogue, durably, before anything of it shows.

import { topicConfigs } from '../base/configs/topic-configs.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import { Mutex } from '../base/mutex.ts';
import type { Random } from '../base/ports.ts';
import { randomUuid } from '../base/uuid.ts';
import type { Catalogue } from './catalogue.ts';
import { topicRecord } from './catalogue-state.ts';
import { applyConfigChanges, checkChanged } from './config-changes.ts';
import { type ConfigStore, checkTogether, checkTopicConfigs } from './config-store.ts';
import type { ConfigChange, CreateTopic, Topic } from './contract.ts';
import { internalSettings } from './internal-topics.ts';
import { checkTopicName, isInternalTopic } from './topic-names.ts';
import type { TopicEntry, TopicRegistry } from './topic-registry.ts';
import type { PartitionContext } from './topic-shared.ts';

/** Kafka's controller refuses larger changes in one go as well. */
const PARTITIONS_AT_ONCE_MAX = 10_000;

export interface TopicAdminOptions {
  readonly catalogue: Catalogue;
  readonly configs: ConfigStore;
  readonly registry: TopicRegistry;
  readonly context: PartitionContext;
  readonly random: Random;
  /** Removes directories that carry a deleted topic's id. Answers whether all are gone. */
  readonly purge: (topicId: string, directories: readonly string[]) => Promise<boolean>;
  readonly changed: (names: readonly string[]) => void;
}

export class TopicAdmin {
  readonly #options: TopicAdminOptions;
  readonly #mutex = new Mutex();
  readonly #creating = new Map<string, Promise<Topic>>();

  constructor(options: TopicAdminOptions) {
    this.#options = options;
  }

  create(spec: CreateTopic): Promise<Topic> {
    return this.#mutex.run(async () => {
      const { catalogue, registry } = this.#options;
      // Whoever hears that it is there counts on it: a deletion that was refused must not come true later.
      if (registry.find(spec.name) !== undefined) await catalogue.settle();
      const topic = this.#plan(spec, isInternalTopic(spec.name));
      if (spec.validateOnly !== true) await this.#make(topic);
      return topic;
    });
  }

  /**
   * The topic, or the one result of making it for all who ask meanwhile. Kafka's settings for the broker's own topics,
   * defaults for the rest. As for {@link TopicAdmin.create}, of a client's topic that is there nobody hears while a
   * refused deletion may come true.
   */
  autoCreate(name: string): Promise<Topic> {
    const { catalogue, configs, registry } = this.#options;
    const found = registry.find(name)?.shared.topic;
    if (found !== undefined && (found.internal || catalogue.settled)) return Promise.resolve(found);
    const making = this.#creating.get(name);
    if (making !== undefined) return making;
    const make = async (): Promise<Topic> => {
      const known = registry.find(name)?.shared.topic;
      if (known !== undefined) {
        if (!known.internal) await catalogue.settle();
        return known;
      }
      const topic = this.#plan({ name, ...internalSettings(configs, name) }, isInternalTopic(name));
      await this.#make(topic);
      return topic;
    };
    const started = this.#mutex.run(make).finally(() => this.#creating.delete(name));
    this.#creating.set(name, started);
    return started;
  }

  delete(name: string, id?: string): Promise<Topic> {
    return this.#mutex.run(async () => {
      const { catalogue, configs, registry, changed } = this.#options;
      if (configs.broker('delete.topic.enable') !== true) {
        throw new KafkaError('TOPIC_DELETION_DISABLED', 'delete.topic.enable is false');
      }
      if (id !== undefined && registry.find(name)?.shared.topic.id !== id) {
        throw new KafkaError('UNKNOWN_TOPIC_ID', `the topic "${name}" with the id ${id} is gone`);
      }
      // As for one that is there: the making of it must not come true later.
      if (registry.find(name) === undefined) await catalogue.settle();
      const entry = registry.get(name);
      const { topic } = entry.shared;
      if (topic.internal) {
        const message = `${name} belongs to the broker and cannot be deleted`;
        throw new KafkaError('POLICY_VIOLATION', message);
      }
      await catalogue.commit({ kind: 'topic-deleted', id: topic.id });
      registry.remove(topic);
      const gone = await this.#deleteLogs(entry);
      changed([name]);
      if (gone) await catalogue.commit({ kind: 'topic-purged', id: topic.id }).catch(() => {});
      return topic;
    });
  }

  grow(name: string, count: number, validateOnly: boolean): Promise<void> {
    return this.#mutex.run(async () => {
      const { catalogue, registry, changed } = this.#options;
      const { topic } = registry.get(name).shared;
      if (count <= topic.partitionCount) {
        const message = `${name} has ${topic.partitionCount} partitions, ${count} is not more`;
        throw new KafkaError('INVALID_PARTITIONS', message);
      }
      checkSize(count - topic.partitionCount);
      if (validateOnly) return;
      await catalogue.commit({ kind: 'topic-grown', id: topic.id, partitionCount: count });
      await registry.grow({ ...topic, partitionCount: count });
      changed([name]);
    });
  }

  alterConfigs(
    name: string,
    changes: readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void> {
    return this.#mutex.run(async () => {
      const { catalogue, configs: store, registry } = this.#options;
      const { topic } = registry.get(name).shared;
      const configs = applyConfigChanges(topicConfigs, topic.configs, changes, (config) =>
        store.topicText(topic.configs, config),
      );
      checkChanged(topicConfigs, changes, configs);
      checkTogether(store, configs);
      if (validateOnly) return;
      await catalogue.commit({
        kind: 'topic-configs',
        id: topic.id,
        configs: Object.fromEntries(configs),
      });
      registry.configure({ ...topic, configs });
    });
  }

  /** Runs `work` after the changes under way, before later ones. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(work);
  }

  #plan(spec: CreateTopic, internal: boolean): Topic {
    const { configs: store, context, random, registry } = this.#options;
    const { name } = spec;
    checkTopicName(name);
    if (registry.find(name) !== undefined) {
      throw new KafkaError('TOPIC_ALREADY_EXISTS', `topic "${name}" exists already`);
    }
    const other = registry.colliding(name);
    if (other !== undefined) {
      const message = `"${name}" and the existing "${other}" are one name in metrics`;
      throw new KafkaError('INVALID_TOPIC_EXCEPTION', message);
    }
    const count = spec.partitions === -1 ? store.brokerNumber('num.partitions') : spec.partitions;
    if (!Number.isInteger(count) || count <= 0) {
      throw new KafkaError('INVALID_PARTITIONS', `a topic has 1 partition or more, not ${count}`);
    }
    checkSize(count);
    const configs = new Map(spec.configs ?? []);
    checkTopicConfigs(configs);
    checkTogether(store, configs);
    const createdMs = context.clock.now();
    return { name, id: randomUuid(random), internal, partitionCount: count, configs, createdMs };
  }

  async #make(topic: Topic): Promise<void> {
    const { catalogue, registry, changed } = this.#options;
    await catalogue.commit(topicRecord(topic));
    await registry.open([topic]);
    changed([topic.name]);
  }

  /** Answers whether nothing of the topic is left on disk. */
  async #deleteLogs(entry: TopicEntry): Promise<boolean> {
    const { context, purge } = this.#options;
    const left: string[] = [];
    for (const partition of entry.partitions) {
      const log = await partition.end('deleted');
      try {
        if (log === null) left.push(partition.name);
        else await context.store.deleteLog(log);
      } catch (error) {
        const fields = { partition: partition.name, err: error };
        context.logger.warn(fields, 'the log of a deleted partition could not be deleted');
        left.push(partition.name);
      }
    }
    return left.length === 0 || (await purge(entry.shared.topic.id, left));
  }
}

function checkSize(partitions: number): void {
  if (partitions <= PARTITIONS_AT_ONCE_MAX) return;
  const message = `at most ${PARTITIONS_AT_ONCE_MAX} partitions are made at once`;
  throw new KafkaError('POLICY_VIOLATION', message);
}
