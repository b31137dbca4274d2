// What the report says of a row is what is done in it, and what is done before it.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { warmUp } from '../../../bench/load/brokers.ts';
import { inTurn } from '../../../bench/load/prepare.ts';
import { readFilled } from '../../../bench/load/row-run.ts';
import { type Row, rows } from '../../../bench/load/rows.ts';
import type { PeerBroker, System } from '../../../bench/peers/index.ts';
import { recording } from './recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-rows-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a row says one linger', () => {
  for (const { how } of rows) expect(how.match(/linger/g)?.length ?? 0).toBeLessThan(2);
});

test('nobody is always the first', () => {
  const orders = [0, 1, 2, 3].map((round) => inTurn(['a', 'b', 'c'], round).join(''));
  expect(orders).toEqual(['abc', 'bca', 'cab', 'abc']);
  expect(inTurn([], 1)).toEqual([]);
});

/** A program that notes its arguments and then says what rdkafka_performance says of 40,000 records. */
function consumer(name: string): { readonly path: string; readonly runs: () => string[] } {
  const path = join(folder, name);
  const notes = `${path}-runs`;
  const said = '% 40000 messages (40960000 bytes) consumed in 40ms: 1000000 msgs/s (1024.00 MB/s)';
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${notes}\necho "${said}"\n`);
  chmodSync(path, 0o755);
  return { path, runs: () => readFileSync(notes, 'utf8').trim().split('\n') };
}

const broker = {
  kind: 'kafka',
  bootstrap: '127.0.0.1:1',
  pid: process.pid,
  logDirectory: folder,
} as PeerBroker;

test('a row that reads is read once without counting, then twice over', async () => {
  const program = consumer('consumer');
  const row = rows.find(({ name }) => name === 'consume 1 KiB');
  if (row === undefined) throw new Error('no such row');
  const tools = { performance: program.path, load: '' };
  await readFilled({ tools, broker, quick: true }, row);
  expect(program.runs()).toHaveLength(1);
  const { figures } = await row.measure({ tools, broker, quick: true, topic: 'filled' });
  expect(program.runs()).toHaveLength(3);
  expect(program.runs()[0]).toMatch(/^-C -t filled-1024-1000000 -o beginning -c 40000 -p 0 /);
  expect(figures['movingSeconds']).toBeCloseTo(0.08);
  expect(figures['recordsPerSecond']).toBeCloseTo(1e6);
  const gigabytes = (2 * 40_000 * 1024) / 1e9;
  const cost = (figures['brokerCpuSeconds'] ?? 0) / gigabytes;
  expect(figures['brokerCpuSecondsPerGb']).toBeCloseTo(cost);
});

test('nothing is read for a row that writes', async () => {
  const tools = { performance: join(folder, 'no such program'), load: '' };
  for (const row of rows.filter(({ filled }) => filled === undefined)) {
    await readFilled({ tools, broker, quick: true }, row);
  }
});

test('all rows warm up but those at a fixed rate', () => {
  const cold = rows.filter(({ warmsUp }) => !warmsUp).map(({ how }) => how);
  expect(cold).toHaveLength(3);
  for (const how of cold) expect(how).toContain('s of warm-up');
});

test('a warm-up is half the work, counts for nothing, and may fail', async () => {
  const halves: unknown[] = [];
  const fake = (name: string, warmsUp: boolean, fails: boolean): Row => ({
    name,
    how: '',
    alsoOn: [],
    partitions: 1,
    kept: true,
    warmsUp,
    java: false,
    measure: ({ half }) => {
      halves.push([name, half]);
      return fails ? Promise.reject(new Error('cold')) : Promise.resolve({ figures: {} });
    },
  });
  const all = [fake('a', true, true), fake('b', false, false), fake('c', true, false)];
  const { run, told } = recording({ quick: false });
  const system = { name: 'kafka', ours: false } as System;
  const running = [{ system, broker, rows: new Set(all) }];
  await warmUp({ run, tools: { performance: '', load: '' }, running, rows: all });
  expect(halves).toEqual([
    ['a', true],
    ['c', true],
  ]);
  expect(told).toEqual([]);
  expect(running[0]?.rows.size).toBe(3);
});
