// The first five minutes, and the ways in which they go wrong, through the built command line.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect } from '../../src/index.ts';
import {
  bin,
  finished,
  type ServedBroker,
  saw,
  scratch,
  serve,
  start,
  tidemark,
} from './support.ts';

const directory = scratch();
let broker: ServedBroker;
/** Makes what a command is to find and clears it away, which commands would take a process each for. */
let client: Client;

beforeAll(async () => {
  broker = await serve(['--data', join(directory.path, 'data')]);
  client = await connect(broker.bootstrap);
});

afterAll(async () => {
  await client.close();
  await broker.stop();
  directory.remove();
});

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const documents = (text: string) => lines(text).map((line) => JSON.parse(line));

async function made(topic: string, ...values: string[]): Promise<void> {
  await client.admin().createTopics([{ name: topic, partitions: 1 }]);
  await sent(topic, values);
}

async function sent(topic: string, values: readonly string[]): Promise<void> {
  const producer = client.producer({ value: 'string' });
  await Promise.all(values.map((value) => producer.send({ topic, value })));
  await producer.close();
}

const gone = (topic: string): Promise<void> => client.admin().deleteTopics([topic]);

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

  test('the command may be run, however often it was built: npx makes it so only once', () => {
    expect(statSync(bin).mode & 0o111).toBe(0o111);
  });

  test('create, produce, consume', async () => {
    const created = await broker.run(['topic', 'create', 'first', '-p', '1']);
    expect(created).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'topic first created (1 partition)\n',
    });
    const input = 'hello\nworld\n';
    const produced = await broker.run(['produce', 'first'], { input });
    expect(produced.code).toBe(0);
    expect(produced.stdout).toBe('');
    expect(produced.stderr).toMatch(/^2 records, 10 B in .* → first\n$/);
    const read = await broker.run(['consume', 'first', '-e']);
    expect(read).toMatchObject({ code: 0, stdout: 'hello\nworld\n' });
    expect(read.stderr).toContain('first/0: from earliest → offset 0, before latest → offset 2');
  });

  test('help ends quietly when nobody reads on', async () => {
    const child = start(['consume', '--help']);
    child.stdout?.destroy();
    expect(await finished(child)).toMatchObject({ code: 0, stderr: '' });
  });

  test('topics of tools, which begin with two underscores, are listed with --internal', async () => {
    await made('__jobs');
    expect((await broker.run(['topic', 'list'])).stdout).not.toContain('__jobs');
    expect((await broker.run(['topic', 'list', '-i'])).stdout).toMatch(/^__jobs /m);
    await gone('__jobs');
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
    const all = documents((await broker.run(['topic', 'describe', '--json'])).stdout).flat();
    expect(all.map((one: { name: string }) => one.name)).toEqual(['first']);
    const text = await broker.run(['topic', 'describe', 'first']);
    expect(text.stdout).toMatch(/PARTITION +LEADER/);
  });

  test('what a change of configs and a deletion of records came to is told', async () => {
    await made('altered', 'a', 'b');
    const set = [
      'config',
      'set',
      '--topic',
      'altered',
      'retention.ms=1d',
      'cleanup.policy+=compact',
    ];
    expect((await broker.run(set)).stderr).toBe(
      'topic altered: retention.ms is 86400000\n' +
        'topic altered: cleanup.policy is extended by compact\n',
    );
    const deleted = await broker.run(['topic', 'alter', 'altered', '--delete-records', '1', '-y']);
    expect(deleted.stderr).toContain('deleted: altered begins at these offsets');
    await gone('altered');
  });

  test('delete asks first, and does nothing when nobody can answer', async () => {
    await made('doomed');
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
});

