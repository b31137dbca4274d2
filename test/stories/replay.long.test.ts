// An hour was processed wrongly: the range is found, replayed with a fix, the job killed on the way, and gone on with.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServedBroker, scratch, serve, start } from './support.ts';

const COUNT = 3000;
const directory = scratch();
let broker: ServedBroker;

beforeAll(async () => {
  broker = await serve(['--memory']);
  await broker.run(['topic', 'create', 'orders', '-p', '2']);
  const input = Array.from({ length: COUNT }, (_, n) =>
    JSON.stringify({ key: `k${n % 10}`, value: JSON.stringify({ n, euros: n % 100 }) }),
  ).join('\n');
  await broker.run(['produce', 'orders', '--ndjson'], { input });
  writeFileSync(
    join(directory.path, 'fix.mjs'),
    `export const filter = (record) => JSON.parse(record.value).euros > 0;
     export function transform(record) {
       const { n, euros } = JSON.parse(record.value);
       return { value: { n, cents: euros * 100 } };
     }`,
  );
});
afterAll(async () => {
  await broker.stop();
  directory.remove();
});

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const documents = (text: string) => lines(text).map((line) => JSON.parse(line));

async function numbersIn(topic: string): Promise<number[]> {
  const { stdout } = await broker.run(['consume', topic, '-e', '-q', '--json']);
  return documents(stdout).map((one) => JSON.parse(one.value).n as number);
}

