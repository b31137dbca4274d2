// What goes wrong with an archive's target or source: told at once, with the cause and the place.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, createTopics, deleteRecords } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { buildBatch, rewriteBatchCrc } from '../../../src/record/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import { ArchiveFile } from '../../../tools/archive/file.ts';
import {
  type ArchiveHead,
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

/** Three batches of three records, compressed or not; the last record of the second one is none. */
async function damagedArchive(path: string, to: number): Promise<void> {
  const batches = [0, 3, 6].map((baseOffset) => {
    const records = [0, 1, 2].map((n) => {
      const value = Buffer.from(JSON.stringify({ n: baseOffset + n }));
      return { timestamp: 5, key: null, value };
    });
    return buildBatch(records, { baseOffset });
  });
  const second = batches[1]!;
  // The length of the record's headers, which come last: more than there are bytes.
  second[second.length - 1] = 0x7e;
  rewriteBatchCrc(second);
  const place = { topic: 'damaged', partition: 0, from: 0, to };
  const head: ArchiveHead = {
    type: 'head',
    format: 'tidemark-archive',
    version: 1,
    about: '',
    createdMs: 0,
    by: 'test',
    clusterId: null,
    topics: [{ name: 'damaged', partitions: 1, configs: {} }],
    stretches: [place],
  };
  const file = await ArchiveFile.open(path, { level: 0, sync: false }, null);
  await file.append(head);
  await file.appendBlock({ type: 'batches', ...place, records: to }, batches, true);
  await file.close();
}

test('of a damaged batch nothing is imported, however offsets are kept, and its place is told', async () => {
  const path = join(directory, 'damaged.archive');
  await damagedArchive(path, 9);
  for (const offsets of ['keep', 'header', 'new'] as const) {
    const name = `damaged-${offsets}`;
    await createTopics(cluster, [{ name, partitions: 1, configs: { 'retention.ms': '-1' } }]);
    for (const resume of [false, true]) {
      const importing = importFile(path, name, { cluster, create: false, offsets, resume });
      await expect(importing).rejects.toThrow(
        /^.*damaged\.archive byte \d+: a batch cannot be read, nothing of it is imported: .*offset 5/,
      );
      expect(await numbersIn(name)).toEqual([0, 1, 2]);
    }
  }
  // Headers tell how many records there are, but where a batch counts in part.
  const part = join(directory, 'damaged-part.archive');
  await damagedArchive(part, 5);
  await expect(verifyArchive(part)).rejects.toThrow(/is damaged at byte \d+: .*offset 5/);
});
