// The admin client: every administrative request as a method. The functions behind it are in admin-*.ts.

import {
  describeLogDirs,
  type GroupListing,
  type LogDir,
  listGroups,
  type TopicPartition,
} from './admin-cluster.ts';
import {
  alterConfigs,
  type ConfigChange,
  type ConfigEntry,
  type ConfigResource,
  describeConfigs,
  listConfigResources,
} from './admin-configs.ts';
import { deleteGroup, deleteOffsets, type MemberToRemove, removeMembers } from './admin-groups.ts';
import {
  type ActiveProducer,
  alterReassignments,
  describeProducers,
  describeQuorum,
  electLeaders,
  listReassignments,
  type NewReplicas,
  type PartitionOutcome,
  type Quorum,
  type Reassignment,
} from './admin-partitions.ts';
import { type ClientQuota, describeClientQuotas, type QuotaFilter } from './admin-quotas.ts';
import {
  type AdminOptions,
  type CreatedTopic,
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  type NewTopic,
} from './admin-topics.ts';
import type { Cluster, ClusterInfo } from './cluster.ts';
import { describeGroup, type GroupDescription } from './describe-group.ts';
import { ClientError } from './errors.ts';
import { commitOffsets } from './group-offsets.ts';
import { type FoundOffset, type Isolation, listOffsets, SpecialTime } from './list-offsets.ts';
import type { TopicInfo } from './topic-cache.ts';

/** Where to look: the first offset, the end, the record with the highest time, or the first at or after a time. */
export type OffsetAt = 'earliest' | 'latest' | 'maxTimestamp' | Date;

function timeOf(at: OffsetAt): number {
  const time = at instanceof Date ? at.getTime() : (SpecialTime[at] as number | undefined);
  if (time !== undefined && !Number.isNaN(time)) return time;
  const message = `'${String(at)}' is no place: 'earliest', 'latest', 'maxTimestamp', or a Date`;
  throw new ClientError('invalid_option', message);
}

/**
 * Looks after a cluster. Everything throws KafkaError with Kafka's code for what the brokers refuse, and ClientError
 * for what lies on the way; what may pass is tried again within the client's `apiTimeoutMs`. It holds nothing open.
 */
