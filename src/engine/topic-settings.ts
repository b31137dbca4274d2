// Topic configs in the form that appends and logs work with.

import { configList } from '../base/config-def.ts';
import type { Codec } from '../record/index.ts';
import type { LogConfig } from '../storage/index.ts';
import type { ConfigStore } from './config-store.ts';

/** What an append has to obey. Times in milliseconds; Infinity for no bound. */
export interface AppendRules {
  readonly maxMessageBytes: number;
  readonly minInsyncReplicas: number;
  /** Every record needs a key. */
  readonly compacted: boolean;
  readonly logAppendTime: boolean;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** Codec that stored batches must have; null: the producer's. */
  readonly codec: Codec | null;
  /** Level for recompression; undefined: the codec's default. */
  readonly level: number | undefined;
}

export interface TopicSettings {
  readonly rules: AppendRules;
  readonly log: LogConfig;
}

const codecs: Readonly<Record<string, Codec | null>> = {
  producer: null,
  uncompressed: 'none',
  gzip: 'gzip',
  snappy: 'snappy',
  lz4: 'lz4',
  zstd: 'zstd',
};

/** What stands for a topic with `configs` set on it. */
export function topicSettings(
  store: ConfigStore,
  configs: ReadonlyMap<string, string>,
): TopicSettings {
  const policies = configList(store.topicText(configs, 'cleanup.policy'));
  return {
    rules: appendRules(store, configs, policies),
    log: logConfig(store, configs, policies),
  };
}

function appendRules(
  store: ConfigStore,
  configs: ReadonlyMap<string, string>,
  policies: readonly string[],
): AppendRules {
  const bound = (name: string): number => {
    const value = store.topicNumber(configs, name);
    return value === Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value;
  };
  const codec = codecs[store.topicText(configs, 'compression.type')] ?? null;
  return {
    maxMessageBytes: store.topicNumber(configs, 'max.message.bytes'),
    minInsyncReplicas: store.topicNumber(configs, 'min.insync.replicas'),
    compacted: policies.includes('compact'),
    logAppendTime: store.topicText(configs, 'message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: bound('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: bound('message.timestamp.after.max.ms'),
    codec,
    level: levelOf(store, configs, codec),
  };
}

function levelOf(
  store: ConfigStore,
  configs: ReadonlyMap<string, string>,
  codec: Codec | null,
): number | undefined {
  if (codec !== 'gzip' && codec !== 'zstd') return undefined;
  const level = store.topicNumber(configs, `compression.${codec}.level`);
  return codec === 'gzip' && level === -1 ? undefined : level;
}

function logConfig(
  store: ConfigStore,
  configs: ReadonlyMap<string, string>,
  policies: readonly string[],
): LogConfig {
  const number = (name: string): number => store.topicNumber(configs, name);
  const cleanupCompact = policies.includes('compact');
  const maxCompactionLagMs = number('max.compaction.lag.ms');
  const override = store.topic(configs, 'internal.segment.bytes');
  return {
    segmentBytes: typeof override === 'number' ? override : number('segment.bytes'),
    // Only what has been rolled can be compacted (Kafka's LogConfig.maxSegmentMs).
    segmentMs: cleanupCompact
      ? Math.min(number('segment.ms'), maxCompactionLagMs)
      : number('segment.ms'),
    segmentJitterMs: number('segment.jitter.ms'),
    indexIntervalBytes: number('index.interval.bytes'),
    segmentIndexBytes: number('segment.index.bytes'),
    // Kafka takes any negative size for "no limit".
    retentionMs: Math.max(-1, number('retention.ms')),
    retentionBytes: Math.max(-1, number('retention.bytes')),
    cleanupDelete: policies.includes('delete'),
    cleanupCompact,
    compaction: {
      minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
      minCompactionLagMs: number('min.compaction.lag.ms'),
      maxCompactionLagMs,
      deleteRetentionMs: number('delete.retention.ms'),
    },
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    flushMessages: number('flush.messages'),
    flushMs: number('flush.ms'),
    flushPolicy: store.broker('tidemark.flush.policy') === 'os' ? 'os' : 'sync',
    damagedRecords:
      store.topicText(configs, 'tidemark.damaged.records') === 'stop' ? 'stop' : 'skip',
  };
}
