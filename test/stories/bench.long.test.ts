// `tidemark bench` against a broker: figures of every phase, and no trace of it afterwards.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finished, type ServedBroker, serve, start, tidemark } from './support.ts';

let broker: ServedBroker;
beforeAll(async () => {
  broker = await serve(['--memory']);
});
afterAll(async () => {
  await broker.stop();
});

const topics = async (): Promise<string> => (await broker.run(['topic', 'list'])).stdout;

const LONG = 60_000;

test(
  'as JSON: rates, latencies of all records, a verdict for each phase; the topic is gone',
  async () => {
    const flags = '--seconds 1 --rate 200 --max-bytes 2MB -s 500 -p 3 -z gzip --json'.split(' ');
    const { code, stdout, stderr } = await broker.run(['bench', ...flags]);
    expect([code, stderr]).toEqual([0, '']);
    const report = JSON.parse(stdout);
    expect(report.settings).toMatchObject({ partitions: 3, recordBytes: 500, compression: 'gzip' });
    expect(report.produce.records).toBeGreaterThan(0);
    expect(report.produce.records).toBeLessThanOrEqual(4000);
    expect(report.produce.latency.count).toBe(report.produce.records);
    expect(report.consume.records).toBeGreaterThanOrEqual(report.produce.records);
    expect(report.tail.latency.count).toBe(200);
    expect([report.consume.unread, report.tail.unread, report.interrupted]).toEqual([0, 0, false]);
    expect(report.verdicts.map((one: { phase: string }) => one.phase)).toEqual([
      'produce',
      'consume',
      'tail',
    ]);
    expect(await topics()).not.toContain('tidemark-bench');
  },
  LONG,
);

test(
  'for people: a table, and the topic stays when it is asked for',
  async () => {
    const flags = '--seconds 1 --rate 50 --max-bytes 100kB --keep'.split(' ');
    const { code, stdout } = await broker.run(['bench', ...flags]);
    expect(code).toBe(0);
    const texts = ['write', 'read back', 'from due to read', ' of 50 ', 'p99.9', 'consume:'];
    // Writing as little as this ends before its second is over: that is told.
    for (const text of [...texts, '--max-bytes was reached after']) expect(stdout).toContain(text);
    expect(await topics()).toContain('tidemark-bench');
  },
  LONG,
);

test(
  'interrupted, it deletes its topic',
  async () => {
    const before = await topics();
    const child = start(['bench', '-b', broker.bootstrap, '--seconds', '60', '--json']);
    const end = finished(child);
    while ((await topics()) === before) await sleep(50);
    child.kill('SIGINT');
    expect(await end).toMatchObject({ code: 130 });
    expect(await topics()).toBe(before);
  },
  LONG,
);

test('what cannot be done is refused before anything is made', async () => {
  const small = await broker.run(['bench', '--size', '4']);
  expect([small.code, small.stderr]).toEqual([2, expect.stringContaining('at least 8 bytes')]);
  const none = await broker.run(['bench', '--max-bytes', '100']);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('at least one record')]);
  expect((await tidemark(['bench', '-b', '127.0.0.1:1', '--seconds', '1'])).code).toBe(4);
});
