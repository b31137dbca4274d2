// A topic that is deleted and made anew while it is read: offsets of the old one say nothing of the new one.

import { afterEach, expect, test } from 'vitest';
import type { Client } from '../../../../src/client/index.ts';
import { connect } from '../../../../src/compose/index.ts';
import { startBroker, type TestBroker } from '../../../../src/testing/index.ts';

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const place = { topic: 't', partition: 0 };

async function fill(broker: TestBroker, from: number, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, index) => ({
    value: from + index,
  }));
  await broker.produce('t', records);
}

async function setUp(): Promise<{
  broker: TestBroker;
  client: Client;
  remake(): Promise<void>;
}> {
  const broker = await startBroker({ topics: { t: 1 } });
  const client = await connect(broker.bootstrap);
  ends.push(
    () => broker.close(),
    () => client.close(),
  );
  await fill(broker, 0, 3);
  const remake = async (): Promise<void> => {
    const admin = client.admin();
    await admin.deleteTopics(['t']);
    await admin.createTopics([{ name: 't', partitions: 1 }]);
    await fill(broker, 100, 5);
  };
  return { broker, client, remake };
}

test.each(['classic', 'consumer'] as const)(
  'all records of the new topic come, and nothing of the old one is committed there: %s',
  async (protocol) => {
    const { client, remake } = await setUp();
    const moved: [number, number][] = [];
    const consumer = client.consumer({
      topics: ['t'],
      group: 'g',
      protocol,
      value: 'json',
      autoCommit: false,
      onMoved: (_, from, to) => void moved.push([from, to]),
    });
    const seen: unknown[] = [];
    for await (const { value } of consumer) {
      seen.push(value);
      if (seen.length === 3) {
        await remake();
        await expect(consumer.commit()).rejects.toMatchObject({
          code: 'UNKNOWN_TOPIC_OR_PARTITION',
        });
      }
      if (seen.length === 8) break;
    }
    expect(seen).toEqual([0, 1, 2, 100, 101, 102, 103, 104]);
    expect(moved).toEqual([[3, 0]]);
    await consumer.commit();
    const { offsets } = await client.admin().describeGroup('g');
    expect(offsets).toMatchObject([{ topic: 't', partition: 0, offset: 5 }]);
    await consumer.close();
  },
);

test('whoever asked for an error instead of another place gets one', async () => {
  const { client, remake } = await setUp();
  const consumer = client.consumer({
    assign: [place],
    value: 'json',
    outOfRange: 'error',
  });
  let seen = 0;
  const reading = (async () => {
    for await (const _ of consumer) {
      seen += 1;
      if (seen === 3) await remake();
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  await consumer.seek(place, 2);
  for await (const { value } of consumer) {
    expect(value).toBe(102);
    break;
  }
  await consumer.close();
});
