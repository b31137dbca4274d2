import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import { LoadGenerator } from '../../../tools/demo/index.ts';

let broker: TestBroker;
let cluster: Cluster;

beforeAll(async () => {
  broker = await startBroker();
  cluster = remoteCluster(broker.bootstrap);
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
});

async function contents(prefix: string): Promise<string[]> {
  const generator = new LoadGenerator(cluster, { rate: 2000, prefix, seed: 7 });
  const stop = new AbortController();
  const count = await generator.run(stop.signal, ({ records }) => {
    if (records >= 500) stop.abort();
  });
  expect(count).toBeGreaterThanOrEqual(500);
  const all: string[] = [];
  for (const topic of ['views', 'orders', 'payments', 'sensors']) {
    const records = await broker.records(prefix + topic);
    expect(records.length).toBeGreaterThan(10);
    for (const { key, value, headers } of records) {
      expect(headers).toMatchObject({ trace: expect.any(String), region: expect.any(String) });
      all.push(`${topic} ${key} ${value} ${headers['trace']}`);
    }
  }
  expect(all).toHaveLength(count);
  return all;
}

test('keys, headers and values, the same for the same seed', async () => {
  const [one, two] = [await contents('a.'), await contents('b.')];
  const [fewer, more] = one.length < two.length ? [one, new Set(two)] : [two, new Set(one)];
  expect(fewer.filter((line) => !more.has(line))).toEqual([]);
});
