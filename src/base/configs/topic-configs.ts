// Topic configs of Kafka 4.3: names, types, defaults, ranges and broker synonyms as in Kafka's
// LogConfig and ServerTopicConfigSynonyms. `message.format.version` and
// `message.downconversion.enable` are gone there, so here too they are unknown. Configs that begin
// with `tidemark.` are ours.

import {
  type ConfigDef,
  type ConfigDefInput,
  type ConfigScalar,
  type ConfigSynonym,
  ConfigTable,
  configList,
  defineConfig,
} from '../config-def.ts';

const LONG_MAX = '9223372036854775807';
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

function same(...names: readonly string[]): readonly ConfigSynonym[] {
  return names.map((name) => ({ name, factor: 1 }));
}

function throttledReplicas(value: ConfigScalar): string | null {
  if (typeof value !== 'string' || value === '' || value === '*' || value === 'none') return null;
  const wrong = configList(value).some((item) => !/^\d+:\d+$/.test(item));
  return wrong ? '* or a list such as 0:1,1:1 (partition:broker)' : null;
}

function onlyFalse(value: ConfigScalar): string | null {
  return value === true ? 'only false, since there is no remote storage' : null;
}

const segments: readonly ConfigDefInput[] = [
  {
    name: 'segment.bytes',
    type: 'int',
    default: '1073741824',
    minimum: 1024 * 1024,
    synonyms: same('log.segment.bytes'),
    doc: 'Bytes of one log file. Retention and compaction work on whole files.',
  },
  {
    name: 'internal.segment.bytes',
    type: 'int',
    default: null,
    minimum: 1,
    hidden: true,
    doc: 'Overrides segment.bytes without its lower bound, for tests.',
  },
  {
    name: 'segment.ms',
    type: 'long',
    default: '604800000',
    minimum: 1,
    synonyms: [
      { name: 'log.roll.ms', factor: 1 },
      { name: 'log.roll.hours', factor: HOUR_MS },
    ],
    doc: 'Milliseconds after which a new log file is begun, full or not.',
  },
  {
    name: 'segment.jitter.ms',
    type: 'long',
    default: '0',
    minimum: 0,
    synonyms: [
      { name: 'log.roll.jitter.ms', factor: 1 },
      { name: 'log.roll.jitter.hours', factor: HOUR_MS },
    ],
    doc: 'Most milliseconds taken off segment.ms at random, to spread the rolling.',
  },
  {
    name: 'segment.index.bytes',
    type: 'int',
    default: '10485760',
    minimum: 4,
    synonyms: same('log.index.size.max.bytes'),
    doc: 'Largest index file; a full index begins a new log file.',
  },
  {
    name: 'index.interval.bytes',
    type: 'int',
    default: '4096',
    minimum: 0,
    synonyms: same('log.index.interval.bytes'),
    doc: 'Log bytes between two index entries.',
  },
  {
    name: 'preallocate',
    type: 'boolean',
    default: 'false',
    effect: 'ignored',
    synonyms: same('log.preallocate'),
    doc: 'Whether a log file gets its full size at once. Here files always grow.',
  },
  {
    name: 'file.delete.delay.ms',
    type: 'long',
    default: '60000',
    minimum: 0,
    synonyms: same('log.segment.delete.delay.ms'),
    doc: 'Milliseconds between taking a file out of the log and removing it from the disk.',
  },
];

const durability: readonly ConfigDefInput[] = [
  {
    name: 'flush.messages',
    type: 'long',
    default: LONG_MAX,
    minimum: 1,
    synonyms: same('log.flush.interval.messages'),
    doc: 'Records after which a log is synced under tidemark.flush.policy=os.',
  },
  {
    name: 'flush.ms',
    type: 'long',
    default: LONG_MAX,
    minimum: 0,
    synonyms: same('log.flush.interval.ms', 'log.flush.scheduler.interval.ms'),
    doc: 'Milliseconds after which a log is synced under tidemark.flush.policy=os.',
  },
  {
    name: 'tidemark.damaged.records',
    type: 'string',
    default: 'skip',
    values: ['skip', 'stop'],
    doc: 'What consumers meet where the disk lost records: skip goes on behind, stop is an error.',
  },
  {
    name: 'min.insync.replicas',
    type: 'int',
    default: '1',
    minimum: 1,
    synonyms: same('min.insync.replicas'),
    doc: 'Copies needed for acks=all. There is one: 2 or more refuses such writes.',
  },
  {
    name: 'unclean.leader.election.enable',
    type: 'boolean',
    default: 'false',
    effect: 'ignored',
    synonyms: same('unclean.leader.election.enable'),
    doc: 'Whether a copy that is behind may take over. There is one copy here.',
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'list',
    default: '',
    effect: 'ignored',
    refuse: throttledReplicas,
    doc: 'Copies slowed down on the sending side. There is one copy here.',
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'list',
    default: '',
    effect: 'ignored',
    refuse: throttledReplicas,
    doc: 'Copies slowed down on the receiving side. There is one copy here.',
  },
];

