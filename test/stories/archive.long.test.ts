// A topic of Apache Kafka becomes a file, is imported here with equal records, and goes back.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PeerBroker, startBroker } from '../../bench/peers/index.ts';
import type { JobRecord } from '../../tools/replay/index.ts';
import { kcatClient } from '../support/peers/kcat.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';
import { bin, finished, type ServedBroker, scratch, serve, start, tidemark } from './support.ts';

const COUNT = 20_000;
const directory = scratch();
const file = (name: string): string => join(directory.path, name);
let kafka: PeerBroker;
let broker: ServedBroker;

const present = missing('java') === undefined && missing('kcat') === undefined;
const withPeers = testWith('java', 'kcat');

beforeAll(async () => {
  broker = await serve(['--data', file('data')]);
  if (!present) return;
  kafka = await startBroker({ kind: 'kafka' });
  const env = { TIDEMARK_BROKERS: kafka.bootstrap };
  await tidemark(['topic', 'create', 'orders', '-p', '4'], { env });
  for (const [codec, from] of [
    ['none', 0],
    ['lz4', 1],
    ['zstd', 2],
  ] as const) {
    const lines = Array.from({ length: COUNT / 4 }, (_, n) =>
      JSON.stringify({ key: `k${n % 99}`, value: `${from}-${n}`, headers: { n: `${n}` } }),
    );
    await tidemark(['produce', 'orders', '--ndjson', '-z', codec], {
      env,
      input: lines.join('\n'),
    });
  }
}, 240_000);
afterAll(async () => {
  await broker.stop();
  if (present) await kafka.stop();
  directory.remove();
});

const onKafka = (args: readonly string[]) =>
  tidemark(args, { env: { TIDEMARK_BROKERS: kafka.bootstrap } });

/** As kcat sees it: one line a record, with everything but the broker's own affairs. */
async function recordsOf(bootstrap: string, topic: string): Promise<string[]> {
  const lines: string[] = [];
  const onRecord: Parameters<typeof kcatClient.consume>[0]['onRecord'] = (one) => {
    const { partition, offset, timestamp, key, value, headers } = one;
    lines.push([partition, offset, timestamp, key, value, JSON.stringify(headers)].join(' '));
  };
  await kcatClient.consume({ bootstrap, topic, count: 0, onRecord });
  return lines.sort();
}

