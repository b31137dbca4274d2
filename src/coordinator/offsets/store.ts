// Committed offsets of the groups of one shard. Those of transactions, which Kafka wrote, wait for their marker while
// the log is read.
// Source of the rules: org.apache.kafka.coordinator.group.OffsetMetadataManager (4.3).

import type { OffsetCommitValue } from '../../protocol/index.ts';
import type { TransactionalProducer } from '../ports.ts';

/** A committed position. */
export interface CommittedOffset {
  readonly value: OffsetCommitValue;
  /** Place among all applied records: tells which of two commits is the later one. */
  readonly order: number;
}

type ByPartition = Map<number, CommittedOffset>;
type ByTopic = Map<string, ByPartition>;

export class OffsetStore {
  readonly #groups = new Map<string, ByTopic>();
  /** Producer id → group → offsets that count when its transaction commits. */
  readonly #pending = new Map<number, Map<string, ByTopic>>();
  #order = 0;

  /** Applies one record; null forgets the offset. Records of a transaction are kept aside until its marker. */
  apply(
    at: OffsetPlace,
    value: OffsetCommitValue | null,
    transaction: TransactionalProducer | null = null,
  ): void {
    const order = ++this.#order;
    if (value === null) {
      remove(this.#groups, at);
      // Kafka: a tombstone also cancels what open transactions hold for the partition.
      for (const groups of this.#pending.values()) remove(groups, at);
      return;
    }
    let groups = this.#groups;
    if (transaction !== null) {
      groups = this.#pending.get(transaction.producerId) ?? new Map<string, ByTopic>();
      this.#pending.set(transaction.producerId, groups);
    }
    put(groups, at, { value, order });
  }

  /** A transaction ended. Committed offsets count unless a later plain commit has overtaken them. */
  completeTransaction(producerId: number, outcome: 'commit' | 'abort'): void {
    const groups = this.#pending.get(producerId);
    this.#pending.delete(producerId);
    if (groups === undefined || outcome === 'abort') return;
    for (const [group, topics] of groups) {
      for (const [topic, partitions] of topics) {
        for (const [partition, pending] of partitions) {
          const current = this.get(group, topic, partition);
          if (current !== undefined && current.order > pending.order) continue;
          put(this.#groups, { group, topic, partition }, pending);
        }
      }
    }
  }

  get(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(group)?.get(topic)?.get(partition);
  }

  /** Topics and partitions with a committed offset. */
  *entries(group: string): Generator<readonly [string, ReadonlyMap<number, CommittedOffset>]> {
    yield* this.#groups.get(group) ?? [];
  }

  /** The log is read: a transaction that is still without an end counts as aborted, since nobody here can end it. */
  loaded(): void {
    this.#pending.clear();
  }

  has(group: string): boolean {
    return this.#groups.has(group);
  }

  /** Ids of all groups with offsets. */
  groupIds(): Set<string> {
    return new Set(this.#groups.keys());
  }
}

/** One partition of one group. */
export interface OffsetPlace {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

function put(groups: Map<string, ByTopic>, at: OffsetPlace, offset: CommittedOffset): void {
  const topics = groups.get(at.group) ?? new Map<string, ByPartition>();
  groups.set(at.group, topics);
  const partitions = topics.get(at.topic) ?? new Map<number, CommittedOffset>();
  topics.set(at.topic, partitions);
  partitions.set(at.partition, offset);
}

function remove(groups: Map<string, ByTopic>, at: OffsetPlace): void {
  const topics = groups.get(at.group);
  const partitions = topics?.get(at.topic);
  if (topics === undefined || partitions === undefined) return;
  partitions.delete(at.partition);
  if (partitions.size === 0) topics.delete(at.topic);
  if (topics.size === 0) groups.delete(at.group);
}
