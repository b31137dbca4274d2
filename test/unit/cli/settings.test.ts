import { describe, expect, test } from 'vitest';
import { meantTest } from '../../../src/cli/config/meant.ts';
import { parseConfigFile, parseProperties } from '../../../src/cli/config/properties.ts';
import { serveSettings } from '../../../src/cli/config/settings.ts';
import { configNameOf, mergeSources, type Setting } from '../../../src/cli/config/sources.ts';

function merged(from: {
  flags?: Record<string, string>;
  env?: Record<string, string>;
  file?: Record<string, string>;
}): Map<string, Setting> {
  const flags = Object.entries(from.flags ?? {}).map(
    ([name, value]) => [name, { value, writtenAs: `--${name}` }] as const,
  );
  const file = { path: 'f', values: new Map(Object.entries(from.file ?? {})) };
  return mergeSources({ flags: new Map(flags), env: from.env ?? {}, file });
}

const effects: Record<string, 'live' | 'ignored'> = {
  'log.retention.ms': 'live',
  'num.partitions': 'live',
  'num.io.threads': 'ignored',
};
const settle = (from: Parameters<typeof merged>[0]) =>
  serveSettings(
    merged(from),
    (name) => effects[name] ?? 'unknown',
    meantTest(Object.keys(effects)),
  );

describe('environment names', () => {
  test.each([
    ['KAFKA_LOG_RETENTION_MS', 'log.retention.ms'],
    ['KAFKA_LISTENER_NAME_SASL__PLAINTEXT_X', 'listener.name.sasl_plaintext.x'],
    ['KAFKA_SSL_TRUSTSTORE___TYPE', 'ssl.truststore-type'],
  ])('%s is %s', (variable, name) => {
    expect(configNameOf(variable, 'KAFKA_')).toBe(name);
  });
});

test('a time or a size may have a unit wherever it is written', () => {
  const name = 'log.retention.ms';
  const inEnv = (prefix: string) => ({ env: { [`${prefix}LOG_RETENTION_MS`]: '7d' } });
  const sources = [{ flags: { [name]: '7d' } }, { file: { [name]: '7d' } }];
  for (const from of [...sources, inEnv('KAFKA_'), inEnv('TIDEMARK_')]) {
    expect(settle(from).configs.get(name)?.value).toBe('604800000');
  }
});

describe('precedence', () => {
  const file = { 'num.partitions': '1' };
  const kafka = { KAFKA_NUM_PARTITIONS: '2' };
  const tidemark = { TIDEMARK_NUM_PARTITIONS: '3' };
  const flags = { 'num.partitions': '4' };

  test.each([
    [{ file }, '1', 'file'],
    [{ file, env: kafka }, '2', 'KAFKA_*'],
    [{ file, env: { ...kafka, ...tidemark } }, '3', 'TIDEMARK_*'],
    [{ file, env: { ...kafka, ...tidemark }, flags }, '4', 'flag'],
  ])('%j', (from, value, origin) => {
    expect(merged(from).get('num.partitions')).toMatchObject({ value, origin });
  });

  test('of two names for one thing the stronger source wins', () => {
    expect(settle({ flags: { data: 'a' }, env: { KAFKA_LOG_DIRS: 'b' } }).dataDirectory).toBe('a');
    expect(settle({ file: { data: 'a' }, env: { KAFKA_LOG_DIRS: 'b' } }).dataDirectory).toBe('b');
  });

  test("variables of Kafka's images that are no settings are left alone", () => {
    const env = { KAFKA_HEAP_OPTS: '-Xmx1G', KAFKA_BROKERS: 'a:1', TIDEMARK_BROKERS: 'b:1' };
    expect([...merged({ env }).keys()]).toEqual([]);
  });
});

