// The first five minutes, and the ways in which they go wrong, through the built command line.

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finished, type ServedBroker, saw, scratch, serve, start, tidemark } from './support.ts';

const directory = scratch();
let broker: ServedBroker;

beforeAll(async () => {
  broker = await serve(['--data', join(directory.path, 'data')]);
});

afterAll(async () => {
  await broker.stop();
  directory.remove();
});

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const documents = (text: string) => lines(text).map((line) => JSON.parse(line));

describe('the first five minutes', () => {
  test('serve --json prints one line that tells a program all it needs', () => {
    expect(broker.address).toMatchObject({
      bootstrap: `127.0.0.1:${broker.port}`,
      host: '127.0.0.1',
      pid: broker.child.pid,
      dataDir: join(directory.path, 'data'),
      nodeId: expect.any(Number),
      clusterId: expect.stringMatching(/^[\w-]{22}$/),
      version: JSON.parse(readFileSync('package.json', 'utf8')).version,
    });
  });

  test('create, produce, consume', async () => {
    const made = await broker.run(['topic', 'create', 'first', '-p', '1']);
    expect(made).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'topic first created (1 partition)\n',
    });
    const sent = await broker.run(['produce', 'first'], { input: 'hello\nworld\n' });
    expect(sent.code).toBe(0);
    expect(sent.stdout).toBe('');
    expect(sent.stderr).toMatch(/^2 records, 10 B in .* → first\n$/);
    const read = await broker.run(['consume', 'first', '-e']);
    expect(read).toMatchObject({ code: 0, stdout: 'hello\nworld\n' });
    expect(read.stderr).toContain('first/0: from earliest → offset 0, before latest → offset 2');
  });

  test('list and describe', async () => {
    const list = await broker.run(['topic', 'list', '--json']);
    expect(documents(list.stdout)[0]).toContainEqual(
      expect.objectContaining({ name: 'first', partitions: 1, internal: false }),
    );
    const described = await broker.run(['topic', 'describe', 'first', '--json']);
    const [document] = documents(described.stdout);
    expect(document.partitions).toEqual([
      expect.objectContaining({ partition: 0, startOffset: 0, endOffset: 2 }),
    ]);
    expect(document.partitions[0].sizeBytes).toBeGreaterThan(61);
    const text = await broker.run(['topic', 'describe', 'first']);
    expect(text.stdout).toMatch(/PARTITION +LEADER/);
  });

  test('alter: configs, partitions, records', async () => {
    await broker.run(['topic', 'create', 'changing', '-c', 'retention.ms=7d', '-p', '2']);
    const altered = await broker.run(
      'topic alter changing -p 4 --set segment.bytes=64MiB --unset retention.ms'.split(' '),
    );
    expect(altered).toMatchObject({ code: 0 });
    const [document] = documents(
      (await broker.run(['topic', 'describe', 'changing', '--json'])).stdout,
    );
    expect(document.partitions).toHaveLength(4);
    expect(
      document.configs.map((one: { name: string; value: string }) => [one.name, one.value]),
    ).toEqual([['segment.bytes', String(64 * 1024 * 1024)]]);
    await broker.run(['produce', 'changing', '-p', '1'], { input: 'a\nb\nc\n' });
    const dry = await broker.run('topic alter changing --delete-records -1 --dry-run'.split(' '));
    expect(dry.code).toBe(0);
    expect((await broker.run(['consume', 'changing', '-e', '-q'])).stdout).toBe('a\nb\nc\n');
    const gone = await broker.run('topic alter changing --delete-records -1 --yes'.split(' '));
    expect(gone.code).toBe(0);
    expect((await broker.run(['consume', 'changing', '-e', '-q'])).stdout).toBe('c\n');
  });

  test('delete asks first, and does nothing when nobody can answer', async () => {
    await broker.run(['topic', 'create', 'doomed']);
    const refused = await broker.run(['topic', 'delete', 'doomed']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--yes');
    const dry = await broker.run(['topic', 'delete', 'doomed', '--dry-run', '--json']);
    expect(documents(dry.stdout)).toEqual([{ deleted: ['doomed'], dryRun: true }]);
    expect((await broker.run(['topic', 'describe', 'doomed'])).code).toBe(0);
    expect((await broker.run(['topic', 'delete', 'doomed', '--yes'])).code).toBe(0);
    const missing = await broker.run(['topic', 'describe', 'doomed']);
    expect(missing.code).toBe(3);
    expect(missing.stderr).toMatch(/there is no topic 'doomed'[\s\S]*topic list/);
  });

  test('config show, get and set, of topics and brokers', async () => {
    await broker.run(['topic', 'create', 'tuned']);
    const set = await broker.run('config set --topic tuned retention.ms=1h'.split(' '));
    expect(set).toMatchObject({ code: 0 });
    const got = await broker.run('config get retention.ms --topic tuned'.split(' '));
    expect(got.stdout).toBe('3600000\n');
    const shown = await broker.run('config show --topic tuned --origin'.split(' '));
    expect(shown.stdout).toMatch(/retention\.ms +3600000 +topic/);
    const unknown = await broker.run('config get retention.mss --topic tuned'.split(' '));
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toContain('did you mean retention.ms?');
    const bad = await broker.run('config set --topic tuned retention.ms=soon'.split(' '));
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('INVALID_CONFIG');
    const brokerConfigs = await broker.run('config show --all --json'.split(' '));
    expect(documents(brokerConfigs.stdout)[0].configs.length).toBeGreaterThan(50);
  });
});

