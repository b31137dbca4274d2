// The phases of `tidemark bench` against a broker that refuses, or does not answer.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { Load } from '../../../src/cli/bench/load.ts';
import type { LoadPlan } from '../../../src/cli/bench/plan.ts';
import { Cluster, parseBrokers, tcpNetwork } from '../../../src/client/index.ts';
import { clientClock } from '../../../src/host/node-clock.ts';
import { nodeRandom } from '../../../src/host/node-random.ts';
import { tcpConnector } from '../../../src/host/tcp-connector.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';

const plan: LoadPlan = {
  topic: 't',
  partitions: 2,
  recordBytes: 100,
  seconds: 1,
  perSecond: 100,
  maxBytes: 10_000,
  patienceMs: 300,
  producer: { key: 'buffer', value: 'buffer' },
};

let broker: TestBroker;
let cluster: Cluster;
beforeEach(async () => {
  broker = await startBroker({ topics: { t: 2 } });
  const shared = { clock: clientClock, random: nodeRandom };
  const tcp = { ...shared, clientId: 'test', connector: tcpConnector };
  cluster = new Cluster({ ...shared, network: tcpNetwork(parseBrokers(broker.bootstrap), tcp) });
});
afterEach(async () => {
  await cluster.close();
  await broker.close();
});

const loadOf = (more: Partial<LoadPlan> = {}): Load =>
  new Load(cluster, { ...plan, ...more }, () => {}, new AbortController().signal);

test('a reader that fails while records are still sent ends the fixed rate with its error', async () => {
  broker.fail('Fetch', { error: 'TOPIC_AUTHORIZATION_FAILED', times: 1 });
  const refused = { code: 'TOPIC_AUTHORIZATION_FAILED' };
  await expect(loadOf({ seconds: 2 }).tail()).rejects.toMatchObject(refused);
});

test('records that are not read in time are told, and counted with the time that they waited', async () => {
  broker.disconnect('Fetch', { times: Number.POSITIVE_INFINITY });
  const tail = await loadOf().tail();
  expect(tail).toMatchObject({ records: 0, unread: 100, recordsPerSecond: 0 });
  expect(tail.latency.count).toBe(100);
});

test('reading back that comes to a halt ends, and tells what is missing', async () => {
  const load = loadOf();
  const written = await load.produce();
  expect(written).toMatchObject({ records: 100, ended: 'max-bytes' });
  broker.disconnect('Fetch', { times: Number.POSITIVE_INFINITY });
  expect(await load.consume()).toMatchObject({ records: 0, unread: 100 });
});

test('all that was written is read, at the rate that was asked for', async () => {
  const load = loadOf();
  await load.produce();
  expect(await load.consume()).toMatchObject({ records: 100, unread: 0 });
  const tail = await load.tail();
  expect(tail).toMatchObject({ records: 100, unread: 0, latency: { count: 100 } });
  expect(tail.recordsPerSecond).toBeLessThanOrEqual(100);
});

test('an interrupt ends a phase with the figures so far', async () => {
  const interrupt = new AbortController();
  const live = (line: string): void => {
    if (/^writing: [1-9]/.test(line)) interrupt.abort();
  };
  const endless = { ...plan, seconds: 3_600, maxBytes: 1e12 };
  const written = await new Load(cluster, endless, live, interrupt.signal).produce();
  expect(written.ended).toBe('interrupted');
  expect(written.records).toBeGreaterThan(0);
});
