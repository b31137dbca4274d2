// More of the command line: every form of records, places, settings, and refusals, through the built command.

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finished, type ServedBroker, saw, scratch, serve, start, tidemark } from './support.ts';

const directory = scratch();
let broker: ServedBroker;

beforeAll(async () => {
  broker = await serve(['--data', join(directory.path, 'data')]);
  await broker.run(['topic', 'create', 'first', '-p', '1']);
});

afterAll(async () => {
  await broker.stop();
  directory.remove();
});

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const documents = (text: string) => lines(text).map((line) => JSON.parse(line));

describe('the first five minutes', () => {
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
    for (const command of ['config set --topic tuned --unset', 'topic alter tuned --unset']) {
      const unset = await broker.run(`${command} retention.mss`.split(' '));
      expect([unset.code, unset.stdout]).toEqual([3, '']);
      expect(unset.stderr).toContain('did you mean retention.ms?');
    }
    const bad = await broker.run('config set --topic tuned retention.ms=soon'.split(' '));
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('INVALID_CONFIG');
    const ofBroker = await broker.run('config set --broker log.retention.ms=1d'.split(' '));
    expect(ofBroker).toMatchObject({ code: 0 });
    const readBack = await broker.run('config get --broker log.retention.ms'.split(' '));
    expect(readBack.stdout).toBe('86400000\n');
    await broker.run('config set --broker --unset log.retention.ms'.split(' '));
    const followed = await broker.run('config get --broker log.retention.ms'.split(' '));
    expect(followed.stdout).toBe('604800000\n');
    expect(followed.stderr).toContain('log.retention.hours');
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

  test('a group remembers where it left off, and looking at it changes nothing', async () => {
    await broker.run(['topic', 'create', 'shared', '-p', '1']);
    await broker.run(['produce', 'shared'], { input: 'a\nb\nc\n' });
    const args = ['consume', 'shared', '-g', 'readers', '-q', '-e'];
    expect((await broker.run([...args, '-n', '2'])).stdout).toBe('a\nb\n');
    expect((await broker.run([...args, '--no-join'])).stdout).toBe('c\n');
    expect((await broker.run(args)).stdout).toBe('c\n');
    expect((await broker.run(args)).stdout).toBe('');
    const described = await broker.run(['group', 'describe', 'readers', '--json']);
    expect(documents(described.stdout)[0]).toMatchObject({ state: 'Empty', members: [] });
  });

  test.each(['classic', 'consumer'])(
    'consume -g is a member (%s): it shares, commits what was printed on Ctrl-C, and leaves',
    async (protocol) => {
      const name = `members-${protocol}`;
      await broker.run(['topic', 'create', name, '-p', '2']);
      await broker.run(['produce', name, '-p', '0'], { input: 'a\n' });
      const args = ['consume', name, '-g', name, '-X', `group.protocol=${protocol}`];
      const child = start(args, { env: { TIDEMARK_BROKERS: broker.bootstrap } });
      const seen = saw(child.stdout, 'a\n');
      const end = finished(child);
      await seen;
      const group = async () => {
        const shown = await broker.run(['group', 'describe', name, '--json']);
        return documents(shown.stdout)[0];
      };
      expect(await group()).toMatchObject({ state: 'Stable', members: [expect.anything()] });
      child.kill('SIGINT');
      expect(await end).toMatchObject({ code: 130, stdout: 'a\n' });
      expect(await group()).toMatchObject({ state: 'Empty', members: [] });
      // Nothing is read twice.
      await broker.run(['produce', name, '-p', '1'], { input: 'b\n' });
      const rest = await broker.run([...args, '-e']);
      expect(rest).toMatchObject({ code: 0, stdout: 'b\n' });
      expect(rest.stderr).toContain(`${name}/0: from offset 1, as a member of ${name}`);
      const nothing = await broker.run([...args, '-e']);
      expect(nothing).toMatchObject({ code: 0, stdout: '' });
      expect(nothing.stderr).toContain(`nothing to read, ${name} has read up to its end`);
    },
  );

  test.each(['classic', 'consumer'])(
    'consume -g leaves its group (%s) when nobody reads on, and commits only what was taken',
    async (protocol) => {
      const name = `pipe-${protocol}`;
      await broker.run(['topic', 'create', name, '-p', '1']);
      await broker.run(['produce', name], { input: 'a\n' });
      const args = ['consume', name, '-g', name, '-X', `group.protocol=${protocol}`];
      const child = start(args, { env: { TIDEMARK_BROKERS: broker.bootstrap } });
      const seen = saw(child.stdout, 'a\n');
      const end = finished(child);
      await seen;
      child.stdout?.destroy();
      await broker.run(['produce', name], { input: 'b\n' });
      expect(await end).toMatchObject({ code: 0 });
      const shown = await broker.run(['group', 'describe', name, '--json']);
      expect(documents(shown.stdout)[0]).toMatchObject({ state: 'Empty', members: [] });
      const rest = await broker.run([...args, '-e']);
      expect(rest.stdout).toBe('b\n');
    },
  );

  test('two that consume with -g share the partitions', async () => {
    await broker.run(['topic', 'create', 'halves', '-p', '4']);
    const args = ['consume', 'halves', '-g', 'halves', '-f', '%p %v\\n'];
    const env = { TIDEMARK_BROKERS: broker.bootstrap };
    const first = start(args, { env });
    const given = saw(first.stderr, 'halves/3: from offset 0');
    const shared = saw(first.stderr, 'given up');
    const ends = [finished(first)];
    await given;
    const second = start(args, { env });
    ends.push(finished(second));
    await shared;
    const printed = [saw(first.stdout, '\n'), saw(second.stdout, '\n')];
    for (const partition of ['0', '1', '2', '3']) {
      await broker.run(['produce', 'halves', '-p', partition, 'x']);
    }
    await Promise.all(printed);
    for (const child of [first, second]) child.kill('SIGTERM');
    const outputs = (await Promise.all(ends)).map(({ stdout }) => lines(stdout));
    expect(outputs.every((some) => some.length >= 1)).toBe(true);
    // What neither had printed when it was stopped is read by the next.
    const rest = lines((await broker.run([...args, '-e'])).stdout);
    expect([...outputs.flat(), ...rest].sort()).toEqual(['0 x', '1 x', '2 x', '3 x']);
  });
});

