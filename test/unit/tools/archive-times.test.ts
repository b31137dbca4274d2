// What an import must not lose to the configs of the topic that it makes, nor to what saved the file.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alterConfigs, type Cluster, describeConfigs } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import { exportTopics, newArchive, planArchive } from '../../../tools/archive/index.ts';
import { planStretches } from '../../../tools/replay/index.ts';
import { importFile } from './archive-support.ts';

const directory = mkdtempSync(join(tmpdir(), 'tidemark-archive-times-'));
const path = join(directory, 'arrivals.archive');
const timestamp = Date.now() - 5_000;
const configs = {
  'message.timestamp.before.max.ms': '1000',
  'message.timestamp.type': 'LogAppendTime',
};
let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker({ topics: { arrivals: 1 } });
  cluster = remoteCluster(broker.bootstrap);
  const records = [0, 1].map((n) => ({ value: `${n}`, timestamp: timestamp + n }));
  await broker.produce('arrivals', records);
  const changes = Object.entries(configs).map(([name, value]) => {
    return { name, value, operation: 'set' } as const;
  });
  await alterConfigs(cluster, { type: 'topic', name: 'arrivals' }, changes);
  const source = {
    topics: ['arrivals'],
    partitions: null,
    from: { kind: 'earliest' },
    to: { kind: 'latest' },
    group: null,
  } as const;
  const plan = await planArchive(cluster, await planStretches(cluster, source), 'test');
  const sink = await newArchive(path, plan, 0);
  const { signal } = new AbortController();
  await exportTopics({ cluster, sink, skipCut: false, signal });
  await sink.close();
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

async function ownConfigs(topic: string): Promise<Record<string, string | null>> {
  const all = await describeConfigs(cluster, { type: 'topic', name: topic });
  const own = all.filter((one) => one.source === 'topic');
  return Object.fromEntries(own.map(({ name, value }) => [name, value]));
}

async function timesOf(topic: string): Promise<number[]> {
  return (await broker.records(topic)).map((one) => one.timestamp);
}

test('a topic that stamped its records, or refused old ones, is made with the times that they had', async () => {
  const { notes } = await importFile(path, 'restored', { cluster });
  expect(notes).toEqual([]);
  expect(await timesOf('restored')).toEqual([timestamp, timestamp + 1]);
  expect(await ownConfigs('restored')).toEqual(configs);
});

test('an interrupted import gives the configs back when it goes on', async () => {
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  const first = await importFile(path, 'resumed', { cluster, signal: stop.signal, onProgress });
  expect(first.finished).toBe(false);
  expect(await ownConfigs('resumed')).toEqual({});
  await importFile(path, 'resumed', { cluster, resume: true });
  expect(await timesOf('resumed')).toEqual([timestamp, timestamp + 1]);
  expect(await ownConfigs('resumed')).toEqual(configs);
});

test('a topic that is there stays as it is, and what it does to times is told', async () => {
  const own = { 'message.timestamp.type': 'LogAppendTime' };
  await broker.createTopics({ there: { partitions: 1, configs: own } });
  const { notes } = await importFile(path, 'there', { cluster });
  expect(notes.join()).toContain('there gives records the time of their arrival');
  expect(await ownConfigs('there')).toEqual(own);
});

test.each(['csv', 'ndjson'])(
  'a %s that a spreadsheet saved, with a mark of byte order',
  async (format) => {
    const file = join(directory, `saved.${format}`);
    const csv = 'topic,partition,offset,timestamp,key,value\r\nt,0,0,5,k,v\r\n';
    const ndjson = '{"topic":"t","partition":0,"offset":0,"timestamp":5,"key":"k","value":"v"}\n';
    writeFileSync(file, `\uFEFF${format === 'csv' ? csv : ndjson}`);
    const done = await importFile(file, `saved-${format}`, { cluster, partitions: 1 });
    expect(done).toMatchObject({ finished: true, records: 1 });
  },
);
