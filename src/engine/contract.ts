// What the engine offers to the broker, the coordinators' ports and the in-process API: many
// partitions by topic.

import type { Bagged } from '../base/bag.ts';
import type { Payload } from '../base/payload.ts';
import type { EngineMetrics } from './metrics.ts';

/** A topic as the catalogue knows it. */
export interface Topic {
  readonly name: string;
  /** Kafka's topic id, 22 characters of base64url. A recreated topic has a new one. */
  readonly id: string;
  readonly internal: boolean;
  readonly partitionCount: number;
  /** Configs set on this topic, verbatim as given (an int64 is echoed exactly as sent). */
  readonly configs: ReadonlyMap<string, string>;
  readonly createdMs: number;
}

export interface CreateTopic {
  readonly name: string;
  /** -1: `num.partitions`. */
  readonly partitions: number;
  readonly configs?: ReadonlyMap<string, string>;
  /** Only checks. */
  readonly validateOnly?: boolean;
}

/** One step of IncrementalAlterConfigs (KIP-339). */
export interface ConfigChange {
  readonly name: string;
  readonly operation: 'set' | 'delete' | 'append' | 'subtract';
  readonly value: string | null;
}

/** A config with where its value comes from, as DescribeConfigs tells it. */
export interface ConfigValue {
  readonly name: string;
  readonly value: string | null;
  readonly source: 'topic' | 'group' | 'dynamic-broker' | 'static-broker' | 'default';
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  readonly type:
    | 'boolean'
    | 'string'
    | 'int'
    | 'short'
    | 'long'
    | 'double'
    | 'list'
    | 'class'
    | 'password';
  readonly documentation: string;
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly source: ConfigValue['source'];
  }[];
}

export interface AppendRequest {
  /** Exactly one record batch v2, as sent; ownership passes to the engine, for good or until `released`. */
  readonly records: Buffer | readonly Buffer[];
  /** -1: answered when committed; 1: when written; 0: not waited for. */
  readonly acks: -1 | 0 | 1;
  /** Epoch the client believes in; -1: not checked. */
  readonly currentLeaderEpoch?: number;
  /**
   * `client` batches are checked as produce requests are; `internal` ones (coordinators) may go to
   * internal topics.
   */
  readonly origin: 'client' | 'internal';
  /** Version of the Produce request, for rules that depend on it (zstd, old formats). */
  readonly produceVersion?: number;
  /**
   * Makes `records` a loan: called once when nothing here reads them any more, which may be before or
   * after the answer. Never called when the append fails.
   */
  readonly released?: (() => void) | undefined;
}

export interface AppendResult {
  readonly baseOffset: number;
  readonly lastOffset: number;
  /**
   * Set when `message.timestamp.type=LogAppendTime`, else -1; for a batch that was stored before,
   * its largest timestamp.
   */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
}

/** Is told once what became of an append; neither may throw. */
export interface AppendAnswer {
  appended(result: AppendResult): void;
  /** With the KafkaError that the client is to see. */
  refused(error: unknown): void;
}

export type Isolation = 'read_uncommitted' | 'read_committed';

export interface FetchSpec {
  readonly offset: number;
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
  readonly isolation: Isolation;
  /** -1: not checked. Stale → FENCED_LEADER_EPOCH, newer → UNKNOWN_LEADER_EPOCH. */
  readonly currentLeaderEpoch: number;
}

export interface FetchedRecords {
  readonly records: Payload;
  readonly byteLength: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Null for read_uncommitted. */
  readonly abortedTransactions:
    | readonly { readonly producerId: number; readonly firstOffset: number }[]
    | null;
}

/** State of one idempotent producer on a partition (DescribeProducers). */
export interface ProducerInfo {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestampMs: number;
  readonly coordinatorEpoch: number;
  readonly currentTransactionStartOffset: number;
}

/** Whose transaction it is. */
export interface TransactionOwner {
  readonly producerId: number;
  /** Of its records. */
  readonly producerEpoch: number;
}

/** Who waits for news of a partition. */
export interface PartitionWatcher extends Bagged {
  /** What readers may see has grown, or the log has failed, which those at its end are told. */
  changed(): void;
}

/**
 * One partition: its log, the state of its producers, its high watermark and last stable offset.
 */