describe('what goes wrong', () => {
  test.each([
    [['frobnicate'], 2, /unknown command/],
    [['topic', 'create'], 2, /missing required argument/],
    [['topic', 'create', 'x', '-p', 'many'], 2, /--partitions many/],
    [['consume', 'first', '-f', '%q'], 2, /%q is not known/],
    [['consume', 'first', '--nope'], 2, /unknown option/],
    [['produce', 'first', '-X', 'sasl.mechanism=PLAIN', 'x'], 2, /not built in/],
    [['produce', 'first', '--file', '/nonexistent/file'], 3, /there is no file/],
    [['consume', 'absent', '-e'], 3, /there is no topic 'absent'/],
    [['consume', 'first', '-p', '9'], 3, /partitions 0 to 0, not 9/],
    [['topic', 'create', '../evil'], 1, /INVALID_TOPIC_EXCEPTION/],
    [['topic', 'create', 'two', '-r', '3'], 1, /INVALID_REPLICATION_FACTOR/],
    [['group', 'describe', 'nobody'], 3, /GROUP_ID_NOT_FOUND/],
    [['topic', 'list', '-b', 'a:b:x'], 2, /no broker address/],
    [['help', 'nope'], 2, /unknown command 'nope'/],
    [['topic', 'nope', '--help'], 2, /unknown command 'nope'/],
    [['config', 'set', '--broker'], 2, /name what to change/],
    [['config', 'get'], 2, /name a config/],
    [['dump', '.'], 2, /is a directory/],
    [['produce', 'absent', 'x'], 3, /--create/],
    [['consume', 'first', '-g', 'g', '-p', '0'], 2, /--no-join/],
    [['consume', 'first', '-g', 'g', '-o', '5'], 2, /group reset/],
    [['consume', 'absent', '-g', 'g'], 3, /there is no topic 'absent'/],
    [['consume', 'first', '-n', '-1'], 2, /--count -1: write a whole number from 0 on/],
    [['produce', 'first', 'x', '-p', '7'], 3, /no partition 7, only 0 to 0[\s\S]*leave the/],
    [['completion', 'cmd'], 2, /Allowed choices/],
  ])('%j ends with %i', async (args, code, words) => {
    const ended = await broker.run(args);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(words);
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

  test('empty lines between JSON records are skipped, and counted', async () => {
    await broker.run(['topic', 'create', 'gaps']);
    const input = '{"value":"a"}\n\n  \n{"value":"b"}\n\n{\n';
    const ended = await broker.run(['produce', 'gaps', '--ndjson'], { input });
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('line 6: not JSON')]);
    expect((await broker.run(['consume', 'gaps', '-e', '-q'])).stdout).toBe('a\nb\n');
  });

  test('a record that is too large: how many were lost, and what to do', async () => {
    await broker.run(['topic', 'create', 'small']);
    const ended = await broker.run(['produce', 'small'], { input: 'x'.repeat(2_000_000) });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/MESSAGE_TOO_LARGE.*\(1 record not acknowledged\)\n.*raise/);
    expect(ended.stderr).toMatch(/^0 records, 0 B in /);
  });

  test('dlq show says when a topic is not one of dead letters', async () => {
    await broker.run(['topic', 'create', 'alive']);
    await broker.run(['produce', 'alive', 'x', 'y']);
    const shown = await broker.run(['dlq', 'show', 'alive', '-n', '1']);
    expect(shown.code).toBe(0);
    expect(shown.stderr).toContain('alive may not be a topic of dead letters: this record has no');
  });

  test("--create makes a missing topic as the broker's configs have it, also where brokers do not by themselves", async () => {
    const sets = ['--set', 'num.partitions=3', '--set', 'auto.create.topics.enable=false'];
    const other = await serve(['--memory', ...sets]);
    try {
      const ended = await other.run(['produce', 'made', '--create', 'x']);
      expect(ended.code).toBe(0);
      expect(ended.stderr).toContain('topic made created (3 partitions)');
      expect((await other.run(['consume', 'made', '-e', '-q'])).stdout).toBe('x\n');
    } finally {
      await other.stop();
    }
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

  test('help reaches verbs, and commands go by their other names', async () => {
    const verb = await tidemark(['help', 'topic', 'create']);
    expect([verb.code, verb.stdout]).toEqual([0, expect.stringMatching(/^Usage: .*topic create/)]);
    expect(await broker.run(['topics', 'ls'])).toMatchObject({ code: 0 });
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
  test('a broker that was named and is not there is a failure, a default one is not', async () => {
    const data = join(directory.path, 'data');
    const named = await broker.run(['doctor', '--data', data, '-b', '127.0.0.1:1']);
    expect(named.code).toBe(1);
    expect(named.stdout).toMatch(/FAIL +broker +cannot connect/);
    const fallback = await tidemark(['doctor', '--data', data], {
      env: { TIDEMARK_BROKERS: '127.0.0.1:1' },
    });
    expect(fallback.code).toBe(0);
    expect(fallback.stdout).toMatch(/warn +broker +cannot connect/);
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
    [['--advertise', '::::'], /no IPv6 address/],
    [['--data', 'somewhere'], /'--memory' cannot be used with/],
    [['--host', '192.0.2.1'], /no such address[\s\S]*another --host/],
  ])('serve %j is refused', async (args, words) => {
    const ended = await tidemark(['serve', '--memory', '--port', '0', ...args]);
    expect(ended.code).toBeGreaterThan(0);
    expect(ended.stderr).toMatch(words);
  });
});
