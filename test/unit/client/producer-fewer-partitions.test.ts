// A topic that was made anew with fewer partitions, and brokers that have not heard of all of a topic's partitions.

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { Cluster, Producer, tcpNetwork } from '../../../src/client/index.ts';
import { InitProducerId, Metadata, Produce, ZERO_UUID } from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeBroker, metadataBody } from './fake-broker.ts';

const FIRST_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const SECOND_ID = 'BAAAAAAAAAAAAAAAAAAAAg';
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const UNKNOWN_TOPIC_ID = 100;
/** Turns that no test here needs. */
const TURNS_MAX = 2_000;

/** Stands still for who takes turn after turn without waiting for anything. */
class PatientClock extends VirtualClock {
  turns = 0;

  override defer(fire: () => void): void {
    this.turns += 1;
    if (this.turns <= TURNS_MAX) super.defer(fire);
  }
}

interface Body {
  readonly topicData: { topicId: string; partitionData: { index: number }[] }[];
}

/** A topic `t` of four partitions. `named`: how many of them metadata tell, where they lag behind. */
function setUp(id = FIRST_ID) {
  const topic = { id, partitions: 4, named: null as number | null };
  const broker: FakeBroker = new FakeBroker(({ api, body }) => {
    switch (api.key) {
      case Metadata.key: {
        const all = metadataBody('t', topic.named ?? topic.partitions) as { topics: object[] };
        return { ...all, topics: all.topics.map((one) => ({ ...one, topicId: topic.id })) };
      }
      case InitProducerId.key:
        return { errorCode: 0, producerId: 1, producerEpoch: 0 };
      case Produce.key: {
        const responses = (body as unknown as Body).topicData.map(({ topicId, partitionData }) => {
          const partitionResponses = partitionData.map(({ index }) => {
            const known = index < topic.partitions ? 0 : UNKNOWN_TOPIC_OR_PARTITION;
            const errorCode = topicId === topic.id ? known : UNKNOWN_TOPIC_ID;
            return { index, errorCode, baseOffset: errorCode === 0 ? 0 : -1 };
          });
          return { name: 't', topicId, partitionResponses };
        });
        return { responses };
      }
      default:
        throw new Error(`unexpected ${api.name}`);
    }
  });
  const clock = new PatientClock();
  const shared = { clock, random: new SeededRandom(7) };
  const tcp = { ...shared, clientId: 'test', connector: broker };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], tcp);
  const cluster = new Cluster({ network, ...shared });
  const producer = new Producer(cluster, { key: 'string', value: 'string' });
  const send = (where: { partition?: number; key?: string }) =>
    producer.send({ topic: 't', value: 'x', ...where });
  return { broker, clock, cluster, producer, send, topic };
}

describe('a topic that was made anew with fewer partitions', () => {
  test('refuses what was meant for the others, and takes the rest by the new number', async () => {
    const { broker, clock, producer, send, topic } = setUp();
    await clock.until(send({ partition: 3 }));
    Object.assign(topic, { id: SECOND_ID, partitions: 1 });
    const code = 'UNKNOWN_TOPIC_OR_PARTITION';
    await expect(clock.until(send({ partition: 3 }))).rejects.toMatchObject({ code });
    for (const key of ['alice', 'bob', 'carol', 'dave']) {
      expect(await clock.until(send({ key }))).toMatchObject({ partition: 0 });
    }
    expect(await clock.until(send({}))).toMatchObject({ partition: 0 });
    await expect(clock.until(send({ partition: 3 }))).rejects.toThrow(/partition 3, only 0 to 0/);
    expect(broker.of(Metadata).length).toBeLessThan(12);
    expect(clock.turns).toBeLessThan(100);
    expect(producer.bufferedBytes).toBe(0);
  });

  test('has them again once they are added', async () => {
    const { clock, send, topic } = setUp();
    await clock.until(send({ partition: 3 }));
    Object.assign(topic, { id: SECOND_ID, partitions: 1 });
    await clock.until(send({ partition: 3 }).catch(() => {}));
    topic.partitions = 4;
    expect(await clock.until(send({ partition: 3 }))).toMatchObject({ partition: 3 });
  });

  test('is believed after a few times where topics have no ids', async () => {
    const { broker, clock, cluster, send, topic } = setUp(ZERO_UUID);
    await clock.until(send({ partition: 3 }));
    topic.partitions = 1;
    cluster.forget('t');
    const code = 'UNKNOWN_TOPIC_OR_PARTITION';
    await expect(clock.until(send({ partition: 3 }))).rejects.toMatchObject({ code });
    expect(broker.of(Metadata).length).toBeGreaterThan(3);
    expect(broker.of(Metadata).length).toBeLessThan(20);
    expect(clock.turns).toBeLessThan(100);
  });
});

test('a broker that has not heard of all partitions is asked again, with a pause, and nothing is refused', async () => {
  const { broker, clock, cluster, send, topic } = setUp();
  await clock.until(send({ partition: 3 }));
  topic.named = 2;
  cluster.forget('t');
  const late = send({ partition: 3 });
  await clock.advance(3_000);
  expect(await clock.until(send({ partition: 1 }))).toMatchObject({ partition: 1 });
  topic.named = null;
  expect(await clock.until(late)).toMatchObject({ partition: 3 });
  expect(broker.of(Metadata).length).toBeLessThan(50);
  expect(clock.turns).toBeLessThan(200);
});