const cleanup: readonly ConfigDefInput[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    default: 'delete',
    values: ['compact', 'delete'],
    synonyms: same('log.cleanup.policy'),
    doc: 'delete: old files go. compact: the last record of each key stays. Or both.',
  },
  {
    name: 'retention.ms',
    type: 'long',
    default: '604800000',
    minimum: -1,
    synonyms: [
      { name: 'log.retention.ms', factor: 1 },
      { name: 'log.retention.minutes', factor: MINUTE_MS },
      { name: 'log.retention.hours', factor: HOUR_MS },
    ],
    doc: 'Milliseconds that cleanup.policy=delete keeps records; -1: for ever.',
  },
  {
    name: 'retention.bytes',
    type: 'long',
    default: '-1',
    synonyms: same('log.retention.bytes'),
    doc: 'Bytes that cleanup.policy=delete keeps of a partition; -1: no limit.',
  },
  {
    name: 'delete.retention.ms',
    type: 'long',
    default: '86400000',
    minimum: 0,
    synonyms: same('log.cleaner.delete.retention.ms'),
    doc: 'Milliseconds for which compaction keeps tombstones.',
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'long',
    default: '0',
    minimum: 0,
    synonyms: same('log.cleaner.min.compaction.lag.ms'),
    doc: 'Milliseconds for which a record is safe from compaction.',
  },
  {
    name: 'max.compaction.lag.ms',
    type: 'long',
    default: LONG_MAX,
    minimum: 1,
    synonyms: same('log.cleaner.max.compaction.lag.ms'),
    doc: 'Milliseconds after which a record must have been looked at by compaction.',
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'double',
    default: '0.5',
    minimum: 0,
    maximum: 1,
    synonyms: same('log.cleaner.min.cleanable.ratio'),
    doc: 'Share of the log that must be new since the last compaction before the next begins.',
  },
];

const records: readonly ConfigDefInput[] = [
  {
    name: 'max.message.bytes',
    type: 'int',
    default: '1048588',
    minimum: 0,
    synonyms: same('message.max.bytes'),
    doc: 'Largest record batch that is accepted, as sent (compressed), in bytes.',
  },
  {
    name: 'compression.type',
    type: 'string',
    default: 'producer',
    values: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    synonyms: same('compression.type'),
    doc: 'Codec of stored batches. producer: as sent; others may make the broker recompress.',
  },
  {
    name: 'compression.gzip.level',
    type: 'int',
    default: '-1',
    minimum: 1,
    maximum: 9,
    also: [-1],
    synonyms: same('compression.gzip.level'),
    doc: 'Level when the broker recompresses with gzip; -1: the default.',
  },
  {
    name: 'compression.lz4.level',
    type: 'int',
    default: '9',
    minimum: 1,
    maximum: 17,
    synonyms: same('compression.lz4.level'),
    doc: 'Level when the broker recompresses with lz4.',
  },
  {
    name: 'compression.zstd.level',
    type: 'int',
    default: '3',
    minimum: -131072,
    maximum: 22,
    synonyms: same('compression.zstd.level'),
    doc: 'Level when the broker recompresses with zstd.',
  },
  {
    name: 'message.timestamp.type',
    type: 'string',
    default: 'CreateTime',
    values: ['CreateTime', 'LogAppendTime'],
    synonyms: same('log.message.timestamp.type'),
    doc: "Whose time records carry: the producer's, or that of their arrival.",
  },
  {
    name: 'message.timestamp.before.max.ms',
    type: 'long',
    default: LONG_MAX,
    minimum: 0,
    synonyms: same('log.message.timestamp.before.max.ms'),
    doc: 'How far in the past a CreateTime may lie. A limit makes writes slower.',
  },
  {
    name: 'message.timestamp.after.max.ms',
    type: 'long',
    default: '3600000',
    minimum: 0,
    synonyms: same('log.message.timestamp.after.max.ms'),
    doc: 'How far in the future a CreateTime may lie.',
  },
];

const tiered: readonly ConfigDefInput[] = [
  {
    name: 'remote.storage.enable',
    type: 'boolean',
    default: 'false',
    refuse: onlyFalse,
    effect: 'ignored',
    doc: 'Whether old files move to remote storage. There is none here, so only false is taken.',
  },
  {
    name: 'remote.log.copy.disable',
    type: 'boolean',
    default: 'false',
    effect: 'ignored',
    doc: 'Stops copying to remote storage. There is none here.',
  },
  {
    name: 'remote.log.delete.on.disable',
    type: 'boolean',
    default: 'false',
    effect: 'ignored',
    doc: 'Removes the remote copy when remote storage is switched off. There is none here.',
  },
  {
    name: 'local.retention.ms',
    type: 'long',
    default: '-2',
    minimum: -2,
    effect: 'ignored',
    synonyms: same('log.local.retention.ms'),
    doc: 'How long copied files stay. There is no remote storage here.',
  },
  {
    name: 'local.retention.bytes',
    type: 'long',
    default: '-2',
    minimum: -2,
    effect: 'ignored',
    synonyms: same('log.local.retention.bytes'),
    doc: 'Bytes of local files that stay once copied to remote storage. There is none here.',
  },
];

const definitions: readonly ConfigDef[] = [
  ...segments,
  ...durability,
  ...cleanup,
  ...records,
  ...tiered,
].map(defineConfig);

/** Every config that a topic takes. */
export const topicConfigs = new ConfigTable('topic', definitions);
