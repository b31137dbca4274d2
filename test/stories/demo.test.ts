// The demos as somebody starts and ends them: what is told where no terminal is, what is left behind, exit codes.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../src/testing/index.ts';
import { crawlDefaults } from '../../tools/crawler/index.ts';
import { finished, start, tidemark } from './support.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.close());

test.concurrent('the crawler tells what became of the addresses', async () => {
  const { code, stderr } = await tidemark(['demo', 'crawler', '--depth', '1', '--delay', '1']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^crawl \S+ on 127\.0\.0\.1:\d+; Ctrl-C ends it$/m);
  expect(stderr).toMatch(/^\d+ pages from \d+ links in [\d.]+ s$/m);
  expect(stderr).toMatch(/^ {2}\d+ × HTTP 200$/m);
  expect(stderr).toMatch(/^ {2}\d+ × robots\.txt does not allow it$/m);
}, 60_000);

test.concurrent('an address that does not answer is told with its reason', async () => {
  const args = ['demo', 'crawler', 'http://127.0.0.1:9/', '-b', broker.bootstrap, '--delay', '1'];
  const { stderr } = await tidemark(args);
  expect(stderr).toMatch(/^ {2}1 × robots\.txt cannot be read: /m);
}, 60_000);

test.concurrent.each(['fetcher', 'processor'])(
  'a %s that finds no broker ends, so that it is started again',
  async (role) => {
    const settings = JSON.stringify({ name: 'nowhere', hosts: [], ...crawlDefaults });
    const args = ['demo', 'crawler-service', role, `${role}-0`, settings, '-b', '127.0.0.1:9'];
    const { code, stderr } = await tidemark(args);
    expect([code, stderr]).toEqual([4, expect.stringContaining('cannot connect to 127.0.0.1:9')]);
  },
  60_000,
);

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.concurrent('a demo that is killed leaves no process behind', async ({ expect: own }) => {
  const demo = start(['demo', 'crawler', '--json', '--stay']);
  if (demo.stdout === null) throw new Error('no output');
  const lines = createInterface({ input: demo.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  const { services } = JSON.parse(line) as { services: { name: string; pid: number }[] };
  expect(services.map((one) => one.name)).toContain('broker');
  demo.kill('SIGKILL');
  const alive = () => services.filter(({ pid }) => isThere(pid)).map((one) => one.name);
  await own.poll(alive, { timeout: 30_000, interval: 200 }).toEqual([]);
}, 60_000);

test.concurrent.each([
  [['crawler', '--stay'], /^pages \d+ of \d+, lag \d+, \d+\/s$/m],
  [['load'], /^writing to demo\.views, .*; Ctrl-C ends it$/m],
])(
  'demo %j tells what it does where no terminal is, and ends with 130',
  async (args, words) => {
    const demo = start(['demo', ...args, '-b', broker.bootstrap]);
    const ended = finished(demo);
    await new Promise<void>((said) => {
      let text = '';
      demo.stderr?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (words.test(text)) said();
      });
    });
    demo.kill('SIGINT');
    expect((await ended).code).toBe(130);
  },
  60_000,
);
