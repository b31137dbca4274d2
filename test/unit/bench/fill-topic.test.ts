// What rows of the benchmarks read is written by a program of others, which may fail: it is tried once more, and says why.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeKeptTopic } from '../../../bench/load/row-run.ts';
import type { PeerBroker } from '../../../bench/peers/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-fill-'));
let broker: TestBroker;

beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A program that fails as often, and then says what rdkafka_performance says. */
function program(failures: number): string {
  const path = join(folder, `program-${failures}`);
  const tries = join(folder, `tries-${failures}`);
  const lines = [
    '#!/bin/sh',
    `echo x >> ${tries}`,
    `if [ $(wc -l < ${tries}) -le ${failures} ]; then`,
    '  echo "% 3 messages failed: Local: Message timed out"; echo "broker down" >&2; exit 1; fi',
    'echo "% 10 messages produced (1000 bytes), 0 delivered in 5ms"',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}

async function fill(failures: number): Promise<string[]> {
  const said: string[] = [];
  const port = Number(broker.bootstrap.split(':')[1]);
  const own = { bootstrap: broker.bootstrap, port } as PeerBroker;
  const performance = program(failures);
  const where = { tools: { performance, load: '' }, broker: own, quick: false };
  const filled = { records: 10, recordBytes: failures };
  const row = { filled, kept: false, partitions: 2 };
  await makeKeptTopic(where, row, (line) => said.push(line));
  return said;
}

test('a load that fails once is done again, and its last words are told', async () => {
  expect(await fill(1)).toEqual([
    expect.stringMatching(
      /filled-1-10 is filled once more: [\s\S]*ended with 1: broker down\n% 3 messages failed/,
    ),
  ]);
});

test('one that fails twice fails with its last words', async () => {
  await expect(fill(2)).rejects.toThrow(/ended with 1: broker down\n% 3 messages failed: Local/);
});