export interface Partition {
  readonly topic: Topic;
  readonly index: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly leaderEpoch: number;
  readonly online: boolean;
  sizeBytes(): number;
  /** Throws KafkaError with the code the client is to see. */
  append(request: AppendRequest): Promise<AppendResult>;
  /** The same without a promise: answered within this call where all is known, else while the log commits. */
  appendFor(answer: AppendAnswer, request: AppendRequest): void;
  /** What is there, perhaps nothing; waiting is the broker's. Throws KafkaError. */
  read(spec: FetchSpec): Promise<FetchedRecords>;
  /** The same within this call; null where the disk has to be waited for. Throws KafkaError. */
  readNow(spec: FetchSpec): FetchedRecords | null;
  /**
   * `timestamp` ≥ 0, or Kafka's -1 latest, -2 earliest, -3 max timestamp, -4 earliest local, -5
   * latest tiered.
   */
  listOffset(
    timestamp: number,
    isolation: Isolation,
    currentLeaderEpoch: number,
  ): Promise<{ offset: number; timestamp: number; leaderEpoch: number }>;
  endOffsetForEpoch(
    epoch: number,
    currentLeaderEpoch: number,
  ): { epoch: number; endOffset: number };
  /** Offset -1: the high watermark. Answers the new start offset. */
  deleteRecords(offset: number): Promise<number>;
  producers(): readonly ProducerInfo[];
  /**
   * Whether a transaction that has no marker in this partition counts as committed: Apache Kafka had decided so before
   * the directory was taken over from it. Rejects with what reading its log of transactions throws.
   */
  isCommitPrepared(owner: TransactionOwner): Promise<boolean>;
  /** Whole batches from an offset to the high watermark, for coordinators that load their state. */
  batches(fromOffset: number): AsyncIterable<Buffer>;
  /** From now on `watcher`, who watches nothing else, is told of changes. */
  watch(watcher: PartitionWatcher): void;
  unwatch(watcher: PartitionWatcher): void;
  /** Brings a failed partition back (ElectLeaders). */
  reopen(): Promise<void>;
}

/** The whole: topics, partitions, configs, producer ids. One per data directory. */
export interface Engine {
  /** Stable across restarts. */
  readonly clusterId: string;
  readonly nodeId: number;
  /** The data directory. */
  readonly root: string;
  readonly metrics: EngineMetrics;
  topics(): readonly Topic[];
  topic(name: string): Topic | undefined;
  topicById(id: string): Topic | undefined;
  partition(topic: string, index: number): Partition | undefined;
  /**
   * Throws TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_CONFIG,
   * POLICY_VIOLATION; KAFKA_STORAGE_ERROR where the disk refuses it.
   */
  createTopic(spec: CreateTopic): Promise<Topic>;
  /** The topic, made when missing. Single flight: any number of callers for one name make one topic. */
  autoCreateTopic(name: string): Promise<Topic>;
  /**
   * Answers the topic that was deleted; with `id`, only if it has this one when its turn comes, since another may have
   * taken its name. Throws UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, POLICY_VIOLATION, TOPIC_DELETION_DISABLED;
   * KAFKA_STORAGE_ERROR where the disk refuses it.
   */
  deleteTopic(name: string, id?: string): Promise<Topic>;
  createPartitions(name: string, count: number, validateOnly: boolean): Promise<void>;
  topicConfigs(name: string): readonly ConfigValue[];
  alterTopicConfigs(
    name: string,
    changes: readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void>;
  brokerConfigs(): readonly ConfigValue[];
  alterBrokerConfigs(changes: readonly ConfigChange[], validateOnly: boolean): Promise<void>;
  /** A value for what only a start can set, but was settled later, such as the listeners; null: as it was given. */
  settleBrokerConfig(name: string, value: string | null): void;
  /**
   * Current value, converted: 'log.retention.ms' → number, 'auto.create.topics.enable' → boolean.
   */
  brokerConfig(name: string): string | number | boolean | null;
  /** Configs of one group, whether there is such a group or not. */
  groupConfigs(group: string): readonly ConfigValue[];
  /** Throws INVALID_CONFIG, also for what is out of the bounds that broker configs set. */
  alterGroupConfigs(
    group: string,
    changes: readonly ConfigChange[],
    validateOnly: boolean,
  ): Promise<void>;
  /** Ids of the groups that have configs of their own. */
  groupsWithConfigs(): readonly string[];
  /** What a group has set for itself, brought within the bounds as they are now; null: nothing. */
  groupConfig(group: string, name: string): number | null;
  /** A producer id never given before, also after a crash (blocks are reserved durably). */
  nextProducerId(): Promise<number>;
  /** Called after topics were created, deleted or grown. */
  onTopicsChanged(listener: (names: readonly string[]) => void): () => void;
  /**
   * Runs retention, rolling by time, producer expiry. Also done by itself,
   * `log.initial.task.delay.ms` after the start and then every `log.retention.check.interval.ms`.
   */
  housekeeping(): Promise<void>;
  /** Bytes accepted and not yet durable, over all partitions: the broker's back-pressure signal. */
  pendingBytes(): number;
  /** Room on the data directory's disk; `Number.MAX_SAFE_INTEGER` when unknown. */
  freeBytes(): Promise<number>;
  close(): Promise<void>;
}
