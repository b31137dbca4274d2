// Opening, closing, failing: nothing is left behind, and nothing is lost without a word.

import { getEventListeners } from 'node:events';
import { expect, expectTypeOf, test } from 'vitest';
import { type Client, type ConsumedRecord, msgpackSerde, type Serde } from '../../../src/index.ts';
import type { Target } from '../targets.ts';

interface Order {
  readonly id: number;
  readonly items: readonly string[];
}

const orders: Serde<Order> = msgpackSerde<Order>();

export function lifeSuite(target: Target): void {
  test('what a producer sends reaches a consumer, with its type', async () => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const producer = lab.client.producer({ value: orders });
    await producer.send({ topic, key: 'a', value: { id: 1, items: ['x'] } });
    const consumer = lab.client.consumer({ topics: [topic], value: orders });
    for await (const record of consumer) {
      expectTypeOf(record).toEqualTypeOf<ConsumedRecord<string, Order>>();
      expect(record.value).toEqual({ id: 1, items: ['x'] });
      expect(record.key).toBe('a');
      break;
    }
    const handler = async (record: ConsumedRecord<string, Order>): Promise<void> => {
      expectTypeOf(record.value).toEqualTypeOf<Order | null>();
    };
    expectTypeOf(handler).toExtend<Parameters<typeof consumer.run>[0]>();
  });

  test('two clients see one log', async () => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const other = await lab.another();
    await lab.client.producer({ value: 'string' }).send({ topic, value: 'from one' });
    await other.producer({ value: 'string' }).send({ topic, value: 'from the other' });
    const ends = await other.admin().listOffsets(topic, 'latest');
    expect(ends.get(0)?.offset).toBe(2);
  });

  test('a closed client closes what it made, and says that it is closed', async () => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const client: Client = lab.client;
    const producer = client.producer({ value: 'string', lingerMs: 60_000 });
    const sent = producer.send({ topic, value: 'x' });
    await Promise.all([client.close(), client.close()]);
    await expect(sent).resolves.toMatchObject({ offset: 0 });
    await expect(producer.send({ topic, value: 'y' })).rejects.toMatchObject({ code: 'closed' });
    expect(() => client.producer()).toThrowError(expect.objectContaining({ code: 'closed' }));
  });

  test('a thousand producers of one client leave nothing behind', async () => {
    await using lab = await target.open();
    const topic = await lab.topic();
    const stop = new AbortController();
    const before = await held();
    for (let n = 0; n < 1_000; n++) {
      const producer = lab.client.producer({ value: 'string', signal: stop.signal });
      if (n % 50 === 0) await producer.send({ topic, value: String(n) });
      await producer.close();
    }
    // A connection that was opened on the way stays, for the next.
    expectNoMore(await held(), before, 1);
    expect(getEventListeners(stop.signal, 'abort').length).toBe(0);
    await lab.client.close();
  });
}

/** What keeps the process alive, by kind, once what ends has ended: the same twice in a row. */
export async function held(): Promise<Record<string, number>> {
  let last = '';
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const counts: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo().sort()) {
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    const now = JSON.stringify(counts);
    if (now === last) return counts;
    last = now;
  }
}

/** Nothing of any kind was left behind, but for `kept` of each. */
export function expectNoMore(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
  kept = 0,
): void {
  const more = Object.entries(after).filter(([kind, count]) => count > (before[kind] ?? 0) + kept);
  expect(more).toEqual([]);
}
