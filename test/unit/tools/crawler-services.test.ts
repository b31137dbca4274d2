// More fetching services ask more hosts at the same time: counted, not timed. The site keeps its answers back until as
// many are waited for as there should be.

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { describeGroup } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker } from '../../../src/testing/index.ts';
import {
  crawlDefaults,
  namesOf,
  prepareCrawl,
  runFetcher,
  seedCrawl,
  stateOf,
} from '../../../tools/crawler/index.ts';

/** Of one fetcher, as the crawler says. */
const HOSTS_AT_ONCE = 16;
const HOSTS = 60;
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

interface SlowSite {
  readonly addresses: readonly string[];
  /** Requests at the same time, at most. */
  readonly most: number;
}

/** Hosts of one page each. Nobody is answered before `together` wait at the same time; from then on everybody is. */
async function slowSite(together: number): Promise<SlowSite> {
  const addresses: string[] = [];
  let most = 0;
  let waiting: ServerResponse[] = [];
  let isOpen = false;
  for (let host = 0; host < HOSTS; host++) {
    const server: Server = createServer((request, response) => {
      if (request.url === '/robots.txt') {
        response.writeHead(404).end();
        return;
      }
      waiting.push(response);
      most = Math.max(most, waiting.length);
      isOpen ||= waiting.length >= together;
      if (!isOpen) return;
      for (const one of waiting) one.writeHead(200, { 'content-type': 'text/html' }).end('<p>x');
      waiting = [];
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    undo.push(() => {
      server.closeAllConnections();
      server.close();
    });
    addresses.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }
  return {
    addresses,
    get most() {
      return most;
    },
  };
}

async function crawl(fetchers: number, together: number): Promise<number> {
  const broker = await startBroker();
  undo.push(() => broker.close());
  const cluster = remoteCluster(broker.bootstrap);
  undo.push(() => cluster.close());
  const site = await slowSite(together);
  const hosts = site.addresses.map((one) => new URL(one).host);
  const settings = { name: 'c', hosts, ...crawlDefaults, delayMs: 0, timeoutMs: 60_000 };
  await prepareCrawl(cluster, 'c', 32);
  const stop = new AbortController();
  const services = Array.from({ length: fetchers }, (_, n) =>
    runFetcher(cluster, settings, { id: `fetcher-${n}`, signal: stop.signal }),
  );
  undo.push(() => {
    stop.abort();
    return Promise.all(services);
  });
  // All have their share before there is work, so that nobody has to give any of it away.
  await expect
    .poll(
      async () => {
        const { members } = await describeGroup(cluster, namesOf('c').fetchers);
        return members.filter((one) => one.assignment.length > 0).length;
      },
      { timeout: 20_000 },
    )
    .toBe(fetchers);
  await seedCrawl(cluster, settings, site.addresses);
  const state = () => stateOf(cluster, 'c');
  const all = { work: HOSTS, workDone: HOSTS, pages: HOSTS };
  await expect.poll(state, { timeout: 30_000 }).toMatchObject(all);
  return site.most;
}

test('one fetcher asks as many hosts as it may', async () => {
  expect(await crawl(1, HOSTS_AT_ONCE)).toBe(HOSTS_AT_ONCE);
}, 60_000);

test('three ask more than one can', async () => {
  expect(await crawl(3, 2 * HOSTS_AT_ONCE)).toBeGreaterThanOrEqual(2 * HOSTS_AT_ONCE);
}, 60_000);
