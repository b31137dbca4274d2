// A broker is killed in the middle of a load, however fast it takes what is written.

import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fill, killUnderLoad } from '../../../bench/load/kill-under-load.ts';
import { createTopic, RawClient } from '../../../bench/load/raw-client.ts';
import { freePort } from '../../../bench/peers/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';

const FILLING = { topic: 'filled', partitions: 2 };
let broker: TestBroker;
let port = 0;

beforeAll(async () => {
  broker = await startBroker();
  port = Number(broker.bootstrap.split(':')[1]);
  const client = await RawClient.connect(port);
  await createTopic(client, FILLING.topic, FILLING.partitions);
  client.close();
});
afterAll(() => broker.close());

test('the load goes on until then', async () => {
  await fill(port, FILLING, 1_000_000);
  let killed = 0;
  const kill = async (): Promise<void> => {
    killed += 1;
    await broker.close();
  };
  await killUnderLoad({ port, kill }, FILLING);
  expect(killed).toBe(1);
});

test('one that was not under load is not killed, and it is said why', async () => {
  const refusing = await freePort();
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    server.listen(refusing, '127.0.0.1', resolve);
  });
  let killed = 0;
  const kill = (): Promise<void> => {
    killed += 1;
    return Promise.resolve();
  };
  try {
    await expect(killUnderLoad({ port: refusing, kill }, FILLING)).rejects.toThrow(
      /no request was pending when .*: Produce: the connection was closed/,
    );
  } finally {
    server.close();
  }
  expect(killed).toBe(0);
});