describe('records in and out', () => {
  test('keys, headers, codecs and JSON come back as they were', async () => {
    await broker.run(['topic', 'create', 'rich', '-p', '3']);
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const args = ['produce', 'rich', '-K', ':', '-H', 'from=story', '-H', 'empty', '-z', codec];
      const sent = await broker.run([...args, '--json'], { input: `${codec}:value ünï\n` });
      expect(sent.stderr).toBe('');
      expect(documents(sent.stdout)[0]).toMatchObject({ topic: 'rich', records: 1, failed: 0 });
    }
    const read = await broker.run(['consume', 'rich', '-e', '-q', '--json']);
    const records = documents(read.stdout);
    expect(records.map((one) => one.key).sort()).toEqual(['gzip', 'lz4', 'none', 'snappy', 'zstd']);
    expect(records[0]).toMatchObject({
      topic: 'rich',
      value: 'value ünï',
      headers: [
        { key: 'from', value: 'story' },
        { key: 'empty', value: null },
      ],
    });
    await broker.run(['topic', 'create', 'copy', '-p', '3']);
    const copied = await broker.run(['produce', 'copy', '--ndjson'], { input: read.stdout });
    expect(copied.code).toBe(0);
    const again = await broker.run(['consume', 'copy', '-e', '-q', '--json']);
    const comparable = (text: string) =>
      documents(text)
        .map(({ topic: _, offset: __, ...rest }) => JSON.stringify(rest))
        .sort();
    expect(comparable(again.stdout)).toEqual(comparable(read.stdout));
  });

  test('bytes that are no text survive, as base64', async () => {
    await broker.run(['topic', 'create', 'binary']);
    await broker.run(['produce', 'binary', '--value-encoding', 'hex'], { input: 'ff00fe\n' });
    const read = await broker.run(['consume', 'binary', '-e', '-q', '--json']);
    expect(documents(read.stdout)[0]).toMatchObject({ value: '/wD+', valueEncoding: 'base64' });
    const hex = await broker.run(['consume', 'binary', '-e', '-q', '-f', '%v{hex}|%S|%o{big2}\\n']);
    expect(hex.stdout).toBe('ff00fe|3|\0\0\n');
  });

  test('structured values travel as MessagePack', async () => {
    await broker.run(['topic', 'create', 'packed']);
    const input = '{"a":[1,2,{"b":null}]}\n';
    await broker.run(['produce', 'packed', '--value-encoding', 'msgpack'], { input });
    const read = await broker.run(['consume', 'packed', '-e', '-q', '--value-encoding', 'msgpack']);
    expect(read.stdout).toBe(input);
  });

  test('offsets, ranges, counts and times choose records', async () => {
    await broker.run(['topic', 'create', 'range', '-p', '1']);
    const input = Array.from({ length: 20 }, (_, index) => `r${index}\n`).join('');
    await broker.run(['produce', 'range'], { input });
    const read = async (...args: string[]) =>
      lines((await broker.run(['consume', 'range', '-q', ...args])).stdout);
    expect(await read('-o', '-3', '-e')).toEqual(['r17', 'r18', 'r19']);
    expect(await read('-o', '5..8')).toEqual(['r5', 'r6', 'r7']);
    expect(await read('-n', '2')).toEqual(['r0', 'r1']);
    expect(await read('-o', '18', '-e')).toEqual(['r18', 'r19']);
    expect(await read('-o', '@-1h', '-n', '1')).toEqual(['r0']);
    expect(await read('-o', '@2020-01-01..@2020-01-02')).toEqual([]);
    expect(await read('-o', 'latest', '-e')).toEqual([]);
  });

  test('a group remembers where it left off', async () => {
    await broker.run(['topic', 'create', 'shared', '-p', '1']);
    await broker.run(['produce', 'shared'], { input: 'a\nb\nc\n' });
    const args = ['consume', 'shared', '-g', 'readers', '--commit', '-q', '-e'];
    expect((await broker.run([...args, '-n', '2'])).stdout).toBe('a\nb\n');
    expect((await broker.run(args)).stdout).toBe('c\n');
    expect((await broker.run(args)).stdout).toBe('');
  });

  test('a consumer that stays sees new records, and ends with 130 on Ctrl-C', async () => {
    await broker.run(['topic', 'create', 'live']);
    const child = start(['consume', 'live', '-b', broker.bootstrap, '-q']);
    const end = finished(child);
    const shown = saw(child.stdout, 'two');
    await broker.run(['produce', 'live', 'one', 'two']);
    await shown;
    child.kill('SIGINT');
    await expect(end).resolves.toMatchObject({ code: 130, stdout: 'one\ntwo\n' });
  });

  test('a reader that goes away ends the command quietly', async () => {
    await broker.run(['topic', 'create', 'pipe']);
    await broker.run(['produce', 'pipe'], { input: `${'x'.repeat(1000)}\n`.repeat(2000) });
    const child = start(['consume', 'pipe', '-b', broker.bootstrap, '-q']);
    const end = finished(child);
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, stderr } = await end;
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('what goes wrong', () => {
  test.each([
    [['frobnicate'], 2, /unknown command/],
    [['topik'], 2, /Did you mean topic\?/],
    [['topic', 'create'], 2, /missing required argument/],
    [['topic', 'create', 'x', '-p', 'many'], 2, /--partitions many/],
    [['consume', 'first', '-o', 'middle'], 2, /is not an offset/],
    [['consume', 'first', '-f', '%q'], 2, /%q is not known/],
    [['consume', 'first', '--nope'], 2, /unknown option/],
    [['produce', 'first', '-z', 'brotli'], 2, /brotli/],
    [['produce', 'first', '-X', 'sasl.mechanism=PLAIN', 'x'], 2, /not built in/],
    [['produce', 'absent', 'x'], 3, /there is no topic 'absent'/],
    [['produce', 'first', '--file', '/nonexistent/file'], 3, /there is no file/],
    [['consume', 'absent', '-e'], 3, /there is no topic 'absent'/],
    [['consume', 'first', '-p', '9'], 3, /partitions 0 to 0, not 9/],
    [['topic', 'create', 'first'], 1, /TOPIC_ALREADY_EXISTS/],
    [['topic', 'create', '../evil'], 1, /INVALID_TOPIC_EXCEPTION/],
    [['topic', 'create', 'two', '-r', '3'], 1, /INVALID_REPLICATION_FACTOR/],
    [['group', 'describe', 'nobody'], 3, /GROUP_ID_NOT_FOUND/],
    [['topic', 'list', '-b', 'a:b:x'], 2, /no broker address/],
    [['completion', 'cmd'], 2, /Allowed choices/],
  ])('%j ends with %i', async (args, code, words) => {
    const ended = await broker.run(args);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(words);
  });

  test('nobody listens: exit 4, the address and what to do', async () => {
    const ended = await tidemark(['topic', 'list', '-b', '127.0.0.1:1']);
    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(/cannot connect to 127\.0\.0\.1:1[\s\S]*tidemark serve/);
  });

  test('somebody listens and is no broker: exit 1 or 4, no hang', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
    const { port } = server.address() as { port: number };
    const ended = await tidemark(['topic', 'list', '-b', `127.0.0.1:${port}`]);
    server.close();
    expect([1, 4]).toContain(ended.code);
    expect(ended.stderr).toContain('does not speak the Kafka protocol');
  });

  test('a bad record stops the input, and says which', async () => {
    await broker.run(['topic', 'create', 'strict']);
    const input = '{"value":"fine"}\n{"value":\n{"value":"never"}\n';
    const ended = await broker.run(['produce', 'strict', '--ndjson'], { input });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('record 2: not JSON');
    expect((await broker.run(['consume', 'strict', '-e', '-q'])).stdout).toBe('fine\n');
  });

  test('--create makes a missing topic', async () => {
    const ended = await broker.run(['produce', 'made-by-produce', '--create', 'x']);
    expect(ended.code).toBe(0);
    expect((await broker.run(['consume', 'made-by-produce', '-e', '-q'])).stdout).toBe('x\n');
  });
});

describe('help and completion', () => {
  test.each([
    ['--help'],
    ['serve', '--help'],
    ['topic', 'create', '--help'],
    ['produce', '--help'],
    ['consume', '--help'],
    ['config', 'set', '--help'],
    ['doctor', '--help'],
  ])('%s %s shows examples', async (...args) => {
    const ended = await tidemark(args.filter((word) => word !== undefined));
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/(Examples|First steps):\n {2}.*tidemark/);
  });

  test('without a command the help is shown', async () => {
    await expect(tidemark([])).resolves.toMatchObject({ code: 0 });
  });

  test('shells get a script, and topic names from the broker', async () => {
    for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
      const script = await tidemark(['completion', shell]);
      expect([script.code, script.stdout.includes('tidemark')]).toEqual([0, true]);
    }
    await broker.run(['topic', 'create', 'completed-name']);
    const names = await broker.run(['complete', '--', 'consume', 'completed-']);
    expect(lines(names.stdout)[0]?.split('\t')[0]).toBe('completed-name');
    const verbs = await broker.run(['complete', '--', 'topic', 'cre']);
    expect(verbs.stdout).toMatch(/^create\t/);
  });
});

