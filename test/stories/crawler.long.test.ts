// A crawl whose services and whose broker are killed at random ends with the same results as one that nobody disturbs.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { type Site, startSite } from '../../tools/crawler/index.ts';
import { testSeed } from '../support/test-seed.ts';
import { finished, type ServedBroker, scratch, serve, start } from './support.ts';

const SEED = testSeed();
const REPLAY = `TIDEMARK_SEED=${SEED} npx vitest run --config test/vitest.long.config.ts test/stories/crawler.long.test.ts`;
const directory = scratch();
const KILLS = 8;
let broker: ServedBroker;
let site: Site;

beforeAll(async () => {
  site = await startSite({ hosts: 5, pagesPerHost: 40, latencyMs: 10 });
  broker = await serve(['--data', `${directory.path}/data`]);
});
afterAll(async () => {
  await broker.stop();
  await site.close();
  directory.remove();
});

interface Look {
  readonly done?: boolean;
  readonly pages?: number;
  readonly services?: readonly {
    readonly name: string;
    readonly pid: number | null;
    readonly restarts: number;
  }[];
}

async function crawl(name: string, onLook: (look: Look) => void): Promise<Look> {
  const args = ['demo', 'crawler', site.start, '--name', name, '-b', broker.bootstrap, '--json'];
  args.push('--hosts', site.hosts.join(','), '--delay', '15', '--depth', '8');
  const child = start(args);
  let last: Look = {};
  if (child.stdout === null) throw new Error('no output');
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = JSON.parse(line) as Look;
    onLook(last);
  });
  const { code, stderr } = await finished(child);
  // How long it waits for the broker that was killed is the machine's business.
  const words = stderr.replaceAll(/^(still trying|waiting for) .*\n/gm, '');
  expect([code, words]).toEqual([0, '']);
  expect(last.done).toBe(true);
  return last;
}

/** The last record of each address. */
async function resultsOf(name: string): Promise<Map<string, unknown>> {
  const { stdout } = await broker.run(['consume', `${name}.results`, '-e', '-q', '--json']);
  const results = new Map<string, unknown>();
  for (const line of stdout.split('\n').filter((one) => one !== '')) {
    const { key, value } = JSON.parse(line) as { key: string; value: string };
    results.set(key, JSON.parse(value));
  }
  return results;
}

/** False for a process that is gone already: the look was an old one. */
function isKilled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function restartBroker(): Promise<void> {
  const { port } = broker;
  broker.child.kill('SIGKILL');
  await once(broker.child, 'close');
  broker = await serve(['--data', `${directory.path}/data`, '--port', String(port)]);
}

test(`random kills change nothing (${REPLAY})`, async () => {
  await crawl('calm', () => {});
  const wanted = await resultsOf('calm');
  expect(wanted.size).toBeGreaterThan(200);
  const statuses = new Set([...wanted.values()].map((one) => (one as { status: number }).status));
  expect([...statuses].sort()).toEqual([0, 200, 301, 404]);

  const random = new SeededRandom(SEED);
  let kills = 0;
  let restarts = 0;
  let restarting: Promise<void> | null = null;
  await crawl('wild', ({ services = [], pages = 0 }) => {
    restarts = Math.max(
      restarts,
      services.reduce((sum, one) => sum + one.restarts, 0),
    );
    if (pages === 0 || kills >= KILLS || restarting !== null) return;
    if (kills === KILLS / 2) {
      kills += 1;
      restarting = restartBroker().finally(() => {
        restarting = null;
      });
      return;
    }
    const victim = services[Math.floor(random.next() * services.length)];
    if (victim?.pid && isKilled(victim.pid)) kills += 1;
  });
  expect(kills).toBeGreaterThan(2);
  expect(restarts).toBeGreaterThan(0);
  const results = await resultsOf('wild');
  expect([...results.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [url, result] of wanted) expect(results.get(url)).toEqual(result);
}, 240_000);
