// The two ways in which groups are used: a work queue, whose workers come and go and are killed under load, and
// publish/subscribe, where every group sees everything.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServedBroker, serve } from './support.ts';

const script = resolve(import.meta.dirname, '../support/queue-worker.mjs');
let broker: ServedBroker;
let kafka: Kafka;

beforeAll(async () => {
  broker = await serve(['--memory', '--set', 'group.min.session.timeout.ms=500']);
  kafka = new Kafka({ clientId: 'story', brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
});
afterAll(() => broker.stop());

/** A worker process, and what it says that it has done. */
class QueueWorker {
  readonly child: ChildProcess;
  readonly done: string[] = [];
  #rest = '';

  constructor(topic: string, group: string, name: string) {
    const args = [script, broker.bootstrap, topic, group, name, '1'];
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (this.#rest + piece).split('\n');
      this.#rest = lines.pop() ?? '';
      this.done.push(...lines.map((line) => line.split(' ')[2] ?? ''));
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, 'close');
  }
}

async function until(what: string, is: () => boolean): Promise<void> {
  for (let waited = 0; !is(); waited += 20) {
    if (waited > 60_000) throw new Error(`not within a minute: ${what}`);
    await sleep(20);
  }
}

async function publish(topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let from = 0; from < values.length; from += 100) {
    const messages = values.slice(from, from + 100).map((value) => ({ key: value, value }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}

test('a work queue: workers are added and killed under load, share the work, and lose nothing', async () => {
  await broker.run(['topic', 'create', 'jobs', '-p', '6']);
  const jobs = Array.from({ length: 3000 }, (_, n) => `job-${n}`);
  const workers = ['w1', 'w2'].map((name) => new QueueWorker('jobs', 'crew', name));
  const all = () => workers.flatMap(({ done }) => done);
  try {
    const publishing = publish('jobs', jobs);
    await until('the first two share the work', () => workers.every((one) => one.done.length > 50));
    const third = new QueueWorker('jobs', 'crew', 'w3');
    workers.push(third);
    await until('the third has its share', () => third.done.length > 50);
    await workers[0]?.end('SIGKILL');
    const fourth = new QueueWorker('jobs', 'crew', 'w4');
    workers.push(fourth);
    await until(
      'the fourth has its share',
      () => fourth.done.length > 20 || new Set(all()).size === 3000,
    );
    await workers[1]?.end('SIGTERM');
    await publishing;
    await until('all is done', () => new Set(all()).size === jobs.length);
  } finally {
    await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
  }
  expect(new Set(all())).toEqual(new Set(jobs));
  // At least once: only what was under way when partitions moved was done again.
  expect(all().length).toBeLessThan(jobs.length * 2);
  const told = await broker.run(['group', 'timeline', 'crew']);
  expect(told.stdout).toMatch(/w1 was removed[\s\S]*because: w1 was not heard of for/);
  expect(told.stdout).toMatch(/w2 left/);
}, 90_000);

test('publish/subscribe: each group sees everything, whenever it comes', async () => {
  await broker.run(['topic', 'create', 'news', '-p', '3']);
  const news = Array.from({ length: 500 }, (_, n) => `news-${n}`);
  const consumers: Consumer[] = [];
  const subscribe = async (groupId: string): Promise<string[]> => {
    const seen: string[] = [];
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
    consumers.push(consumer);
    await consumer.connect();
    await consumer.subscribe({ topics: ['news'], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => void seen.push(String(message.value)),
    });
    return seen;
  };
  const mail = await subscribe('mail');
  await publish('news', news.slice(0, 250));
  const archive = await subscribe('archive');
  const secondOfMail = await subscribe('mail');
  await publish('news', news.slice(250));
  const ofMail = () => new Set([...mail, ...secondOfMail]);
  await until('both groups have seen all', () => ofMail().size === 500 && archive.length >= 500);
  expect([...ofMail()].sort()).toEqual([...news].sort());
  expect([...archive].sort()).toEqual([...news].sort());
  await Promise.all(consumers.map((consumer) => consumer.disconnect()));
}, 60_000);
