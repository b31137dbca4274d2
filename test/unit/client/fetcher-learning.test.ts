// A topic that nobody tells of keeps no other from being read.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Cluster, Fetcher, tcpNetwork } from '../../../src/client/index.ts';
import { Fetch, Metadata } from '../../../src/protocol/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeBroker, metadataBody } from './fake-broker.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const ANOTHER_ID = 'BAAAAAAAAAAAAAAAAAAAAg';

function fetched(topic: string): object {
  const records = buildBatch([{ timestamp: 5, key: null, value: Buffer.from('x') }], {});
  const marks = { highWatermark: 1, lastStableOffset: 1, logStartOffset: 0 };
  const more = { partitionIndex: 0, errorCode: 0, ...marks, abortedTransactions: [] };
  const responses = [{ topic, topicId: TOPIC_ID, partitions: [{ ...more, records }] }];
  return { errorCode: 0, sessionId: 0, responses };
}

function setUp(isSilent: () => boolean) {
  const broker: FakeBroker = new FakeBroker(({ api, body }) => {
    if (api.key === Fetch.key) return broker.of(Fetch).length > 1 ? undefined : fetched('known');
    if (api.key !== Metadata.key) throw new Error(`unexpected ${api.name}`);
    const [topic] = (body as { topics: { name: string }[] }).topics;
    const name = topic?.name ?? '';
    if (name === 'known') return metadataBody(name, 1);
    if (isSilent()) return undefined;
    const told = metadataBody(name, 1) as { topics: object[] };
    return { ...told, topics: told.topics.map((one) => ({ ...one, topicId: ANOTHER_ID })) };
  });
  const clock = new VirtualClock();
  const shared = { clock, random: new SeededRandom(7) };
  const tcp = { ...shared, clientId: 'test', connector: broker };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], tcp);
  const fetcher = new Fetcher(new Cluster({ network, ...shared }));
  for (const topic of ['known', 'unknown']) fetcher.set({ topic, partition: 0 }, 0);
  return { broker, clock, fetcher };
}

test('a topic that nobody tells of keeps no other from being read', async () => {
  const { broker, clock, fetcher } = setUp(() => true);
  fetcher.take();
  await clock.advance(2_000);
  expect(fetcher.take()?.records).toHaveLength(1);
  expect(broker.of(Metadata).length).toBe(2);
  fetcher.stop();
});

test('topics that are told of at once are asked for together', async () => {
  const { broker, clock, fetcher } = setUp(() => false);
  fetcher.take();
  await clock.advance(100);
  expect(broker.of(Fetch)[0]?.body['topics']).toHaveLength(2);
  fetcher.stop();
});