describe('archive', () => {
  withPeers(
    'Apache Kafka to a file, here, and back, with equal records and offsets',
    async () => {
      // A log that does not begin at 0.
      const cut = await onKafka(['topic', 'alter', 'orders', '--delete-records', '300', '--yes']);
      expect(cut.code).toBe(0);
      expect((await onKafka(['archive', 'export', 'orders', '--to', file('a')])).code).toBe(0);
      const shown = await tidemark(['archive', 'verify', file('a'), '--json']);
      expect(JSON.parse(shown.stdout)).toMatchObject({ finished: true });
      expect((await broker.run(['archive', 'import', file('a')])).code).toBe(0);
      const wanted = await recordsOf(kafka.bootstrap, 'orders');
      expect(wanted.some((line) => line.startsWith('0 300 '))).toBe(true);
      expect(wanted.some((line) => line.startsWith('0 299 '))).toBe(false);
      expect(await recordsOf(broker.bootstrap, 'orders')).toEqual(wanted);
      await broker.run(['archive', 'export', 'orders', '--to', file('b')]);
      const back = await onKafka(['archive', 'import', file('b'), '--to', 'orders-back']);
      expect([back.code, back.stderr]).toEqual([0, expect.stringContaining('records written')]);
      expect(await recordsOf(kafka.bootstrap, 'orders-back')).toEqual(wanted);
    },
    240_000,
  );

  for (const format of ['ndjson', 'csv']) {
    const toAndFro = async (): Promise<void> => {
      const path = file(`orders.${format}`);
      await onKafka(['archive', 'export', 'orders', '--to', path]);
      const to = ['--to', `as-${format}`, '--partitions', '4'];
      expect((await broker.run(['archive', 'import', path, ...to])).code).toBe(0);
      const wanted = await recordsOf(kafka.bootstrap, 'orders');
      expect(await recordsOf(broker.bootstrap, `as-${format}`)).toEqual(wanted);
    };
    withPeers(`as ${format}`, toAndFro, 240_000);
  }

  withPeers(
    'an import that is killed goes on',
    async () => {
      const env = { TIDEMARK_BROKERS: broker.bootstrap };
      const args = ['archive', 'import', file('a'), '--to', 'killed'];
      const child = start(args, { env });
      const ended = once(child, 'close');
      setTimeout(() => child.kill('SIGKILL'), 300);
      await ended;
      const rest = await broker.run([...args, '--resume']);
      expect([rest.code, rest.stderr]).toEqual([0, expect.stringContaining('records written')]);
      expect(await recordsOf(broker.bootstrap, 'killed')).toEqual(
        await recordsOf(kafka.bootstrap, 'orders'),
      );
    },
    240_000,
  );

  withPeers('an interrupted export goes on', async () => {
    const path = file('c');
    writeFileSync(
      path,
      readFileSync(file('a')).subarray(0, Math.floor(statSync(file('a')).size / 2)),
    );
    const unfinished = await tidemark(['archive', 'verify', path]);
    expect(unfinished.code).toBe(1);
    const done = await onKafka(['archive', 'export', '--resume', '--to', path]);
    expect(done.code).toBe(0);
    expect((await tidemark(['archive', 'verify', path])).code).toBe(0);
  });

  test('what was exported and imported stands among the jobs', async () => {
    await broker.run(['topic', 'create', 'noted']);
    await broker.run(['produce', 'noted', 'a', 'b', 'c']);
    // Whoever looks may be elsewhere: a path is told whole.
    const here = { cwd: directory.path };
    await broker.run(['archive', 'export', 'noted', '--to', 'noted'], here);
    await broker.run(['archive', 'import', 'noted', '--to', 'noted-2'], here);
    await broker.run(['archive', 'export', 'noted', '--to', file('noted')]);
    const listed = JSON.parse((await broker.run(['replay', 'list', '--json'])).stdout);
    const [written, read] = listed;
    const who = expect.stringContaining('@');
    const counts = { written: 3, read: 3 };
    const done = { state: 'done', who, counts, file: file('noted') };
    expect(written).toMatchObject({ ...done, tool: 'import', target: { topic: 'noted-2' } });
    expect(read).toMatchObject({ ...done, tool: 'export', source: { topics: ['noted'] } });
    expect(read.stretches).toMatchObject([{ topic: 'noted', partition: 0, from: 0, to: 3 }]);
    const again = await broker.run(['replay', '--resume', read.id]);
    expect([again.code, again.stderr]).toEqual([
      2,
      expect.stringContaining('archive export --resume'),
    ]);
  });

  test('a disk that is full ends an export, which goes on under the same job', async () => {
    const [path, topic] = [file('full'), 'filling'];
    await broker.run(['topic', 'create', topic]);
    const input = Array.from({ length: 3000 }, (_, n) => `${n} ${'x'.repeat(400)}`).join('\n');
    await broker.run(['produce', topic], { input });
    const args = ['archive', 'export', topic, '-o', '10..', '--level', '0', '--to', path];
    // A file may have 100 KiB: what the disk says then is as good as that it is full.
    const full = await limited(100, args);
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/cannot write .*full: EFBIG.*--resume --to/s);
    expect((await broker.run(['archive', 'verify', path])).code).toBe(1);
    const [failed] = await jobs();
    const range = { from: { kind: 'offset', offset: 10 }, to: { kind: 'latest' } };
    expect(failed).toMatchObject({ state: 'failed', file: path, source: range });
    expect(failed.error).toMatch(/cannot write/);
    expect((await broker.run(['archive', 'export', '--resume', '--to', path])).code).toBe(0);
    expect((await broker.run(['archive', 'verify', path])).code).toBe(0);
    const [done, ...others] = await jobs();
    expect(done).toMatchObject({ id: failed.id, state: 'done', counts: { written: 2990 } });
    expect(done).toMatchObject({ error: null, source: range });
    expect(others.filter((one) => one.file === path)).toEqual([]);
  });

  test('an archive that is cut off is imported up to there, which is told, and goes on as the same job', async () => {
    const [whole, path, topic] = [file('full'), file('cut'), 'cut-off'];
    const bytes = readFileSync(whole);
    writeFileSync(path, bytes.subarray(0, bytes.length - 200));
    const args = ['archive', 'import', path, '--to', topic, '--offsets', 'new'];
    const cut = await broker.run(args);
    expect(cut.code).toBe(1);
    expect(cut.stderr).toMatch(
      /has no end.*cut is damaged at byte \d+: (no frame begins here|the frame is cut off).*--resume/s,
    );
    writeFileSync(path, bytes);
    const rest = await broker.run([...args, '--resume']);
    expect([rest.code, rest.stderr]).toEqual([0, expect.stringContaining('records written')]);
    const [done, ...others] = await jobs();
    expect(done).toMatchObject({ state: 'done', file: path, counts: { written: 2990 } });
    expect(others.filter((one) => one.file === path)).toEqual([]);
  });

  async function jobs(): Promise<[JobRecord, ...JobRecord[]]> {
    return JSON.parse((await broker.run(['replay', 'list', '--json'])).stdout);
  }

  /** With files of at most so many KiB. */
  function limited(kib: number, args: readonly string[]) {
    const command = [process.execPath, bin, ...args].map((one) => `'${one}'`).join(' ');
    const child = spawn('bash', ['-c', `ulimit -f ${kib}; exec ${command}`], {
      env: { ...process.env, TIDEMARK_BROKERS: broker.bootstrap },
      stdio: 'pipe',
    });
    return finished(child);
  }

  test.each([
    [['export', 'orders'], 2, /--to FILE/],
    [['export', 'orders', '--to', '-'], 2, /goes to a file/],
    [['export', 'absent', '--to', 'x'], 3, /no topic 'absent'/],
    [['export', 'orders', '--to', '/nowhere/x'], 3, /cannot write \/nowhere\/x/],
    [['import', '/nowhere/x'], 3, /cannot read \/nowhere\/x/],
    [['verify', '/etc/hostname'], 1, /no archive of ours/],
    [['export', 'orders', '--to', 'x', '--level', 'best'], 2, /0 to 19/],
  ])('archive %j ends with %i', async (args, code, words) => {
    const ended = await broker.run(['archive', ...args]);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(words);
    expect(existsSync('x')).toBe(false);
  });
});
