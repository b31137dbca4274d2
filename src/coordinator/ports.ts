// What the coordinators need from the outside: the log they keep their state in, and a look at the topics.

import type { Clock, Logger, Random } from '../base/ports.ts';
import type { GroupConfig } from './config.ts';
import type { GroupFact } from './timeline/facts.ts';

/** One record of an internal topic, as bytes. */
export interface LogRecord {
  readonly key: Buffer;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
}

/** The producer of a transactional batch. */
export interface TransactionalProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** What reading the log gives, in log order. */
export type LogEntry =
  | {
      readonly kind: 'record';
      readonly record: LogRecord;
      /** Set for records of a transaction, which count only once its commit marker is read. */
      readonly transaction: TransactionalProducer | null;
    }
  | {
      /** End of a transaction: a control record. */
      readonly kind: 'marker';
      readonly transaction: TransactionalProducer;
      readonly outcome: 'commit' | 'abort';
    };

/** The internal topic that holds a coordinator's state (`__consumer_offsets`). */
export interface CommandLog {
  /** Number of partitions, 0 while the topic does not exist. */
  partitionCount(): number;
  /** Makes the topic unless it is there, and answers its number of partitions. Single flight. */
  create(): Promise<number>;
  /**
   * Appends the records in the order of the calls, those of one call as one batch (all or none), and resolves when
   * they are committed: readable, and safe from a crash. Rejects when any of that is not certain.
   */
  append(partition: number, records: readonly LogRecord[]): Promise<void>;
  /**
   * Everything from the start to what is committed, in order, once. Transactions that count as committed without a
   * marker in the log have one behind all the rest.
   */
  read(partition: number): AsyncIterable<LogEntry>;
}

/** One record of `__tidemark_events`. */
export interface EventRecord {
  /** The group's id; null for what is about the broker as a whole. */
  readonly key: Buffer | null;
  readonly value: Buffer;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
}

/** The topic that the groups' timeline is kept in. */
export interface EventLog {
  exists(): boolean;
  /** Makes the topic unless it is there. */
  create(): Promise<void>;
  /** Appends the records, in order, all or none, and resolves when they are safe. */
  append(records: readonly EventRecord[]): Promise<void>;
}

/** Hears what becomes of groups. Its methods return at once, never throw, and change nothing. */
export interface GroupObserver {
  /** A decision came to this, at a wall-clock time. */
  decided(facts: readonly GroupFact[], nowMs: number): void;
  /** Somebody spoke for a member that the group does not know. */
  refused(groupId: string, memberId: string): void;
}

/** A topic as the coordinator sees it. */
export interface TopicInfo {
  readonly name: string;
  /** Kafka's topic id, 22 characters of base64url. */
  readonly id: string;
  readonly partitionCount: number;
}

/** The catalogue, read only. */
export interface TopicView {
  topic(name: string): TopicInfo | undefined;
  topicById(id: string): TopicInfo | undefined;
  /** All topics, for subscriptions by regular expression. */
  topics(): Iterable<TopicInfo>;
}

export interface CoordinatorOptions {
  /** `__consumer_offsets`. */
  readonly log: CommandLog;
  readonly topics: TopicView;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: GroupConfig;
  readonly observer?: GroupObserver;
}