describe('replay', () => {
  test('shows first what it would do, and writes nothing', async () => {
    await broker.run(['topic', 'create', 'fixed', '-p', '2']);
    const args = ['replay', 'orders', '--filter', 'value.euros > 97', '--to', 'fixed'];
    const shown = await broker.run(args);
    expect(shown.code).toBe(0);
    expect(shown.stderr).toMatch(/3000 offsets in all\nof all 3000 records, 60 would be written/);
    expect(shown.stderr).toContain('nothing was written: add --execute');
    const plan = documents((await broker.run([...args, '--json'])).stdout)[0];
    expect(plan).toMatchObject({ offsets: COUNT, sample: { read: COUNT, selected: 60 } });
    for (const { firstMs, lastMs } of plan.stretches) {
      expect(firstMs).toBeGreaterThan(1_700_000_000_000);
      expect(lastMs).toBeGreaterThanOrEqual(firstMs);
    }
    expect(shown.stderr).toMatch(/records of \d{4}-.*Z to \d{4}-/);
    expect(await numbersIn('fixed')).toEqual([]);
  });

  test('with a fix, killed on the way, goes on and writes each record once', async () => {
    const module = join(directory.path, 'fix.mjs');
    const args = ['replay', 'orders', '-m', module, '--to', 'fixed', '--id', 'fix', '--execute'];
    const env = { TIDEMARK_BROKERS: broker.bootstrap };
    const first = start([...args, '--rate', '800'], { env });
    await expect
      .poll(async () => (await numbersIn('fixed')).length, { timeout: 20_000 })
      .toBeGreaterThan(100);
    first.kill('SIGKILL');
    await once(first, 'close');
    const listed = documents((await broker.run(['replay', 'list', '--json'])).stdout).flat();
    expect(listed).toMatchObject([{ id: 'fix', state: 'running', source: { topics: ['orders'] } }]);
    const wanted = Array.from({ length: COUNT }, (_, n) => n).filter((n) => n % 100 > 0);
    const again = await broker.run(['replay', '--resume', 'fix', '--json']);
    expect(again.code).toBe(0);
    const [done] = documents(again.stdout);
    expect(done).toMatchObject({ id: 'fix', state: 'done' });
    expect((await numbersIn('fixed')).sort((a, b) => a - b)).toEqual(wanted);
    const shown = await broker.run(['replay', 'show', 'fix', '--json']);
    expect(documents(shown.stdout)[0]).toMatchObject({ state: 'done', who: expect.any(String) });
    const twice = await broker.run(args);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('a job')]);
  }, 60_000);

  test('compared with its source, the fix turns out to be wrong, and is done again', async () => {
    const compared = async (id: string) =>
      documents((await broker.run(['replay', 'compare', '--job', id, '--json'])).stdout)[0];
    const counts = { equal: 0, changed: { count: 2970 }, onlyFirst: { count: 30 } };
    const first = await compared('fix');
    expect(first).toMatchObject({ ...counts, onlySecond: { count: 0 } });
    // The fix forgot something: amounts of 50 and more have a fee.
    const [[before, after]] = first.changed.pairs;
    const { euros } = JSON.parse(before.value);
    expect(JSON.parse(after.value)).toEqual({ n: expect.any(Number), cents: euros * 100 });
    const module = join(directory.path, 'better.mjs');
    writeFileSync(
      module,
      `export const filter = (record) => JSON.parse(record.value).euros > 0;
       export function transform(record) {
         const { n, euros } = JSON.parse(record.value);
         return { value: { n, cents: euros * 100 + (euros >= 50 ? 30 : 0) } };
       }`,
    );
    await broker.run(['topic', 'create', 'fixed-2', '-p', '2']);
    const args = ['replay', 'orders', '-m', module, '--to', 'fixed-2', '--id', 'fix-2'];
    expect((await broker.run([...args, '--execute'])).code).toBe(0);
    expect(await compared('fix-2')).toMatchObject({ ...counts, onlySecond: { count: 0 } });
    // The two fixes side by side: only what the second one changes differs.
    const between = await broker.run(['replay', 'compare', 'fixed', 'fixed-2']);
    expect(between.stdout).toMatch(/^2970 pairs: 1470 equal, 1500 changed\n {2}- .*\n {2}\+ /);
    expect(between.stdout).toMatch(/\n0 only in fixed\n0 only in fixed-2\n$/);
    const differ = await broker.run(['replay', 'compare', 'fixed', 'fixed-2', '--equal']);
    expect(differ.code).toBe(1);
    const twice = await broker.run(['replay', 'compare', 'fixed']);
    expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('two topics')]);
  }, 60_000);

  test('a job is paused, goes on and is cancelled from another terminal', async () => {
    const env = { TIDEMARK_BROKERS: broker.bootstrap };
    const file = join(directory.path, 'slow.ndjson');
    const args = ['replay', 'orders', '--to-file', file, '--rate', '20', '--id', 'slow'];
    const child = start([...args, '--execute'], { env });
    const ended = once(child, 'close');
    const state = async (): Promise<string> => {
      const { stdout } = await broker.run(['replay', 'show', 'slow', '--json']);
      return stdout === '' ? 'none' : String(documents(stdout)[0].state);
    };
    await expect.poll(state, { timeout: 20_000 }).toBe('running');
    expect((await broker.run(['replay', 'pause', 'slow'])).code).toBe(0);
    await expect.poll(state, { timeout: 20_000 }).toBe('paused');
    await broker.run(['replay', 'resume', 'slow']);
    await expect.poll(state, { timeout: 20_000 }).toBe('running');
    await broker.run(['replay', 'cancel', 'slow']);
    await expect.poll(state, { timeout: 20_000 }).toBe('cancelled');
    expect(await ended).toEqual([130, null]);
    const refused = await broker.run(['replay', 'pause', 'slow']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--resume slow')]);
    const there = await broker.run(['replay', 'orders', '--to-file', file]);
    expect([there.code, there.stderr]).toEqual([1, expect.stringContaining('exists already')]);
  }, 60_000);

  test('to an endpoint: in order per partition, again after a failure, each with its key', async () => {
    const seen: { readonly key: string; readonly body: Record<string, unknown> }[] = [];
    let refusals = 2;
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        refusals -= 1;
        response.statusCode = refusals >= 0 ? 503 : 204;
        if (refusals < 0) {
          const body = JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>;
          seen.push({ key: String(request.headers['idempotency-key']), body });
        }
        response.end();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const args = ['replay', 'orders', '-f', 'value.n < 40', '--id', 'post', '--execute'];
    const ended = await broker.run([...args, '--to-url', `http://127.0.0.1:${port}/orders`]);
    server.close();
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('done: 40 of')]);
    expect(seen).toHaveLength(40);
    expect(new Set(seen.map((one) => one.key)).size).toBe(40);
    for (const partition of [0, 1]) {
      const offsets = seen.filter((one) => one.body['partition'] === partition);
      const numbers = offsets.map((one) => Number(one.body['offset']));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  });

  test('a dry run into the same topic tells of the copies that it leaves out', async () => {
    await broker.run(['topic', 'create', 'again']);
    await broker.run(['produce', 'again', 'a', 'b']);
    await broker.run(['replay', 'again', '--to', 'again', '--execute']);
    const dry = await broker.run(['replay', 'again', '--to', 'again']);
    expect(dry.stderr).toMatch(/2 of them are copies[\s\S]*of all 4 records, 2 would be written/);
  });

  test.each([
    [['orders', '--to', 'fixed', '-f', 'value.n >'], 2, /does not parse[\s\S]*column 10/],
    [['orders', '--to', 'absent'], 3, /there is no topic 'absent'/],
    [['absent', '--to', 'fixed'], 3, /there is no topic 'absent'/],
    [['orders'], 2, /give one of --to/],
    [['orders', '-p', '7', '--to', 'fixed'], 2, /has no partition 7/],
    [['--resume', 'nobody'], 3, /there is no job 'nobody'/],
    [
      ['orders', '--to', 'fixed', '-m', '/nowhere.mjs'],
      3,
      /the module \/nowhere\.mjs cannot be read/,
    ],
    [
      ['orders', '--to', 'fixed', '-o', '90000..', '--execute'],
      2,
      /begins after the last record in orders\/0/,
    ],
    [['orders', '--to', 'fixed', '--rate', '0'], 2, /a number above 0/],
    [['orders', '--to-url', 'ftp://x', '--execute'], 2, /is not an http/],
  ])('replay %j ends with %i', async (args, code, words) => {
    const ended = await broker.run(['replay', ...args]);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toMatch(words);
  });
});
