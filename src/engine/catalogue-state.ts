// What the catalogue knows, and the records that change it. Recovery replays the same records
// through the same `applyCatalogueRecord`, so it must take any record after any other. Pure.

import type { Topic } from './contract.ts';

/** Each change of the catalogue. New kinds may be added; a kind once used keeps its meaning. */
export type CatalogueRecord =
  | { readonly kind: 'identity'; readonly clusterId: string; readonly nodeId: number }
  | { readonly kind: 'topic'; readonly topic: TopicRecord }
  | { readonly kind: 'topic-grown'; readonly id: string; readonly partitionCount: number }
  | {
      readonly kind: 'topic-configs';
      readonly id: string;
      readonly configs: Readonly<Record<string, string>>;
    }
  /** The topic is gone; its directories may still be on disk. */
  | { readonly kind: 'topic-deleted'; readonly id: string }
  /** Nothing of a deleted topic is left on disk. */
  | { readonly kind: 'topic-purged'; readonly id: string }
  | { readonly kind: 'broker-configs'; readonly configs: Readonly<Record<string, string>> }
  /** All configs that a group has set for itself; none: it has none any more. */
  | {
      readonly kind: 'group-configs';
      readonly group: string;
      readonly configs: Readonly<Record<string, string>>;
    }
  /** Where partitions taken over from Kafka have yet to be made to begin, by index; none: all do begin there. */
  | {
      readonly kind: 'adopted-starts';
      readonly id: string;
      readonly starts: Readonly<Record<string, number>>;
    }
  /** Producer ids below `next` may have been given out. */
  | { readonly kind: 'producer-ids'; readonly next: number };

/** A topic in a record. */
export interface TopicRecord {
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  readonly partitionCount: number;
  readonly configs: Readonly<Record<string, string>>;
  readonly createdMs: number;
}

/** The catalogue in memory. */
export interface CatalogueState {
  clusterId: string | null;
  nodeId: number;
  /** By id. */
  readonly topics: Map<string, Topic>;
  /** Ids of deleted topics whose directories may still be there. */
  readonly deleted: Set<string>;
  brokerConfigs: ReadonlyMap<string, string>;
  /** By group id; those with none are not in it. */
  readonly groupConfigs: Map<string, ReadonlyMap<string, string>>;
  /** By topic id, then by partition: start offsets that Kafka had kept and the logs do not know yet. */
  readonly adoptedStarts: Map<string, ReadonlyMap<number, number>>;
  producerIdNext: number;
  /** Records of kinds that a newer version wrote: kept, so that going back and forth loses none. */
  readonly unknown: unknown[];
}

export function emptyCatalogue(): CatalogueState {
  return {
    clusterId: null,
    nodeId: -1,
    topics: new Map(),
    deleted: new Set(),
    brokerConfigs: new Map(),
    groupConfigs: new Map(),
    adoptedStarts: new Map(),
    producerIdNext: 0,
    unknown: [],
  };
}

/** Changes the state as the record says; one that no longer applies changes nothing. */
export function applyCatalogueRecord(state: CatalogueState, record: CatalogueRecord): void {
  switch (record.kind) {
    case 'identity':
      state.clusterId = record.clusterId;
      state.nodeId = record.nodeId;
      break;
    case 'topic':
      state.topics.set(record.topic.id, topicOf(record.topic));
      break;
    case 'topic-grown':
      replace(state, record.id, { partitionCount: record.partitionCount });
      break;
    case 'topic-configs':
      replace(state, record.id, { configs: new Map(Object.entries(record.configs)) });
      break;
    case 'topic-deleted':
      state.topics.delete(record.id);
      state.adoptedStarts.delete(record.id);
      state.deleted.add(record.id);
      break;
    case 'topic-purged':
      state.deleted.delete(record.id);
      break;
    case 'broker-configs':
      state.brokerConfigs = new Map(Object.entries(record.configs));
      break;
    case 'group-configs': {
      const configs = new Map(Object.entries(record.configs));
      if (configs.size === 0) state.groupConfigs.delete(record.group);
      else state.groupConfigs.set(record.group, configs);
      break;
    }
    case 'adopted-starts': {
      const starts = Object.entries(record.starts).map(
        ([index, at]) => [Number(index), at] as const,
      );
      if (starts.length === 0) state.adoptedStarts.delete(record.id);
      else state.adoptedStarts.set(record.id, new Map(starts));
      break;
    }
    case 'producer-ids':
      state.producerIdNext = Math.max(state.producerIdNext, record.next);
      break;
    default:
      state.unknown.push(record);
  }
}

function replace(state: CatalogueState, id: string, change: Partial<Topic>): void {
  const topic = state.topics.get(id);
  if (topic !== undefined) state.topics.set(id, { ...topic, ...change });
}

function topicOf(record: TopicRecord): Topic {
  return { ...record, configs: new Map(Object.entries(record.configs)) };
}

/** The record that makes a topic. */
export function topicRecord(topic: Topic): CatalogueRecord {
  return { kind: 'topic', topic: { ...topic, configs: Object.fromEntries(topic.configs) } };
}

/** The record that says where a topic's partitions have yet to be made to begin. */
export function startsRecord(id: string, starts: ReadonlyMap<number, number>): CatalogueRecord {
  return { kind: 'adopted-starts', id, starts: Object.fromEntries(starts) };
}

/** Records that, applied to an empty catalogue, give this state: a snapshot. */
export function snapshotRecords(state: CatalogueState): unknown[] {
  const records: unknown[] = [...state.unknown];
  const add = (record: CatalogueRecord): number => records.push(record);
  if (state.clusterId !== null) {
    add({ kind: 'identity', clusterId: state.clusterId, nodeId: state.nodeId });
  }
  add({ kind: 'producer-ids', next: state.producerIdNext });
  if (state.brokerConfigs.size > 0) {
    add({ kind: 'broker-configs', configs: Object.fromEntries(state.brokerConfigs) });
  }
  for (const [group, configs] of state.groupConfigs) {
    add({ kind: 'group-configs', group, configs: Object.fromEntries(configs) });
  }
  for (const topic of state.topics.values()) add(topicRecord(topic));
  for (const [id, starts] of state.adoptedStarts) add(startsRecord(id, starts));
  for (const id of state.deleted) add({ kind: 'topic-deleted', id });
  return records;
}