describe('what serve starts with', () => {
  test('nothing set: the defaults, and the data directory is known to be one', () => {
    expect(settle({})).toMatchObject({
      dataDirectory: './tidemark-data',
      dataDirectoryIsDefault: true,
      host: null,
      port: 9092,
      advertise: null,
      flush: 'sync',
      acceptReplicationFactor: false,
    });
  });

  test('the flush policy has two names', () => {
    const policy = { 'tidemark.flush.policy': 'os' };
    expect(settle({ flags: policy }).flush).toBe('os');
    expect(settle({ file: policy }).flush).toBe('os');
    expect(settle({ flags: { flush: 'sync' }, file: policy }).flush).toBe('sync');
    const wrong = { 'tidemark.flush.policy': 'never' };
    expect(() => settle({ file: wrong })).toThrow(/'never' is not sync or os/);
  });

  test("a compose file's environment works", () => {
    const settings = settle({
      env: {
        KAFKA_LISTENERS: 'CONTROLLER://:9093,PLAINTEXT://:29092',
        KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka:29092',
        KAFKA_LOG_DIRS: '/var/lib/kafka/data',
        KAFKA_LOG_RETENTION_MS: '5',
        KAFKA_NUM_IO_THREADS: '4',
        KAFKA_LOG_RETENTION_MILLIS: 'x',
        KAFKA_LIBS: '/opt/kafka/libs',
      },
    });
    expect(settings).toMatchObject({
      host: '0.0.0.0',
      port: 29_092,
      advertise: 'kafka:29092',
      dataDirectory: '/var/lib/kafka/data',
      dataDirectoryIsDefault: false,
    });
    expect([...settings.configs.keys()]).toEqual(['log.retention.ms', 'num.io.threads']);
    expect(settings.ignored.map((one) => one.writtenAs)).toEqual(['KAFKA_NUM_IO_THREADS']);
    expect(settings.unknown.map((one) => one.writtenAs)).toEqual(['KAFKA_LOG_RETENTION_MILLIS']);
  });

  test('an unknown name is told unless it is a KAFKA_* variable that nobody meant as a config', () => {
    const told = (env: string): string[] =>
      settle({ env: { [env]: 'x' } }).unknown.map((one) => one.writtenAs);
    for (const env of ['KAFKA_LIBS', 'KAFKA_USER', 'KAFKA_CLUSTER_NAME'])
      expect(told(env)).toEqual([]);
    const meant = ['KAFKA_LGO_RETENTION_MS', 'KAFKA_NUM_PARTITION', 'KAFKA_SSL_KEYSTORE_LOCATION'];
    for (const env of [...meant, 'TIDEMARK_LIBS']) expect(told(env)).toEqual([env]);
    expect(settle({ file: { libs: 'x' } }).unknown).toHaveLength(1);
  });

  test('--memory keeps nothing, whatever directory is named', () => {
    expect(settle({ flags: { memory: 'true', data: 'x' } }).dataDirectory).toBeNull();
    expect(settle({ env: { TIDEMARK_MEMORY: '1' } }).dataDirectory).toBeNull();
    expect(settle({ env: { TIDEMARK_MEMORY: 'false' } }).dataDirectory).toBe('./tidemark-data');
  });

  test.each([
    [{ flags: { port: '70000' } }, /--port: '70000'/],
    [{ env: { TIDEMARK_PORT: 'x' } }, /TIDEMARK_PORT: 'x'/],
    [{ env: { TIDEMARK_MEMORY: 'maybe' } }, /true or false/],
    [{ file: { flush: 'never' } }, /flush in f: 'never' is not sync or os/],
    [{ file: { listeners: 'nonsense' } }, /PLAINTEXT:\/\/host:9092/],
    [{ flags: { advertise: 'a:1,b:2' } }, /one address/],
    [{ flags: { host: 'a b' } }, /host name/],
  ])('%j is refused and names its source', (from, words) => {
    expect(() => settle(from)).toThrow(words);
  });
});

describe('files', () => {
  test('.properties: comments, separators, continued lines, escapes', () => {
    const text = [
      '# comment',
      '! another',
      'a=1',
      'b: two words ',
      'c three',
      'long = x,\\',
      '    y',
      'path=C:\\\\dir',
      'u=\\u00e9',
      'empty=',
      'with\\=sign=v',
    ].join('\r\n');
    expect(Object.fromEntries(parseProperties(text))).toEqual({
      a: '1',
      b: 'two words',
      c: 'three',
      long: 'x,y',
      path: 'C:\\dir',
      u: 'é',
      empty: '',
      'with=sign': 'v',
    });
  });

  test('JSON: nested names are joined by dots', () => {
    const text = '{"log": {"retention": {"ms": 5}}, "num.partitions": 3, "x": [1, 2], "n": null}';
    expect(Object.fromEntries(parseConfigFile(text, 'f.json'))).toEqual({
      'log.retention.ms': '5',
      'num.partitions': '3',
      x: '1,2',
    });
  });

  test('broken JSON names the file', () => {
    expect(() => parseConfigFile('{"a":', 'f.json')).toThrow(/f\.json is not JSON/);
  });
});

describe('listeners', () => {
  const map = { KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'OUT:SASL_SSL, IN:PLAINTEXT' };

  test.each(['SSL://:9093', 'SASL_SSL://0.0.0.0:9092', 'OUT://:9092', 'CONTROLLER://:1,OUT://:2'])(
    '%s is refused: never plain text where TLS or SASL is asked for',
    (value) => {
      const env = { ...map, KAFKA_LISTENERS: value };
      expect(() => settle({ env })).toThrow(/^KAFKA_LISTENERS: .* SASL is not built in/);
    },
  );

  test.each(['PLAINTEXT://h:1', 'IN://h:1', 'h:1', 'OTHER://h:1'])('%s is taken', (value) => {
    expect(settle({ env: { ...map, KAFKA_LISTENERS: value } })).toMatchObject({
      host: 'h',
      port: 1,
    });
  });
});