export class Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Brokers, controller and cluster id, asked for anew. */
  describeCluster(): Promise<ClusterInfo> {
    return this.#cluster.describe();
  }

  /** All topics by name, internal ones too (`internal` tells). */
  listTopics(): Promise<TopicInfo[]> {
    return this.#cluster.listTopics();
  }

  /** A topic with its partitions. Throws `UNKNOWN_TOPIC_OR_PARTITION`. */
  describeTopic(name: string): Promise<TopicInfo> {
    this.#cluster.forget(name);
    return this.#cluster.topic(name);
  }

  /** Makes a topic. Throws `TOPIC_ALREADY_EXISTS`, `INVALID_TOPIC_EXCEPTION`, `INVALID_CONFIG` and others. */
  async createTopic(topic: NewTopic, options: AdminOptions = {}): Promise<CreatedTopic> {
    const given: unknown = topic;
    if (typeof given !== 'object' || given === null) {
      const name = typeof given === 'string' ? given : 'orders';
      throw new ClientError('invalid_option', `createTopic takes an object: { name: '${name}' }`);
    }
    const [made] = await createTopics(this.#cluster, [topic], options);
    if (made === undefined)
      throw new TypeError(`the broker did not say what became of '${topic.name}'`);
    if (made.error !== null) throw made.error;
    return made;
  }

  /** Makes topics, each on its own: look at `error` of every outcome. */
  createTopics(topics: readonly NewTopic[], options: AdminOptions = {}): Promise<CreatedTopic[]> {
    return createTopics(this.#cluster, topics, options);
  }

  /** Deletes topics with all their records. Throws for the first that could not be, when all are dealt with. */
  async deleteTopics(names: readonly string[], options: AdminOptions = {}): Promise<void> {
    for (const { error } of await deleteTopics(this.#cluster, names, options)) {
      if (error !== null) throw error;
    }
  }

  /** Grows a topic to `count` partitions; keys may then go elsewhere. Throws `INVALID_PARTITIONS`. */
  createPartitions(topic: string, count: number, options: AdminOptions = {}): Promise<void> {
    return createPartitions(this.#cluster, topic, count, options);
  }

  /**
   * Deletes the records before an offset in each partition; -1: all there are. Answers the new start offsets. Throws
   * `OFFSET_OUT_OF_RANGE`, `POLICY_VIOLATION`.
   */
  deleteRecords(topic: string, before: ReadonlyMap<number, number>): Promise<Map<number, number>> {
    return deleteRecords(this.#cluster, topic, before);
  }

  /** The offset at a place in every partition of a topic, or in those named. `offset` is -1 where there is none. */
  async listOffsets(
    topic: string,
    at: OffsetAt,
    options: { readonly partitions?: readonly number[]; readonly isolation?: Isolation } = {},
  ): Promise<Map<number, FoundOffset>> {
    const { isolation = 'read_uncommitted' } = options;
    const partitions =
      options.partitions ??
      (await this.#cluster.topic(topic)).partitions.map((one) => one.partition);
    const timestamp = timeOf(at);
    return listOffsets(this.#cluster, topic, { partitions, timestamp, isolation });
  }

  /** All configs of a topic, broker or group by name, or those named, with where each value comes from. */
  describeConfigs(
    resource: ConfigResource,
    options: { readonly names?: readonly string[]; readonly documentation?: boolean } = {},
  ): Promise<ConfigEntry[]> {
    return describeConfigs(this.#cluster, resource, options);
  }

  /** Changes some configs and leaves the others (KIP-339). Throws `INVALID_CONFIG`. */
  alterConfigs(
    resource: ConfigResource,
    changes: readonly ConfigChange[],
    options: { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    return alterConfigs(this.#cluster, resource, changes, options);
  }

  /** What has configs of its own, of all kinds or those named (KIP-1142). */
  listConfigResources(types: readonly ConfigResource['type'][] = []): Promise<ConfigResource[]> {
    return listConfigResources(this.#cluster, types);
  }

  /** Groups of all brokers, by id. */
  listGroups(): Promise<GroupListing[]> {
    return listGroups(this.#cluster);
  }

  /** A group with members and committed offsets. Throws `GROUP_ID_NOT_FOUND`. */
  describeGroup(group: string): Promise<GroupDescription> {
    return describeGroup(this.#cluster, group);
  }

  /** Deletes a group with all it committed. Throws `NON_EMPTY_GROUP` while it has members, `GROUP_ID_NOT_FOUND`. */
  deleteGroup(group: string): Promise<void> {
    return deleteGroup(this.#cluster, group);
  }

  /**
   * Makes members leave a group: static ones that will not come back by `instanceId`, others by `memberId` (KIP-345).
   * Throws `UNKNOWN_MEMBER_ID`, `GROUP_ID_NOT_FOUND`.
   */
  removeMembers(group: string, members: readonly MemberToRemove[]): Promise<void> {
    return removeMembers(this.#cluster, group, members);
  }

  /** Commits offsets for a group without members, by partition. Throws `UNKNOWN_MEMBER_ID` while it has some. */
  alterOffsets(group: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    return commitOffsets(this.#cluster, group, topic, offsets);
  }

  /** Forgets committed offsets (KIP-496). Throws `GROUP_SUBSCRIBED_TO_TOPIC` for topics that members read. */
  deleteOffsets(group: string, places: readonly TopicPartition[]): Promise<void> {
    return deleteOffsets(this.#cluster, group, places);
  }

  /** Log directories of all brokers, with the partitions of the topics named (null: all) and their sizes. */
  describeLogDirs(topics: ReadonlyMap<string, readonly number[]> | null = null): Promise<LogDir[]> {
    return describeLogDirs(this.#cluster, topics);
  }

  /** The controllers (KIP-595). */
  describeQuorum(): Promise<Quorum> {
    return describeQuorum(this.#cluster);
  }

  /** Producers that a partition's leader remembers (KIP-664). */
  describeProducers(place: TopicPartition): Promise<ActiveProducer[]> {
    return describeProducers(this.#cluster, place);
  }

  /**
   * Elects leaders for partitions, or for all (null), that are not led by their preferred replica (KIP-460). On
   * Tidemark this reopens partitions that a failing disk closed. Only partitions where something happened are told.
   */
  electLeaders(
    which: readonly TopicPartition[] | null = null,
    type: 'preferred' | 'unclean' = 'preferred',
  ): Promise<PartitionOutcome[]> {
    return electLeaders(this.#cluster, which, type);
  }

  /** Client quotas that match (KIP-546), or all; `strict`: of entities with no other part than those named. */
  describeClientQuotas(
    filter: QuotaFilter = {},
    { strict = false }: { readonly strict?: boolean } = {},
  ): Promise<ClientQuota[]> {
    return describeClientQuotas(this.#cluster, filter, strict);
  }

  /** Moves of replicas under way (KIP-455). */
  listReassignments(which: readonly TopicPartition[] | null = null): Promise<Reassignment[]> {
    return listReassignments(this.#cluster, which);
  }

  /** Begins, changes or stops moves of replicas (KIP-455). */
  alterReassignments(changes: readonly NewReplicas[]): Promise<PartitionOutcome[]> {
    return alterReassignments(this.#cluster, changes);
  }
}
