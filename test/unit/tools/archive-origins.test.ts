// What an import with --offsets header left in a topic is found again, also where others write to it in transactions.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Cluster, tcpNetwork } from '../../../src/client/index.ts';
import { Fetch, Metadata } from '../../../src/protocol/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { readOrigins } from '../../../tools/archive/import-target.ts';
import { ORIGIN_HEADER } from '../../../tools/archive/index.ts';
import { FakeBroker, metadataBody } from '../client/fake-broker.ts';

interface Batch {
  readonly origin: string;
  readonly transactional?: boolean;
}

/** A topic of one record a batch, in which nothing from `stable` on may be read as committed. */
function topicOf(
  batches: readonly Batch[],
  stable: number,
): { clock: VirtualClock; cluster: Cluster } {
  const bytes = batches.map(({ origin, transactional = false }, at) => {
    const headers = [{ key: ORIGIN_HEADER, value: Buffer.from(origin) }];
    const records = [{ timestamp: 5, key: null, value: Buffer.from('x'), headers }];
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: at };
    return buildBatch(records, { baseOffset: at, transactional, producer });
  });
  const clock = new VirtualClock();
  const broker = new FakeBroker(async (request) => {
    if (request.api.key === Metadata.key) return metadataBody('t', 1);
    if (request.api.key !== Fetch.key) throw new Error(`unexpected ${request.api.name}`);
    const { topics, isolationLevel } = request.body as {
      topics: { partitions: { fetchOffset: number }[] }[];
      isolationLevel: number;
    };
    const { fetchOffset } = topics[0]!.partitions[0]!;
    const readable = isolationLevel === 1 ? stable : batches.length;
    // A long poll.
    if (fetchOffset >= readable) await new Promise<void>((done) => clock.setTimer(10, done));
    const partition = {
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: batches.length,
      lastStableOffset: stable,
      logStartOffset: 0,
      abortedTransactions: [],
      records: fetchOffset < readable ? Buffer.concat(bytes.slice(fetchOffset, readable)) : null,
    };
    const topicId = 'AAAAAAAAAAAAAAAAAAAAAg';
    const responses = [{ topic: 't', topicId, partitions: [partition] }];
    return { errorCode: 0, sessionId: 0, responses };
  });
  const shared = { clock, random: new SeededRandom(3) };
  const how = { ...shared, clientId: 'test', connector: broker };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], how);
  return { clock, cluster: new Cluster({ network, ...shared }) };
}

test('an open transaction of somebody else holds nobody up, and its records are not ours', async () => {
  const batches = [
    { origin: 'orders/0/3' },
    { origin: 'orders/0/9', transactional: true },
    { origin: 'orders/0/4' },
    { origin: 'orders/1/0' },
  ];
  const { clock, cluster } = topicOf(batches, 1);
  const target = {
    topic: 't',
    partitions: 1,
    ends: new Map([[0, 4]]),
    bytesMax: 1_000_000,
    later: {},
  };
  const found = readOrigins(cluster, target, new AbortController().signal);
  expect(await clock.until(found, 60_000)).toEqual(
    new Map([
      ['orders/0', 4],
      ['orders/1', 0],
    ]),
  );
});