describe('records in and out', () => {
  test('a consumer that stays sees new records, and ends with 130 on Ctrl-C', async () => {
    await made('live', 'one');
    const child = start(['consume', 'live', '-b', broker.bootstrap, '-q']);
    const end = finished(child);
    const [stays, shown] = ['one', 'two'].map((value) => saw(child.stdout, value));
    await stays;
    await sent('live', ['two']);
    await shown;
    child.kill('SIGINT');
    await expect(end).resolves.toMatchObject({ code: 130, stdout: 'one\ntwo\n' });
  });

  test('a reader that goes away ends the command quietly', async () => {
    await made('pipe', ...Array<string>(2000).fill('x'.repeat(1000)));
    const child = start(['consume', 'pipe', '-b', broker.bootstrap, '-q']);
    const end = finished(child);
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, stderr } = await end;
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('what goes wrong', () => {
  test.concurrent.each([
    [['topik'], 2, /Did you mean topic\?/],
    [['consume', 'first', '-o', 'middle'], 2, /is not an offset/],
    [['produce', 'first', '-z', 'brotli'], 2, /brotli/],
    [['produce', 'absent', 'x'], 3, /there is no topic 'absent'/],
    [['produce', 'first', '-F', '.'], 2, /cannot read \.: it is a directory/],
    [['topic', 'create', 'first'], 1, /TOPIC_ALREADY_EXISTS/],
    [['topic', 'create', 'misspelt', '-c', 'retetion.ms=7d'], 1, /did you mean retention\.ms\?/],
    [['topic', 'alter', 'first', '--set', 'cleanup.polcy=x'], 1, /did you mean cleanup\.policy\?/],
    [['config', 'set', '--topic', 'first', 'retention.ms=7x'], 1, /may have a unit, as 7d/],
    [['consume', 'first', '-o', 'committed', '-e'], 2, /name it with --group/],
    [['group', 'list', '--state', 'stabel'], 2, /--state stabel: write .*Stable/],
    [['archive', 'import', 'absent.archive'], 3, /cannot read absent.archive/],
    [['replay', 'first', '-m', 'absent.mjs', '--to-stdout'], 3, /absent.mjs cannot be read/],
  ])('%j ends with %i', async (args, code, words) => {
    const ended = await broker.run(args);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(words);
  });

  test('under --json a failure is a document on standard error', async () => {
    const ended = await broker.run(['consume', 'absent', '-e', '--json']);
    expect([ended.code, ended.stdout]).toEqual([3, '']);
    expect(JSON.parse(ended.stderr)).toEqual({
      error: {
        code: 'UNKNOWN_TOPIC_OR_PARTITION',
        message: "there is no topic 'absent': UNKNOWN_TOPIC_OR_PARTITION",
        nextStep: expect.stringContaining('tidemark topic list'),
        exitCode: 3,
      },
    });
  });

  test.each([
    [['produce', 'absent', 'x'], 'UNKNOWN_TOPIC_OR_PARTITION'],
    [['config', 'set', '--topic', 'first', 'retention.ms=7x'], 'INVALID_CONFIG'],
    [['produce', 'first', '--acks', '2'], 'cli_error'],
  ])('under --json %j tells the code of what went wrong', async (args, code) => {
    const { stderr } = await broker.run([...args, '--json']);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
  });

  test('nobody listens: exit 4, the address and what to do', async () => {
    const ended = await tidemark(['topic', 'list', '-b', '127.0.0.1:1']);
    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(/cannot connect to 127\.0\.0\.1:1[\s\S]*tidemark serve/);
  });

  test('a bad record stops the input, and says which', async () => {
    await made('strict');
    const input = '{"value":"fine"}\n{"value":\n{"value":"never"}\n';
    const ended = await broker.run(['produce', 'strict', '--ndjson'], { input });
    // Not 2, which says that nothing was done.
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('line 2: not JSON');
    expect((await broker.run(['consume', 'strict', '-e', '-q'])).stdout).toBe('fine\n');
  });
});

describe('help and completion', () => {
  test('without a command the help is shown', async () => {
    await expect(tidemark([])).resolves.toMatchObject({ code: 0 });
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
});

describe('serve', () => {
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
    const child = start(['serve', '--port', '0', '--metrics-port', '0'], { cwd: cwd.path });
    const end = finished(child);
    await saw(child.stderr, 'Ctrl-C');
    child.kill('SIGTERM');
    const { stdout, stderr, code } = await end;
    cwd.remove();
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/address +127\.0\.0\.1:\d+/);
    expect(stderr).toMatch(/data +.*tidemark-data \(the default; --data moves it\)/);
    expect(stderr).toContain('an acknowledged record is on disk');
    expect(stderr).toMatch(/metrics +http:\/\/127\.0\.0\.1:\d+\/metrics/);
    for (const next of ['topic create', 'produce', 'consume']) {
      expect(stderr).toMatch(new RegExp(`tidemark ${next} hello -b 127`));
    }
  });
});
