// The engine: topics, their partitions, configs and producer ids of one data directory.

import { Bag, type Bagged } from '../base/bag.ts';
import type { ConfigScalar } from '../base/config-def.ts';
import { brokerConfigs } from '../base/configs/broker-configs.ts';
import { KafkaError } from '../base/kafka-errors.ts';
import type { CancelTimer, Random } from '../base/ports.ts';
import { checkChanges } from './broker-config-checks.ts';
import type { Catalogue } from './catalogue.ts';
import { applyConfigChanges } from './config-changes.ts';
import type { ConfigStore } from './config-store.ts';
import type {
  ConfigChange,
  ConfigValue,
  CreateTopic,
  Engine,
  Partition,
  Topic,
} from './contract.ts';
import { GroupConfigs } from './group-configs.ts';
import { forEachLimited } from './limited.ts';
import type { EngineMetrics } from './metrics.ts';
import { forgetProducers } from './producer-expiry.ts';
import { ProducerIds } from './producer-ids.ts';
import { TopicAdmin } from './topic-admin.ts';
import type { TopicRegistry } from './topic-registry.ts';
import type { PartitionContext } from './topic-shared.ts';

/** Partitions looked after at a time. */
const HOUSEKEEPING_MAX = 4;

export interface EngineParts {
  readonly catalogue: Catalogue;
  readonly configs: ConfigStore;
  readonly registry: TopicRegistry;
  readonly context: PartitionContext;
  readonly random: Random;
  /** See {@link TopicAdmin}. */
  readonly purge: (topicId: string, directories: readonly string[]) => Promise<boolean>;
}

interface TopicsListener extends Bagged {
  readonly listener: (names: readonly string[]) => void;
}

