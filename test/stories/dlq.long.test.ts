// A schema changed, and 23,000 records could not be processed any more. They are redriven with a transform, the job is
// killed on the way, and each is processed once.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ServedBroker, scratch, serve, start } from './support.ts';

const COUNT = 23_000;
const directory = scratch();
let broker: ServedBroker;

beforeAll(async () => {
  broker = await serve(['--memory']);
  for (const topic of ['orders', 'orders.dlq'])
    await broker.run(['topic', 'create', topic, '-p', '3']);
  const input = Array.from({ length: COUNT }, (_, n) =>
    JSON.stringify({
      key: `k${n % 50}`,
      value: n % 1000 === 999 ? 'not even JSON' : JSON.stringify({ n, amount: `${n % 100} EUR` }),
      headers: {
        trace: `t${n}`,
        'tidemark.dlq.topic': 'orders',
        'tidemark.dlq.error': 'SchemaError',
        'tidemark.dlq.message': 'amount is not a number',
        'tidemark.dlq.attempts': '3',
      },
    }),
  ).join('\n');
  await broker.run(['produce', 'orders.dlq', '--ndjson'], { input });
  writeFileSync(
    join(directory.path, 'fix.mjs'),
    `export function transform(record) {
       const { n, amount } = JSON.parse(record.value);
       const [euros] = amount.split(' ');
       return { value: { n, cents: Number(euros) * 100 } };
     }`,
  );
});
afterAll(async () => {
  await broker.stop();
  directory.remove();
});

const documents = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

async function written(): Promise<{ n: number; partition: number; headers: object }[]> {
  const { stdout } = await broker.run(['consume', 'orders', '-e', '-q', '--json']);
  return documents(stdout).map((one) => ({ ...one, n: JSON.parse(one.value).n }));
}

async function listed(): Promise<Record<string, unknown>> {
  return documents((await broker.run(['dlq', 'list', '--json'])).stdout)[0][0];
}

const module = join(directory.path, 'fix.mjs');
const isJson = 'exists(value.n)';

test('what waits is listed and shown', async () => {
  expect(await listed()).toMatchObject({
    topic: 'orders.dlq',
    pending: COUNT,
    redriven: 0,
    discarded: 0,
  });
  const { stdout } = await broker.run(['dlq', 'show', 'orders.dlq', '-n', '1', '--json']);
  expect(documents(stdout)[0]).toMatchObject({
    state: 'pending',
    origin: { topic: 'orders' },
    error: 'SchemaError',
    attempts: 3,
    headers: [{ key: 'trace' }],
  });
});

test('a module that throws stops the dry run at the letter', async () => {
  const shown = await broker.run(['dlq', 'redrive', 'orders.dlq', '-m', module]);
  expect([shown.code, shown.stdout]).toEqual([1, '']);
  expect(shown.stderr).toMatch(/fix\.mjs failed at orders\.dlq\/\d offset \d+: .*JSON/);
});

test('redriven with a transform, killed on the way: each once, in order per key', async () => {
  const args = ['dlq', 'redrive', 'orders.dlq', '-m', module, '-f', isJson];
  const plan = documents((await broker.run([...args, '--json'])).stdout)[0];
  expect(plan).toMatchObject({ selected: COUNT - 23, topics: { orders: COUNT - 23 } });
  expect(await written()).toEqual([]);
  const env = { TIDEMARK_BROKERS: broker.bootstrap };
  const first = start([...args, '--id', 'fix', '--rate', '4000', '--execute'], { env });
  await expect.poll(async () => (await written()).length, { timeout: 60_000 }).toBeGreaterThan(500);
  first.kill('SIGKILL');
  await once(first, 'close');
  const refused = await broker.run([...args, '--execute']);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--resume fix')]);
  const rest = await broker.run(['dlq', 'redrive', '--resume', 'fix', '--json']);
  expect(documents(rest.stdout)[0]).toMatchObject({ id: 'fix', state: 'done' });
  const copies = await written();
  const wanted = Array.from({ length: COUNT }, (_, n) => n).filter((n) => n % 1000 !== 999);
  expect(copies.map((one) => one.n).sort((a, b) => a - b)).toEqual(wanted);
  const last = new Map<number, number>();
  for (const { n } of copies) {
    expect(n).toBeGreaterThan(last.get(n % 50) ?? -1);
    last.set(n % 50, n);
  }
  expect(JSON.stringify(copies[0]?.headers)).not.toContain('tidemark.dlq');
  expect(await listed()).toMatchObject({ pending: 23, redriven: COUNT - 23 });
}, 240_000);

test('what is left is discarded, one by one and all', async () => {
  const { stdout } = await broker.run(['dlq', 'show', 'orders.dlq', '-n', '1', '--json']);
  const { partition, offset } = documents(stdout)[0];
  const one = await broker.run([
    'dlq',
    'discard',
    'orders.dlq',
    '-l',
    `${partition}/${offset}`,
    '-y',
  ]);
  expect([one.code, one.stderr]).toEqual([
    0,
    expect.stringContaining('1 letter of orders.dlq discarded'),
  ]);
  const dry = await broker.run(['dlq', 'discard', 'orders.dlq', '--dry-run']);
  expect(dry.stderr).toContain('22 letters of orders.dlq would be discarded');
  await broker.run(['dlq', 'discard', 'orders.dlq', '-y']);
  expect(await listed()).toMatchObject({ pending: 0, discarded: 23 });
  const jobs = documents((await broker.run(['replay', 'list', '--json'])).stdout)[0];
  expect(jobs).toHaveLength(3);
  const nothing = await broker.run(['dlq', 'redrive', 'orders.dlq', '--execute', '--json']);
  expect(documents(nothing.stdout)[0]).toMatchObject({ state: 'done', written: 0 });
});
