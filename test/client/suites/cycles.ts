// Clients that come and go by the hundred: what they leave behind.

import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, open, type RunningBroker, serve } from '../../../src/index.ts';
import { expectNoMore, held } from './life.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is reachable, once everything else is collected. */
function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

export function cyclesSuite(count: number): void {
  let broker: RunningBroker;
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => {
    unhandled.push(reason);
  };

  beforeAll(async () => {
    process.on('unhandledRejection', onUnhandled);
    broker = await serve({ memory: true, port: 0 });
  });
  afterAll(async () => {
    process.off('unhandledRejection', onUnhandled);
    await broker.close();
  });

  test('over TCP: no handle, no timer, no listener, no rejection nobody hears of', async () => {
    const stop = new AbortController();
    const { signal } = stop;
    const cycle = async (n: number): Promise<void> => {
      const client = await connect(broker.bootstrap);
      const producer = client.producer({ value: 'string', signal });
      const consumer = client.consumer({ topics: ['life'], signal, maxWaitMs: 5 });
      const sent = producer.send({ topic: 'life', value: String(n) });
      if (n % 3 === 0) await sent;
      if (n % 25 === 0) for await (const _ of consumer) break;
      await client.close();
      await sent;
    };
    for (let n = 0; n < 20; n++) await cycle(n);
    const before = await held();
    for (let n = 20; n < count + 20; n++) await cycle(n);
    expectNoMore(await held(), before);
    expect(getEventListeners(signal, 'abort').length).toBe(0);
    expect(unhandled).toEqual([]);
  }, 180_000);

  test.runIf(count >= 1_000)(
    'members of groups and producers of one client: nothing stays, in memory neither',
    async () => {
      const client = await connect(broker.bootstrap);
      await client.admin().createTopic({ name: 'cycles', partitions: 2 });
      const feeder = client.producer({ value: 'string' });
      await feeder.send({ topic: 'cycles', value: 'x' });
      const cycle = async (n: number): Promise<void> => {
        const group = `cycles-${n % 4}`;
        const protocol = n % 2 === 0 ? 'classic' : 'consumer';
        const consumer = client.consumer({ topics: ['cycles'], group, protocol, maxWaitMs: 5 });
        for await (const _ of consumer) break;
        const producer = client.producer({ value: 'string' });
        await producer.send({ topic: 'cycles', partition: 0, value: String(n) });
        await Promise.all([consumer.close(), producer.close()]);
      };
      const cycles = count / 10;
      for (let n = 0; n < cycles; n++) await cycle(n);
      const [before, heapBefore] = [await held(), heapBytes()];
      for (let n = 0; n < cycles; n++) await cycle(n);
      expectNoMore(await held(), before, 1);
      // The broker in this process keeps what the groups and producers left in its log: about 2 KiB a cycle.
      expect((heapBytes() - heapBefore) / cycles).toBeLessThan(8 * 1024);
      await feeder.close();
      await client.close();
      expect(unhandled).toEqual([]);
    },
    180_000,
  );

  test('in process, in memory', async () => {
    const cycle = async (): Promise<void> => {
      const log = await open({ memory: true });
      void log.producer({ value: 'string' }).send({ topic: 'life', value: 'x' });
      await log.close();
    };
    // What is loaded on first use is there before it counts.
    for (let n = 0; n < 20; n++) await cycle();
    const [before, heapBefore] = [await held(), heapBytes()];
    for (let n = 0; n < count / 5; n++) await cycle();
    expectNoMore(await held(), before);
    // Over a few it is the warming up that is seen.
    if (count >= 1_000) expect((heapBytes() - heapBefore) / (count / 5)).toBeLessThan(8 * 1024);
    expect(unhandled).toEqual([]);
  }, 180_000);

  test('nobody there, or nobody who answers, is said at once or in time, and leaves nothing', async () => {
    const before = await held();
    await expect(connect('127.0.0.1:1')).rejects.toMatchObject({ code: 'cannot_connect' });
    const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const options = { connectTimeoutMs: 50, apiTimeoutMs: 200 };
    await expect(connect(`127.0.0.1:${port}`, options)).rejects.toMatchObject({
      code: 'request_timed_out',
    });
    await new Promise((resolve) => silent.close(resolve));
    expectNoMore(await held(), before);
    expect(unhandled).toEqual([]);
  });
}
