import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as KafkaJs from 'kafkajs';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connect as connectOurs } from '../../../src/index.ts';
import {
  KafkaContainer,
  type ReceivedRequest,
  startBroker,
  type TestBroker,
  type TidemarkMatchers,
  tidemarkMatchers,
} from '../../../src/testing/index.ts';
import { eventually } from '../../support/eventually.ts';

declare module 'vitest' {
  interface Matchers<T> extends TidemarkMatchers<T> {}
}
expect.extend(tidemarkMatchers);

const require = createRequire(new URL('../../interop/clients/package.json', import.meta.url));

/** A server on this port; null while another has it. */
function listening(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => setImmediate(() => resolve(null)));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

const isRefused = ({ outcome }: ReceivedRequest): boolean =>
  outcome !== null && typeof outcome === 'object';

let broker: TestBroker;
afterEach(async () => {
  vi.useRealTimers();
  await broker.close();
});

describe('startBroker', () => {
  test('has its topics, takes records and shows them', async () => {
    broker = await startBroker({ topics: { orders: 3 } });
    const landed = await broker.produce('orders', [
      { key: 'a', value: { total: 1 }, partition: 2, headers: { trace: 'x' } },
      { key: 'a', value: 'plain', partition: 2 },
      { key: 'b', value: null, partition: 0 },
    ]);
    expect(landed).toEqual([
      { partition: 2, offset: 0 },
      { partition: 2, offset: 1 },
      { partition: 0, offset: 0 },
    ]);
    expect(await broker.records('orders')).toMatchRecords([
      { key: 'b', value: null, partition: 0 },
      { key: 'a', value: { total: 1 }, headers: { trace: 'x' } },
      { key: 'a', value: 'plain' },
    ]);
    const waitedFor = await broker.waitFor.records('orders', 3);
    expect(waitedFor.map(({ value }) => value)).toEqual([null, '{"total":1}', 'plain']);
    expect(await broker.records('orders', 1)).toEqual([]);
  });

  test('keeps nothing after reset but its topics, and everything over a restart', async () => {
    broker = await startBroker({ topics: { orders: 1 } });
    const { bootstrap } = broker;
    await broker.produce('orders', [{ value: 'one' }]);
    await broker.restart();
    expect(broker.bootstrap).toBe(bootstrap);
    expect(await broker.records('orders')).toMatchRecords([{ value: 'one' }]);
    await broker.reset();
    expect(broker.bootstrap).toBe(bootstrap);
    expect(await broker.records('orders')).toEqual([]);
  });

  test('comes back at its port when somebody had that for a moment', async () => {
    // Over a real disk there is time between the end and the new start.
    const dir = mkdtempSync(join(tmpdir(), 'start-broker-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    broker = await startBroker({ dir });
    const { bootstrap } = broker;
    const port = Number(bootstrap.split(':')[1]);
    let thief: Server | null = null;
    // Whoever is first has the port; once it has to be us.
    for (let tries = 0; tries < 50 && thief === null; tries++) {
      let over = false;
      const restarted = broker.restart().finally(() => {
        over = true;
      });
      restarted.catch(() => {});
      while (!over && thief === null) thief = await listening(port);
      if (thief !== null) setTimeout(() => thief?.close(), 100);
      await restarted;
    }
    expect(thief).not.toBeNull();
    expect(broker.bootstrap).toBe(bootstrap);
  });

  test('says what it saw when a wait is over', async () => {
    broker = await startBroker({ topics: { orders: 1 } });
    await expect(broker.waitFor.records('orders', 1, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'wait_timed_out',
      message: expect.stringMatching(/waited 30 ms for 1 records in 'orders', saw: 0 records/),
    });
  });

  test('a full disk refuses, a freed one goes on', async () => {
    broker = await startBroker({ topics: { orders: 1 } });
    broker.fillDisk();
    const refused = broker.produce('orders', [{ value: 'lost' }], { timeoutMs: 20 });
    await expect(refused).rejects.toMatchObject({ cause: { code: 'KAFKA_STORAGE_ERROR' } });
    await broker.freeDisk();
    await broker.produce('orders', [{ value: 'kept' }]);
    expect((await broker.records('orders')).map((one) => one.value)).toContain('kept');
  });

  test('leaves nothing open', async () => {
    const open = (): number =>
      process.getActiveResourcesInfo().filter((one) => one.startsWith('TCP')).length;
    // Other tests of the process may have left some.
    const before = open();
    broker = await startBroker({ topics: { orders: 1 } });
    expect(open()).toBeGreaterThan(before);
    await broker.close();
    await eventually(() => expect(open()).toBeLessThanOrEqual(before));
  });

  test('refuses options that cannot be', async () => {
    broker = await startBroker();
    for (const wrong of [
      { brokers: 0 },
      { topics: ['a'] },
      { topics: 'a' },
      { clock: 'virtual' },
      { against: 5 },
      { configs: 'a=b' },
    ]) {
      const started = startBroker(wrong as object);
      await expect(started).rejects.toMatchObject({ code: 'invalid_option' });
    }
    await broker.createTopics({ three: 3 });
    await expect(broker.records('three', 9)).rejects.toThrow("'three' has 3 partitions");
    // Moved on by NaN, time would never end.
    for (const amount of [-5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(broker.clock.advance(amount)).rejects.toThrow('is no length of time');
      expect(() => broker.delay('Fetch', amount)).toThrow('is no length of time');
    }
    for (const scope of [{ times: 0 }, { times: 'two' }, { time: 2 }, { when: true }]) {
      expect(() => broker.loseReply('Produce', scope as object)).toThrow(
        expect.objectContaining({ code: 'invalid_option' }),
      );
    }
    await expect(startBroker({ topcs: {} } as object)).rejects.toThrow("no option 'topcs'");
    await expect(startBroker({ topics: { 'a b': 1 } })).rejects.toMatchObject({
      code: 'INVALID_TOPIC_EXCEPTION',
    });
    expect(() => broker.fail('Prodouce' as 'Produce', { error: 'INVALID_REQUEST' })).toThrow(
      "there is no API 'Prodouce'",
    );
    await expect(broker.waitFor.request('JoinGrp' as 'JoinGroup')).rejects.toMatchObject({
      code: 'unknown_api',
    });
    expect(() => broker.fail('Produce', { error: 'NOT_LEADER' as 'INVALID_REQUEST' })).toThrow(
      "Kafka has no error 'NOT_LEADER'",
    );
  });

  test('has the shape of Testcontainers', async () => {
    const container = await new KafkaContainer('confluentinc/cp-kafka:7.5.0')
      .withKraft()
      .withExposedPorts(9093)
      .withEnvironment({ KAFKA_NUM_PARTITIONS: '4', CLUSTER: 'x' })
      .start();
    broker = container.broker;
    expect(container.getBootstrapServers()).toBe(broker.bootstrap);
    expect(`${container.getHost()}:${container.getMappedPort(9093)}`).toBe(broker.bootstrap);
    await broker.produce('made-by-itself', [{ value: 1, partition: 3 }]);
    expect(await broker.records('made-by-itself', 3)).toMatchRecords([{ value: 1 }]);
  });
});

describe('with a client over TCP', () => {
  const { Kafka, logLevel } = require('kafkajs') as typeof KafkaJs;
  const connect = (): KafkaJs.Kafka =>
    new Kafka({
      brokers: broker.bootstrap.split(','),
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 20, retries: 8 },
    });

  test('writes down what it is asked, fails when told to, and loses replies', async () => {
    broker = await startBroker({ topics: { orders: 1 } });
    const producer = connect().producer();
    await producer.connect();
    broker.fail('Produce', { error: 'NOT_LEADER_OR_FOLLOWER', times: 2 });
    await producer.send({ topic: 'orders', messages: [{ value: 'retried' }] });
    expect(broker).toHaveReceived('Produce', 3);
    expect(broker.requests.map(({ api, outcome }) => ({ api, outcome }))).toContainEqual({
      api: 'Produce',
      outcome: { error: 'a fault that the test ordered' },
    });
    broker.loseReply('Produce');
    await producer.send({ topic: 'orders', messages: [{ value: 'twice' }] });
    // Without idempotence a lost reply doubles the record: that is what the fault is for.
    expect(await broker.records('orders')).toMatchRecords([
      { value: 'retried' },
      { value: 'twice' },
      { value: 'twice' },
    ]);
    await producer.disconnect();
  });

  test('a group settles, commits, and loses a member by the clock', async () => {
    broker = await startBroker({ topics: { orders: 2 } });
    await broker.produce('orders', [{ value: 'a', partition: 0 }]);
    const consumer = connect().consumer({
      groupId: 'billing',
      sessionTimeout: 30_000,
      // So rarely that none comes while the clock is put forward.
      heartbeatInterval: 29_000,
    });
    await consumer.connect();
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
    const seen: string[] = [];
    await consumer.run({
      autoCommitInterval: 10,
      eachMessage: async ({ message }) => {
        seen.push(String(message.value));
      },
    });
    await broker.waitFor.assignment('billing', 1);
    await broker.waitFor.committed('billing', 'orders', { 0: 1 });
    await broker.waitFor.committed('billing', 'orders', { 0: 1n });
    const late = broker.waitFor.committed('billing', 'orders', { 0: 2n }, { timeoutMs: 0 });
    await expect(late).rejects.toThrow(`to commit {"0":2} of 'orders', saw: {"0":1}`);
    const wrong = broker.waitFor.committed('billing', 'orders', { 0: '1' as never });
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_option' });
    expect(seen).toEqual(['a']);
    await broker.clock.advance('31s');
    await expect(broker.waitFor.assignment('billing', 1, { timeoutMs: 0 })).rejects.toThrow(
      'Empty with 0 members',
    );
    await consumer.disconnect();
  }, 20_000);

  test("a test's fake timers freeze nothing", async () => {
    broker = await startBroker({ topics: { orders: 1 } });
    vi.useFakeTimers();
    await broker.produce('orders', [{ value: 'a' }]);
    await broker.waitFor.records('orders', 1);
    expect(await broker.records('orders')).toMatchRecords([{ value: 'a' }]);
  });

  test('a node that does not lead tells who does', async () => {
    broker = await startBroker({ topics: { orders: 1 }, brokers: 2 });
    const client = await connectOurs(broker.bootstrap);
    const producer = client.producer({ value: 'string' });
    const consumer = client.consumer({ topics: ['orders'], value: 'string' });
    const records = consumer[Symbol.asyncIterator]();
    const passes = async (value: string): Promise<void> => {
      await producer.send({ topic: 'orders', partition: 0, value });
      expect((await records.next()).value).toMatchObject({ value });
    };
    const asked = (): number => broker.requests.filter(({ api }) => api === 'Metadata').length;
    await passes('to the first');
    const before = asked();
    broker.moveLeader('orders', 0, 2);
    await passes('to the second');
    broker.moveLeader('orders', 0, 1);
    await passes('to the first again');
    for (const api of ['Produce', 'Fetch']) {
      expect(broker.requests.some((one) => one.api === api && isRefused(one))).toBe(true);
    }
    expect(asked()).toBe(before);
    await client.close();
  });

  test('a node that leads no longer refuses a partition among many, too', async () => {
    broker = await startBroker({ topics: { orders: 40 }, brokers: 2 });
    const client = await connectOurs(broker.bootstrap);
    const consumer = client.consumer({ topics: ['orders'], value: 'string' });
    const records = consumer[Symbol.asyncIterator]();
    await broker.produce('orders', [{ partition: 0, value: 'before' }]);
    expect((await records.next()).value).toMatchObject({ value: 'before' });
    // Many were asked for before, and need not be named again in a fetch session.
    const fetches = () => broker.requests.filter((one) => one.api === 'Fetch');
    await eventually(() => expect(fetches().length).toBeGreaterThan(3));
    expect(fetches().some(isRefused)).toBe(false);
    broker.moveLeader('orders', 0, 2);
    await eventually(() => expect(fetches().some(isRefused)).toBe(true));
    await broker.produce('orders', [{ partition: 0, value: 'after' }]);
    expect((await records.next()).value).toMatchObject({ value: 'after' });
    await client.close();
  });

  test('clients follow when a node ends and comes back', async () => {
    broker = await startBroker({ topics: { orders: 2 }, brokers: 2 });
    const client = await connectOurs(broker.bootstrap);
    const producer = client.producer({ value: 'string' });
    const send = (value: string) => producer.send({ topic: 'orders', partition: 1, value });
    await send('both are there');
    broker.stopNode(2);
    await send('one is away');
    broker.startNode(2);
    broker.stopNode(1);
    await send('the other is');
    expect(await broker.records('orders', 1)).toHaveLength(3);
    await client.close();
  });

  test('looks like several brokers, and clients follow a moved leader', async () => {
    broker = await startBroker({ topics: { orders: 3 }, brokers: 3 });
    const kafka = connect();
    const admin = kafka.admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: ['orders'] });
    const leaders = topics[0]!.partitions.map((one) => one.leader).sort();
    expect(new Set(leaders).size).toBe(3);
    const producer = kafka.producer();
    await producer.connect();
    const messages = [0, 1, 2].map((partition) => ({ partition, value: `to ${partition}` }));
    await producer.send({ topic: 'orders', messages });
    broker.moveLeader('orders', 0, leaders[2]!);
    // One partition at a time: kafkajs loses track of a batch whose new leader has answered for another one.
    for (const message of messages) await producer.send({ topic: 'orders', messages: [message] });
    expect(await broker.records('orders')).toHaveLength(6);
    expect(
      broker.requests.some((one) => typeof one.outcome === 'object' && one.api === 'Produce'),
    ).toBe(true);
    broker.stopNode(leaders[1]!);
    for (const message of messages) await producer.send({ topic: 'orders', messages: [message] });
    expect(await broker.records('orders')).toHaveLength(9);
    await producer.disconnect();
    await admin.disconnect();
  }, 20_000);
});
