// No measurement pays for what another one's broker gives back to the disk.

import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deletionsOver } from '../../../bench/load/deletions.ts';
import { ourSystems, peerSystems } from '../../../bench/peers/index.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-deletions-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('waits until every broker has removed the directories of deleted topics', async () => {
  const brokers = ['a', 'b'].map((name) => ({ logDirectory: join(directory, name) }));
  for (const { logDirectory } of brokers)
    mkdirSync(join(logDirectory, 'kept-0'), { recursive: true });
  expect(await deletionsOver(brokers, 0)).toBe(true);
  const gone = join(directory, 'b', 'row-0-0.0123456789abcdef-delete');
  mkdirSync(gone);
  expect(await deletionsOver(brokers, 0)).toBe(false);
  let over = false;
  const waiting = deletionsOver(brokers).then((answer) => {
    over = answer;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(over).toBe(false);
  rmdirSync(gone);
  await waiting;
  expect(over).toBe(true);
});

test('all brokers that have a delay have the same', () => {
  const delays = [...ourSystems(), ...peerSystems()].map(({ name, config }) => [
    name,
    config['log.segment.delete.delay.ms'],
  ]);
  expect(Object.fromEntries(delays)).toEqual({
    tidemark: '100',
    'tidemark-os': '100',
    kafka: '100',
    'kafka-sync': '100',
    klite: undefined,
  });
});