describe('doctor', () => {
  test('reports each check, with advice where it is not ok', async () => {
    const data = join(directory.path, 'data');
    const ended = await broker.run(['doctor', '--data', data, '--json']);
    const [document] = documents(ended.stdout);
    expect(ended.code).toBe(0);
    const names = document.checks.map((check: { name: string }) => check.name);
    for (const name of ['node', 'open files', 'crc32c', 'lz4', 'snappy', 'zstd', 'disk space']) {
      expect(names).toContain(name);
    }
    for (const name of [
      'data directory',
      'fdatasync',
      'port',
      'broker',
      'advertised',
      'localhost',
    ]) {
      expect(names).toContain(name);
    }
    for (const check of document.checks) {
      expect(check.advice === null).toBe(check.status === 'ok');
    }
  });

  test('a data directory that cannot be made is a failure and exit 1', async () => {
    const file = join(directory.path, 'a-file');
    writeFileSync(file, '');
    const ended = await broker.run(['doctor', '--data', join(file, 'data')]);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/FAIL +data directory/);
  });
});

describe('serve', () => {
  test('SIGTERM stops in order and a restart has the records, topics and ids', async () => {
    const data = join(directory.path, 'restart');
    const first = await serve(['--data', data]);
    await first.run(['topic', 'create', 'kept', '-p', '2', '-c', 'retention.ms=1d']);
    await first.run(['produce', 'kept', '-p', '1'], { input: 'one\ntwo\n' });
    expect((await first.stop('SIGTERM')).code).toBe(0);
    const second = await serve(['--data', data]);
    try {
      expect(second.address['clusterId']).toBe(first.address['clusterId']);
      expect((await second.run(['consume', 'kept', '-e', '-q'])).stdout).toBe('one\ntwo\n');
      const got = await second.run(['config', 'get', 'retention.ms', '-t', 'kept']);
      expect(got.stdout).toBe('86400000\n');
    } finally {
      expect((await second.stop('SIGINT')).code).toBe(0);
    }
  });

  test('kill -9 loses nothing that was acknowledged', async () => {
    const data = join(directory.path, 'killed');
    const first = await serve(['--data', data]);
    await first.run(['topic', 'create', 'safe', '-p', '1']);
    const input = Array.from({ length: 500 }, (_, index) => `v${index}\n`).join('');
    expect((await first.run(['produce', 'safe'], { input })).code).toBe(0);
    await first.stop('SIGKILL');
    const second = await serve(['--data', data]);
    try {
      expect((await second.run(['consume', 'safe', '-e', '-q'])).stdout).toBe(input);
    } finally {
      await second.stop();
    }
  });

  test('a second process on the same directory is refused, and told which directory', async () => {
    const data = join(directory.path, 'data');
    const ended = await tidemark(['serve', '--data', data, '--port', '0']);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain(data);
    expect(ended.stderr).toMatch(/stop the other process|--data/);
  });

  test('a busy port is refused with what to do', async () => {
    const data = join(directory.path, 'other');
    const ended = await tidemark(['serve', '--data', data, '--port', String(broker.port)]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/cannot listen on .*another process uses the port[\s\S]*--port/);
  });

  test('the banner names address, data, what an acknowledgement means and three commands', async () => {
    const cwd = scratch();
    const child = start(['serve', '--port', '0'], { cwd: cwd.path });
    const end = finished(child);
    await saw(child.stderr, 'Ctrl-C');
    child.kill('SIGTERM');
    const { stdout, stderr, code } = await end;
    cwd.remove();
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/address +127\.0\.0\.1:\d+/);
    expect(stderr).toMatch(/data +.*tidemark-data \(the default; --data moves it\)/);
    expect(stderr).toContain('an acknowledged record is on disk');
    for (const next of ['topic create', 'produce', 'consume']) {
      expect(stderr).toMatch(new RegExp(`tidemark ${next} hello -b 127`));
    }
  });

  test('settings come from flags, environment and file in that order', async () => {
    const file = join(directory.path, 'server.properties');
    const fromFile = ['num.partitions=2', 'log.retention.ms=1000001', 'segment.bytes.typo=1'];
    writeFileSync(file, [...fromFile, 'num.io.threads=4', 'log.segment.bytes=20971520'].join('\n'));
    const served = await serve(['--memory', '--config', file, '--set', 'num.partitions=5'], {
      env: {
        KAFKA_NUM_PARTITIONS: '3',
        TIDEMARK_NUM_PARTITIONS: '4',
        KAFKA_LOG_RETENTION_MS: '2000002',
        KAFKA_HEAP_OPTS: '-Xmx1G',
      },
    });
    try {
      const value = async (name: string) =>
        (await served.run(['config', 'get', name, '--broker'])).stdout.trim();
      expect(await value('num.partitions')).toBe('5');
      expect(await value('log.retention.ms')).toBe('2000002');
      expect(await value('log.segment.bytes')).toBe('20971520');
      expect(served.address['dataDir']).toBeNull();
    } finally {
      const { stderr } = await served.stop();
      expect(stderr).toContain('segment.bytes.typo');
      expect(stderr).toContain('num.io.threads');
      expect(stderr).not.toContain('HEAP_OPTS');
    }
  });

  test.each([
    [['--port', '99999'], /--port: '99999' is not a port/],
    [['--set', 'num.partitions=none'], /num\.partitions/],
    [['--config', '/nonexistent.properties'], /there is no file/],
    [['--flush', 'never'], /Allowed choices are sync, os/],
    [['--advertise', 'a:b:x'], /address/],
  ])('serve %j is refused', async (args, words) => {
    const ended = await tidemark(['serve', '--memory', '--port', '0', ...args]);
    expect(ended.code).toBeGreaterThan(0);
    expect(ended.stderr).toMatch(words);
  });
});
