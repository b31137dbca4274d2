// KIP-951: a broker that does not lead a partition says who does, and the client goes there without asking for metadata.

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Cluster, Fetcher, Producer, tcpNetwork } from '../../../src/client/index.ts';
import {
  Fetch,
  InitProducerId,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
} from '../../../src/protocol/index.ts';
import { buildBatch } from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeBroker, type FakeRequest, metadataBody } from './fake-broker.ts';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const NOT_LEADER = 6;
/** The old leader is at port 1, as the metadata have it; the new one, which they do not name, at port 2. */
const NEW_LEADER_PORT = 2;

interface Hint {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly named: boolean;
}

function setUp({ leaderId, leaderEpoch, named }: Hint) {
  const hint = {
    currentLeader: { leaderId, leaderEpoch },
    nodeEndpoints: named
      ? [{ nodeId: leaderId, host: 'fake', port: NEW_LEADER_PORT, rack: null }]
      : [],
  };
  const leads = ({ connection }: FakeRequest): boolean => {
    // Without a usable hint the metadata have to tell, and the old one leads after all.
    return connection.target.port === NEW_LEADER_PORT || broker.of(Metadata).length > 1;
  };
  const broker: FakeBroker = new FakeBroker((request) => {
    const refused = leads(request) ? {} : { errorCode: NOT_LEADER, ...hint };
    const endpoints = leads(request) ? {} : { nodeEndpoints: hint.nodeEndpoints };
    switch (request.api.key) {
      case Metadata.key:
        return metadataBody('t', 1);
      case InitProducerId.key:
        return { errorCode: 0, producerId: 1, producerEpoch: 0 };
      case OffsetForLeaderEpoch.key: {
        const end = { errorCode: 0, partition: 0, leaderEpoch: 0, endOffset: 1 };
        return { topics: [{ topic: 't', partitions: [end] }] };
      }
      case Produce.key: {
        const partition = { index: 0, errorCode: 0, baseOffset: 7, ...refused };
        const responses = [{ name: 't', topicId: TOPIC_ID, partitionResponses: [partition] }];
        return { responses, ...endpoints };
      }
      case Fetch.key: {
        const records = buildBatch([{ timestamp: 5, key: null, value: Buffer.from('x') }], {});
        const marks = { highWatermark: 1, lastStableOffset: 1, logStartOffset: 0 };
        const more = { partitionIndex: 0, errorCode: 0, ...marks, abortedTransactions: [] };
        const partition = { ...more, records: leads(request) ? records : null, ...refused };
        const responses = [{ topic: 't', topicId: TOPIC_ID, partitions: [partition] }];
        return { errorCode: 0, sessionId: 0, responses, ...endpoints };
      }
      default:
        throw new Error(`unexpected ${request.api.name}`);
    }
  });
  const clock = new VirtualClock();
  const shared = { clock, random: new SeededRandom(7) };
  const tcp = { ...shared, clientId: 'test', connector: broker };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], tcp);
  const cluster = new Cluster({ network, ...shared });
  return { broker, clock, cluster };
}

type Made = ReturnType<typeof setUp>;

async function produceOne({ clock, cluster }: Made): Promise<void> {
  const producer = new Producer(cluster, { value: 'string' });
  const landed = await clock.until(producer.send({ topic: 't', value: 'x' }));
  expect(landed.offset).toBe(7);
}

async function fetchOne({ clock, cluster }: Made): Promise<void> {
  const fetcher = new Fetcher(cluster);
  fetcher.set({ topic: 't', partition: 0 }, 0);
  for await (const { records } of fetcher.read()) {
    expect([...records].map(({ value }) => String(value))).toEqual(['x']);
    break;
  }
  await clock.advance(0);
}

const both = [
  ['a producer', produceOne, Produce],
  ['a fetcher', fetchOne, Fetch],
] as const;

test.each(both)('%s goes to the leader that it is told of', async (_, work, api) => {
  const made = setUp({ leaderId: 2, leaderEpoch: 1, named: true });
  await work(made);
  const { broker, clock } = made;
  const ports = broker.of(api).map(({ connection }) => connection.target.port);
  expect(ports.slice(0, 2)).toEqual([1, NEW_LEADER_PORT]);
  expect(broker.of(Metadata).length).toBe(1);
  // No back-off either.
  expect(clock.monotonic()).toBe(0);
});

test.each([
  ['of an epoch that is known already', { leaderId: 2, leaderEpoch: 0, named: true }],
  ['of nobody', { leaderId: -1, leaderEpoch: -1, named: false }],
  ['of a broker whose address is not known', { leaderId: 9, leaderEpoch: 3, named: false }],
])('a hint %s is none: metadata are asked for', async (_, hint) => {
  const made = setUp(hint);
  await produceOne(made);
  expect(made.broker.of(Metadata).length).toBeGreaterThan(1);
});

describe('metadata of a broker that has not heard of the new leader', () => {
  const place = { topic: 't', partition: 0 };
  const newLeader = { leaderId: 2, leaderEpoch: 1 };
  const hint = {
    leader: newLeader,
    endpoints: [{ nodeId: 2, host: 'fake', port: NEW_LEADER_PORT }],
  };
  const known = { node: { id: 2, host: 'fake', port: NEW_LEADER_PORT }, epoch: 1 };

  test('do not undo what is known, even after the topic was forgotten', async () => {
    const { cluster } = setUp({ ...newLeader, named: true });
    await cluster.topic('t');
    expect(cluster.learnLeader(place, hint)).toBe(true);
    cluster.forget('t');
    expect(cluster.knownLeader('t', 0)).toBeNull();
    const { partitions } = await cluster.topic('t');
    expect(partitions[0]).toMatchObject(newLeader);
    expect(cluster.knownLeader('t', 0)).toMatchObject(known);
  });

  test('do not undo what was told meanwhile', async () => {
    const { cluster } = setUp({ ...newLeader, named: true });
    await cluster.topic('t');
    cluster.forget('t');
    // The topic is being asked for, so there is nothing to go by yet.
    expect(cluster.learnLeader(place, hint)).toBe(false);
    await cluster.topic('t');
    expect(cluster.knownLeader('t', 0)).toMatchObject(known);
  });

  test('are believed of a topic that was made anew', async () => {
    const { broker, cluster } = setUp({ ...newLeader, named: true });
    await cluster.topic('t');
    expect(cluster.learnLeader(place, hint)).toBe(true);
    const body = metadataBody('t', 1) as { topics: { topicId: string }[] };
    const topics = body.topics.map((one) => ({ ...one, topicId: 'AAAAAAAAAAAAAAAAAAAAAw' }));
    broker.answer = () => ({ ...body, topics });
    await cluster.topic('t', { fresh: true });
    expect(cluster.knownLeader('t', 0)).toMatchObject({ node: { id: 1 }, epoch: 0 });
  });
});
