import { describe, expect, test } from 'vitest';
import { configList, defineConfig, parseConfig } from '../../../src/base/config-def.ts';
import { brokerConfigs } from '../../../src/base/configs/broker-configs.ts';
import { topicConfigs } from '../../../src/base/configs/topic-configs.ts';
import { KafkaError } from '../../../src/base/kafka-errors.ts';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('topic configs take and refuse what Kafka 4.3.1 does', () => {
  // Each pair was given to org.apache.kafka.storage.internals.log.LogConfig.validate.
  const taken: readonly (readonly [string, string, unknown])[] = [
    ['cleanup.policy', '', ''],
    ['cleanup.policy', 'compact,compact', 'compact'],
    ['cleanup.policy', 'compact, delete', 'compact,delete'],
    ['segment.bytes', '1048576', 1048576],
    ['internal.segment.bytes', '1000', 1000],
    ['retention.ms', ' 15 ', 15],
    ['retention.ms', '-1', -1],
    ['retention.ms', '9223372036854775807', Number.MAX_SAFE_INTEGER],
    ['retention.bytes', '-5', -5],
    ['min.cleanable.dirty.ratio', '0.25', 0.25],
    ['min.cleanable.dirty.ratio', '1e-1', 0.1],
    ['preallocate', 'TRUE', true],
    ['leader.replication.throttled.replicas', '*', '*'],
    ['leader.replication.throttled.replicas', '0:1,1:0', '0:1,1:0'],
    ['max.message.bytes', '+5', 5],
    ['compression.gzip.level', '-1', -1],
    ['remote.log.copy.disable', 'true', true],
  ];
  test.each(taken)('%s takes %j', (name, text, value) => {
    expect(parseConfig(topicConfigs.get(name), text)).toBe(value);
  });

  const refused: readonly (readonly [string, string])[] = [
    ['cleanup.policy', 'foo'],
    ['segment.bytes', '1000'],
    ['retention.ms', '-2'],
    ['retention.ms', '9223372036854775808'],
    ['retention.ms', '1.5'],
    ['retention.ms', 'abc'],
    ['retention.ms', ''],
    ['min.cleanable.dirty.ratio', '1.5'],
    ['compression.type', 'none'],
    ['compression.type', 'GZIP'],
    ['compression.gzip.level', '0'],
    ['compression.gzip.level', '10'],
    ['compression.zstd.level', '23'],
    ['preallocate', 'yes'],
    ['message.timestamp.type', 'createtime'],
    ['leader.replication.throttled.replicas', 'x'],
    ['local.retention.ms', '-3'],
    ['max.message.bytes', '-1'],
    ['max.message.bytes', '0x10'],
    ['segment.ms', '0'],
    ['min.insync.replicas', '0'],
    ['file.delete.delay.ms', '-1'],
    // Kafka takes this one; there is no remote storage here.
    ['remote.storage.enable', 'true'],
  ];
  test.each(refused)('%s refuses %j with INVALID_CONFIG', (name, text) => {
    expect(codeOf(() => parseConfig(topicConfigs.get(name), text))).toBe('INVALID_CONFIG');
  });

  test.each(['foo', 'message.format.version', 'message.downconversion.enable'])(
    'there is no %s',
    (name) => {
      expect(codeOf(() => topicConfigs.get(name))).toBe('INVALID_CONFIG');
    },
  );

  test('the names and defaults are those of Kafka 4.3.1', () => {
    const shown = [...topicConfigs.all()]
      .filter(({ hidden, name }) => !hidden && !name.startsWith('tidemark.'))
      .map((definition) => `${definition.name} ${definition.type} ${definition.default}`);
    expect(shown).toEqual([
      'cleanup.policy list delete',
      'compression.gzip.level int -1',
      'compression.lz4.level int 9',
      'compression.type string producer',
      'compression.zstd.level int 3',
      'delete.retention.ms long 86400000',
      'file.delete.delay.ms long 60000',
      'flush.messages long 9223372036854775807',
      'flush.ms long 9223372036854775807',
      'follower.replication.throttled.replicas list ',
      'index.interval.bytes int 4096',
      'leader.replication.throttled.replicas list ',
      'local.retention.bytes long -2',
      'local.retention.ms long -2',
      'max.compaction.lag.ms long 9223372036854775807',
      'max.message.bytes int 1048588',
      'message.timestamp.after.max.ms long 3600000',
      'message.timestamp.before.max.ms long 9223372036854775807',
      'message.timestamp.type string CreateTime',
      'min.cleanable.dirty.ratio double 0.5',
      'min.compaction.lag.ms long 0',
      'min.insync.replicas int 1',
      'preallocate boolean false',
      'remote.log.copy.disable boolean false',
      'remote.log.delete.on.disable boolean false',
      'remote.storage.enable boolean false',
      'retention.bytes long -1',
      'retention.ms long 604800000',
      'segment.bytes int 1073741824',
      'segment.index.bytes int 10485760',
      'segment.jitter.ms long 0',
      'segment.ms long 604800000',
      'unclean.leader.election.enable boolean false',
    ]);
  });
});

describe('definitions', () => {
  test('every default is a value that the config itself takes', () => {
    for (const table of [topicConfigs, brokerConfigs]) {
      for (const definition of table.all()) {
        expect(() => parseConfig(definition, definition.default), definition.name).not.toThrow();
        expect(definition.doc, definition.name).not.toBe('');
      }
    }
  });

  test('every synonym of a topic config is a broker config', () => {
    for (const definition of topicConfigs.all()) {
      for (const synonym of definition.synonyms) {
        expect(brokerConfigs.find(synonym.name), synonym.name).toBeDefined();
      }
    }
  });

  test('no broker config is defined twice', () => {
    const names = [...brokerConfigs.all()].map((definition) => definition.name);
    expect(names.length).toBeGreaterThan(150);
    expect(new Set(names).size).toBe(names.length);
  });

  test('an error names the config, the value and what is allowed, but never a secret', () => {
    const secret = defineConfig({
      name: 'key',
      type: 'password',
      default: null,
      doc: 'A key.',
      refuse: () => 'nothing',
    });
    expect(() => parseConfig(secret, 'hunter2')).toThrow(/^this value is not allowed/);
    expect(() => parseConfig(topicConfigs.get('segment.ms'), '0')).toThrow(
      '"0" is not allowed for config segment.ms: it takes 1 or more',
    );
  });

  test('a number of a million digits is refused without being converted', () => {
    const text = '9'.repeat(1_000_000);
    expect(() => parseConfig(topicConfigs.get('retention.ms'), text)).toThrow(/^"9{100}…" is not/);
  });

  test('no value is longer than a text can be on the wire, or nobody could be told of it', () => {
    const replicas = topicConfigs.get('follower.replication.throttled.replicas');
    const list = (count: number) => Array.from({ length: count }, () => '10:1').join();
    expect(parseConfig(replicas, list(6553))).toBe('10:1');
    expect(() => parseConfig(replicas, list(6554))).toThrow('at most 32767 bytes');
    expect(() => parseConfig(topicConfigs.get('retention.ms'), '٣'.repeat(16_384))).toThrow(
      'at most 32767 bytes',
    );
  });

  test('lists are trimmed, without empty items or repetitions', () => {
    expect(configList(' a, b,,a ')).toEqual(['a', 'b']);
    expect(configList('')).toEqual([]);
  });
});
