// What is known of topics and the leaders of their partitions, from metadata and from refusals (KIP-951). Brokers hear
// of a new leader by and by: one that lags behind names an earlier one. Epochs tell, so a leader of an older epoch than
// was heard of before is not taken over, and neither is it after the topic was forgotten, which only means: ask again.

import { ErrorCode } from '../base/kafka-errors.ts';
import { type MetadataResponse, ZERO_UUID } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';

export interface PartitionInfo {
  readonly partition: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  readonly errorCode: number;
}

export interface TopicInfo {
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  /** By partition number, ascending. */
  readonly partitions: readonly PartitionInfo[];
}

/** Of a partition; -1 where nobody is told. */
export interface Leader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** What a refusal says of a partition's leader: nothing where `leaderId` is -1. */
export interface LeaderHint {
  readonly leader: Leader;
  /** Where the brokers that are named are. */
  readonly endpoints: readonly {
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
  }[];
}

interface Entry {
  readonly info: TopicInfo;
  /** On the monotonic clock; after that it has to be asked for. */
  readonly untilMs: number;
}

export class TopicCache {
  readonly #entries = new Map<string, Entry>();

  /** What is known and fresh; null: ask. */
  fresh(name: string, nowMs: number): TopicInfo | null {
    const entry = this.#entries.get(name);
    return entry !== undefined && entry.untilMs > nowMs ? entry.info : null;
  }

  /** What was heard last, however old it is. */
  latest(name: string): TopicInfo | null {
    return this.#entries.get(name)?.info ?? null;
  }

  /** From now on {@link fresh} knows nothing of it. */
  forget(name: string): void {
    const entry = this.#entries.get(name);
    if (entry !== undefined) {
      this.#entries.set(name, { info: entry.info, untilMs: Number.NEGATIVE_INFINITY });
    }
  }

  /** Takes over what metadata say. Returns the leaders that stay although they name others. */
  take(told: TopicInfo, untilMs: number): readonly number[] {
    const kept: number[] = [];
    const before = this.latest(told.name);
    // A topic that was made anew begins its epochs anew.
    const same = before !== null && before.id === told.id && told.id !== ZERO_UUID;
    const partitions = told.partitions.map((one) => {
      const known = same ? partitionOf(before, one.partition) : undefined;
      if (known === undefined || one.leaderEpoch < 0 || one.leaderEpoch >= known.leaderEpoch) {
        return one;
      }
      kept.push(known.leaderId);
      return { ...one, leaderId: known.leaderId, leaderEpoch: known.leaderEpoch };
    });
    const info = kept.length === 0 ? told : { ...told, partitions };
    this.#entries.set(told.name, { info, untilMs });
    return kept;
  }

  /** Takes over a leader that a refusal named. False: it is no news, or the partition is not known. */
  takeLeader({ topic, partition }: TopicPartition, { leaderId, leaderEpoch }: Leader): boolean {
    const entry = this.#entries.get(topic);
    if (entry === undefined) return false;
    const before = partitionOf(entry.info, partition);
    if (before === undefined || leaderEpoch <= before.leaderEpoch) return false;
    const partitions = entry.info.partitions.map((one) =>
      one === before ? { ...one, leaderId, leaderEpoch } : one,
    );
    this.#entries.set(topic, { ...entry, info: { ...entry.info, partitions } });
    return true;
  }
}

/** Most topics have all their partitions in a row. */
export function partitionOf(info: TopicInfo, partition: number): PartitionInfo | undefined {
  const direct = info.partitions[partition];
  return direct?.partition === partition
    ? direct
    : info.partitions.find((one) => one.partition === partition);
}

/** Whether metadata say what partitions it has; some brokers call a topic leaderless for one partition's sake. */
export function isTold({ errorCode, partitions }: MetadataResponse['topics'][number]): boolean {
  if (errorCode === ErrorCode.LEADER_NOT_AVAILABLE) return partitions.length > 0;
  return errorCode === ErrorCode.NONE;
}

/** A topic as metadata tell it. */
export function topicInfo(topic: MetadataResponse['topics'][number]): TopicInfo {
  const partitions = topic.partitions.map((one) => ({
    partition: one.partitionIndex,
    leaderId: one.leaderId,
    leaderEpoch: one.leaderEpoch,
    replicas: one.replicaNodes,
    inSync: one.isrNodes,
    errorCode: one.errorCode,
  }));
  partitions.sort((a, b) => a.partition - b.partition);
  return { name: topic.name ?? '', id: topic.topicId, internal: topic.isInternal, partitions };
}
