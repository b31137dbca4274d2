// What goes wrong with an archive's target or source: told at once, with the cause and the place.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, createTopics, deleteRecords } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  exportTopics,
  newArchive,
  newText,
  planArchive,
  resumeArchive,
  verifyArchive,
} from '../../../tools/archive/index.ts';
import { planStretches } from '../../../tools/replay/index.ts';
import { importFile } from './archive-support.ts';

const COUNT = 300;
const directory = mkdtempSync(join(tmpdir(), 'tidemark-archive-failures-'));
const archive = join(directory, 'orders.archive');
const text = join(directory, 'orders.ndjson');
const signal = new AbortController().signal;
let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: { partitions: 1 } } });
  cluster = remoteCluster(broker.bootstrap);
  const value = 'x'.repeat(100);
  for (let at = 0; at < COUNT; at += 10) {
    const records = Array.from({ length: 10 }, (_, n) => ({ value: { n: at + n, value } }));
    await broker.produce('orders', records);
  }
  const head = await planArchive(cluster, await stretchesOf('orders'), 'test');
  for (const sink of [await newArchive(archive, head, 0), await newText(text, 'ndjson', head)]) {
    await exportTopics({ cluster, sink, skipCut: false, signal });
    await sink.close();
  }
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

function stretchesOf(topic: string) {
  const range = { from: { kind: 'earliest' }, to: { kind: 'latest' } } as const;
  return planStretches(cluster, { topics: [topic], partitions: null, group: null, ...range });
}

const imported = (path: string, to: string) => importFile(path, to, { cluster, create: false });

async function numbersIn(topic: string): Promise<unknown[]> {
  return (await broker.records(topic)).map((one) => (one.json() as { n: number }).n);
}

test.each([
  ['an archive', archive],
  ['text', text],
])('%s fits into a topic that takes small batches only', async (_, path) => {
  const name = path === text ? 'small-text' : 'small';
  const configs = { 'max.message.bytes': '2000' };
  await createTopics(cluster, [{ name, partitions: 1, configs }]);
  expect(await imported(path, name)).toMatchObject({ finished: true, records: COUNT });
  expect(await numbersIn(name)).toEqual(Array.from({ length: COUNT }, (__, n) => n));
});

test('a topic that does not take even one record refuses at once, and the place is told', async () => {
  const configs = { 'max.message.bytes': '100' };
  await createTopics(cluster, [{ name: 'tiny', partitions: 1, configs }]);
  await expect(imported(archive, 'tiny')).rejects.toThrow(
    /^topic tiny refused records up to offset 0 of orders\/0 in .*orders\.archive: .*more than max\.message\.bytes=100/,
  );
  expect(await numbersIn('tiny')).toEqual([]);
});

test('a source that retention cuts is told with its place, and --skip-cut goes on behind', async () => {
  await broker.createTopics({ cut: 1 });
  for (let n = 0; n < 6; n++) await broker.produce('cut', [{ value: { n } }]);
  const path = join(directory, 'cut.archive');
  const head = await planArchive(cluster, await stretchesOf('cut'), 'test');
  const sink = await newArchive(path, head, 0);
  await deleteRecords(cluster, 'cut', new Map([[0, 2]]));
  await expect(exportTopics({ cluster, sink, skipCut: false, signal })).rejects.toThrow(
    /^retention took records that were not exported yet \(cut\/0 at 0\): .*--skip-cut$/,
  );
  await sink.close();
  const again = await resumeArchive(path, 0);
  const ended = await exportTopics({ cluster, sink: again, skipCut: true, signal });
  await again.close();
  expect(ended).toMatchObject({ finished: true, partitions: [{ records: 4, from: 0, to: 6 }] });
  expect((await verifyArchive(path)).finished).toBe(true);
  await createTopics(cluster, [{ name: 'cut-2', partitions: 1 }]);
  expect(await imported(path, 'cut-2')).toMatchObject({ finished: true, records: 4 });
  expect(await numbersIn('cut-2')).toEqual([2, 3, 4, 5]);
});
