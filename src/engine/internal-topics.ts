// The settings of the broker's own topics when they are made, by whoever asks first.

import { topicConfigs } from '../base/configs/topic-configs.ts';
import type { ConfigStore } from './config-store.ts';

/** The groups' timeline: one partition, so that all of it has one order, for some weeks, in little room. */
const eventsTopicSettings: TopicSettings = {
  partitions: 1,
  configs: new Map([
    ['cleanup.policy', 'delete'],
    ['retention.ms', String(30 * 86_400_000)],
    ['retention.bytes', String(32 * 1024 * 1024)],
    ['segment.bytes', String(4 * 1024 * 1024)],
  ]),
};

interface TopicSettings {
  /** -1: `num.partitions`. */
  readonly partitions: number;
  readonly configs: ReadonlyMap<string, string>;
}

/** Partitions and configs of a topic that is made because somebody asked for it. */
export function internalSettings(store: ConfigStore, name: string): TopicSettings {
  if (name === '__tidemark_events') return eventsTopicSettings;
  const prefix =
    name === '__consumer_offsets'
      ? 'offsets.topic'
      : name === '__transaction_state'
        ? 'transaction.state.log'
        : null;
  if (prefix === null) return { partitions: -1, configs: new Map() };
  // Kafka lets these be less than any topic's may.
  const { minimum = 0 } = topicConfigs.get('segment.bytes');
  const segmentBytes = Math.max(minimum, store.brokerNumber(`${prefix}.segment.bytes`));
  return {
    partitions: store.brokerNumber(`${prefix}.num.partitions`),
    configs: new Map([
      ['cleanup.policy', 'compact'],
      ['compression.type', 'producer'],
      ['segment.bytes', String(segmentBytes)],
    ]),
  };
}
