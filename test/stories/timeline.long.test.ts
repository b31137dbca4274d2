// A group that goes wrong, and what its timeline says of it: through the built command line and as any client reads it.

import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, expect, test } from 'vitest';
import type { TimelineEntry } from '../../src/coordinator/index.ts';
import { finished, type ServedBroker, scratch, serve, start } from './support.ts';

const directory = scratch();
const brokers: ServedBroker[] = [];

async function broker(...args: string[]): Promise<ServedBroker> {
  const served = await serve([...args, '--set', 'group.min.session.timeout.ms=500']);
  brokers.push(served);
  return served;
}
afterAll(async () => {
  for (const one of brokers) await one.stop();
  directory.remove();
});

async function timeline(of: ServedBroker, group: string): Promise<TimelineEntry[]> {
  const { stdout } = await of.run(['group', 'timeline', group, '--json']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((entry) => entry.group === group);
}

/** The first entry of this kind, once there is one. */
async function entry(of: ServedBroker, group: string, kind: string): Promise<TimelineEntry> {
  for (;;) {
    const found = (await timeline(of, group)).find(({ event }) => event === kind);
    if (found !== undefined) return found;
    await sleep(200);
  }
}

test('a handler that is slower than the session: the cause, the advice, also after a restart', async () => {
  const data = `${directory.path}/slow`;
  const first = await broker('--data', data);
  await first.run(['topic', 'create', 'orders', '-p', '2']);
  await first.run(['produce', 'orders'], { input: 'a\nb\nc\n' });
  const kafka = new Kafka({
    clientId: 'worker-7',
    brokers: [first.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const consumer = kafka.consumer({
    groupId: 'billing',
    sessionTimeout: 1500,
    heartbeatInterval: 300,
    maxWaitTimeInMs: 50,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
  let slow = true;
  await consumer.run({
    eachMessage: async () => {
      if (slow) await sleep(4000);
      slow = false;
    },
  });
  const removed = await entry(first, 'billing', 'member-removed');
  expect(removed).toMatchObject({
    phase: 'session',
    limitMs: 1500,
    member: { clientId: 'worker-7' },
    cause: expect.stringMatching(
      /^worker-7 was not heard of for \d\.\d s; its session timeout is 1\.5 s/,
    ),
    advice: expect.stringContaining('raise session.timeout.ms'),
  });
  const back = await entry(first, 'billing', 'member-back');
  expect(back.awayMs).toBeGreaterThan(3000);
  expect(back.cause).toMatch(/^worker-7 spent \d+\.\d s between polls without a heartbeat/);
  expect(back.advice).toMatch(
    /raise session\.timeout\.ms above \d+ s, .* take fewer records at a time/,
  );
  await consumer.disconnect();

  const text = await first.run(['group', 'timeline', 'billing']);
  expect(text.stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}worker-7 joined/m);
  expect(text.stdout).toMatch(
    /generation 1 with 1 member after \d+ ms; 2 partitions have a new member/,
  );
  expect(text.stdout).toMatch(/worker-7: nothing → orders 0-1/);
  expect(text.stdout).toMatch(/advice: raise session\.timeout\.ms above/);

  await first.stop();
  const second = await broker('--data', data);
  const kept = await timeline(second, 'billing');
  expect(kept.find(({ event }) => event === 'member-back')).toEqual(back);
  const all = await second.run(['group', 'timeline']);
  expect(all.stdout).toMatch(/the broker was stopped[\s\S]*the broker started/);

  brokers.splice(brokers.indexOf(second), 1);
  await second.stop('SIGKILL');
  const third = await broker('--data', data);
  expect(await timeline(third, 'billing')).toEqual(kept);
  // Any client reads it; none may write it.
  const read = await third.run(['consume', '__tidemark_events', '-e', '-q', '-f', '%k %s\\n']);
  expect(read.stdout).toMatch(/^billing \{"schemaVersion":1,"time":"/m);
  const written = await third.run(['produce', '__tidemark_events'], { input: 'x\n' });
  expect(written.code).not.toBe(0);
}, 60_000);

test('--follow shows what happens; without a timeline it says why there is none', async () => {
  const served = await broker('--memory');
  const none = await served.run(['group', 'timeline', 'billing']);
  expect([none.code, none.stdout]).toEqual([3, '']);
  expect(none.stderr).toMatch(/no timeline.*\n.*when the first group is joined/);
  await served.run(['topic', 'create', 'orders']);
  const kafka = new Kafka({
    clientId: 'w',
    brokers: [served.bootstrap],
    logLevel: logLevel.NOTHING,
  });
  const consumer = kafka.consumer({ groupId: 'g' });
  await consumer.connect();
  await consumer.subscribe({ topics: ['orders'] });
  await consumer.run({ eachMessage: async () => {} });
  await entry(served, 'g', 'rebalance');
  const following = start(['group', 'timeline', 'g', '--follow', '--since', '1h'], {
    env: { TIDEMARK_BROKERS: served.bootstrap },
  });
  const seen = finished(following);
  const shown = (words: string) =>
    new Promise<void>((done) => {
      let text = '';
      following.stdout?.on('data', (piece: Buffer) => {
        text += piece;
        if (text.includes(words)) done();
      });
    });
  const past = shown('w joined');
  const left = shown('w left');
  await past;
  await consumer.disconnect();
  await left;
  following.kill('SIGINT');
  expect((await seen).stdout).toContain('nobody is in the group');
  const unknown = await served.run(['group', 'timeline', 'absent']);
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining("no group 'absent'")]);
}, 60_000);