export class TidemarkEngine implements Engine {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly #parts: EngineParts;
  readonly #admin: TopicAdmin;
  readonly #producerIds: ProducerIds;
  readonly #groupConfigs: GroupConfigs;
  readonly #listeners = new Bag<TopicsListener>();
  #cancelHousekeeping: CancelTimer = () => {};
  #housekeeping: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { state } = parts.catalogue;
    this.clusterId = state.clusterId ?? '';
    this.nodeId = state.nodeId;
    parts.configs.settle('node.id', String(state.nodeId));
    this.#producerIds = new ProducerIds(parts.catalogue);
    this.#groupConfigs = new GroupConfigs(parts.catalogue, parts.configs);
    this.#admin = new TopicAdmin({ ...parts, changed: (names) => this.#changed(names) });
    this.#scheduleHousekeeping(parts.configs.brokerNumber('log.initial.task.delay.ms'));
  }

  get metrics(): EngineMetrics {
    return this.#parts.context.metrics;
  }

  get root(): string {
    return this.#parts.context.store.root;
  }

  topics(): readonly Topic[] {
    return this.#parts.registry.topics();
  }

  topic(name: string): Topic | undefined {
    return this.#parts.registry.find(name)?.shared.topic;
  }

  topicById(id: string): Topic | undefined {
    return this.#parts.registry.findById(id)?.shared.topic;
  }

  partition(topic: string, index: number): Partition | undefined {
    return this.#parts.registry.find(topic)?.partitions[index];
  }

  async createTopic(spec: CreateTopic): Promise<Topic> {
    this.#checkOpen();
    return await this.#admin.create(spec);
  }

  async autoCreateTopic(name: string): Promise<Topic> {
    this.#checkOpen();
    return await this.#admin.autoCreate(name);
  }

  async deleteTopic(name: string, id?: string): Promise<Topic> {
    this.#checkOpen();
    return await this.#admin.delete(name, id);
  }

  async createPartitions(name: string, count: number, validateOnly: boolean): Promise<void> {
    this.#checkOpen();
    await this.#admin.grow(name, count, validateOnly);
  }

  topicConfigs(name: string): readonly ConfigValue[] {
    const { configs, registry } = this.#parts;
    return configs.topicValues(registry.get(name).shared.topic.configs);
  }

  async alterTopicConfigs(
    name: string,
    changes: readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void> {
    this.#checkOpen();
    await this.#admin.alterConfigs(name, changes, validateOnly);
  }

  brokerConfigs(): readonly ConfigValue[] {
    return this.#parts.configs.brokerValues();
  }

  async alterBrokerConfigs(changes: readonly ConfigChange[], validateOnly: boolean): Promise<void> {
    this.#checkOpen();
    const { catalogue, configs: store, registry } = this.#parts;
    await this.#admin.exclusive(async () => {
      const configs = applyConfigChanges(brokerConfigs, store.dynamic, changes, (name) =>
        String(store.broker(name) ?? ''),
      );
      checkChanges(store, changes, configs);
      if (validateOnly) return;
      await catalogue.commit({ kind: 'broker-configs', configs: Object.fromEntries(configs) });
      store.setDynamic(configs);
      registry.refreshAll();
    });
  }

  settleBrokerConfig(name: string, value: string | null): void {
    this.#parts.configs.settle(name, value);
  }

  brokerConfig(name: string): ConfigScalar {
    return this.#parts.configs.broker(name);
  }

  groupConfigs(group: string): readonly ConfigValue[] {
    return this.#groupConfigs.values(group);
  }

  async alterGroupConfigs(
    group: string,
    changes: readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void> {
    this.#checkOpen();
    await this.#admin.exclusive(() => this.#groupConfigs.alter(group, changes, validateOnly));
  }

  groupsWithConfigs(): readonly string[] {
    return this.#groupConfigs.groups;
  }

  groupConfig(group: string, name: string): number | null {
    return this.#groupConfigs.effective(group, name);
  }

  async nextProducerId(): Promise<number> {
    this.#checkOpen();
    return await this.#producerIds.next();
  }

  onTopicsChanged(listener: (names: readonly string[]) => void): () => void {
    const added = { listener, place: -1 };
    this.#listeners.add(added);
    return () => this.#listeners.remove(added);
  }

  housekeeping(): Promise<void> {
    this.#housekeeping ??= this.#keepHouse().finally(() => {
      this.#housekeeping = null;
    });
    return this.#housekeeping;
  }

  pendingBytes(): number {
    return this.#parts.context.store.pendingBytes;
  }

  freeBytes(): Promise<number> {
    return this.#parts.context.store.freeBytes();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { catalogue, context, registry } = this.#parts;
    this.#cancelHousekeeping();
    context.space.close();
    await this.#housekeeping?.catch(() => {});
    await this.#admin.exclusive(async () => {
      await Promise.all(Array.from(registry.partitions(), (one) => one.end('closed')));
      try {
        // While the directory is ours: the store gives it up.
        await catalogue.close();
      } finally {
        await context.store.close();
      }
    });
  }

  async #keepHouse(): Promise<void> {
    const { configs, context, registry } = this.#parts;
    const partitions = [...registry.partitions()];
    await forgetProducers({
      ...context,
      partitions,
      expirationMs: configs.brokerNumber('producer.id.expiration.ms'),
      most: configs.brokerNumber('tidemark.max.producer.ids'),
    });
    await forEachLimited(partitions, HOUSEKEEPING_MAX, async (partition) => {
      try {
        await partition.housekeeping();
      } catch (error) {
        const fields = { partition: partition.name, err: error };
        context.logger.warn(fields, 'housekeeping of a partition failed');
      }
    });
  }

  #scheduleHousekeeping(delayMs: number): void {
    const { configs, context } = this.#parts;
    this.#cancelHousekeeping = context.clock.setTimer(delayMs, () => {
      void this.housekeeping().finally(() => {
        if (this.#closing !== null) return;
        this.#scheduleHousekeeping(configs.brokerNumber('log.retention.check.interval.ms'));
      });
    });
  }

  #changed(names: readonly string[]): void {
    this.#listeners.visit(({ listener }) => listener(names));
  }

  #checkOpen(): void {
    if (this.#closing === null) return;
    throw new KafkaError('BROKER_NOT_AVAILABLE', 'the broker is stopping');
  }
}
