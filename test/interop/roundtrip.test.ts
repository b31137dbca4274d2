// Real text through the clients on the machine, each as producer and each as consumer: the short run. The whole is
// roundtrip.long.test.ts, with Java, whose programs take seconds to start.

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type PeerBroker, startBroker, testTarget } from '../../bench/peers/index.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';
import {
  createTopic,
  interopClients,
  readBack,
  type Sent,
  send,
  withoutTimestamps,
} from '../support/peers/round-trip.ts';

const COUNT = 1_000;
const quick = interopClients.filter(({ name }) => name !== 'java');

describe('real text goes through every client', () => {
  let broker: PeerBroker | undefined;
  const sent = new Map<string, Sent>();

  beforeAll(async () => {
    if (missing('broker') === undefined) broker = await startBroker({ kind: testTarget() });
  });

  afterAll(async () => {
    await broker?.stop();
  });

  for (const producer of quick) {
    const topic = `from-${producer.name}`;
    testWith('broker', producer.tool)(`${producer.name} sends`, async () => {
      const { bootstrap } = broker!;
      await createTopic(bootstrap, topic);
      const { codecs } = producer;
      const plan = { bootstrap, topic, producer, codecs, count: COUNT, recordBytes: 400 };
      sent.set(topic, await send(plan));
      expect(sent.get(topic)?.count).toBe(COUNT);
    });
    for (const consumer of quick) {
      testWith(
        'broker',
        producer.tool,
        consumer.tool,
      )(`${consumer.name} reads what ${producer.name} sent`, async () => {
        const expected = sent.get(topic)!;
        const read = await readBack(consumer, {
          bootstrap: broker!.bootstrap,
          topic,
          count: COUNT,
        });
        expect(withoutTimestamps(read)).toEqual(withoutTimestamps(expected.partitions));
        if (expected.timestampsKnown) expect(read).toEqual(expected.partitions);
      });
    }
  }
});
