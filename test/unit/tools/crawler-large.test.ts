// Pages as large as fetchers take them go through the log, and one that the log does not take stops no fetcher.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker } from '../../../src/testing/index.ts';
import {
  crawlDefaults,
  namesOf,
  type Page,
  prepareCrawl,
  runFetcher,
  seedCrawl,
  stateOf,
} from '../../../tools/crawler/index.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

/** Two megabytes each: `/words` are as long in JSON, `/zeros` six times as long. */
async function site(): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/robots.txt') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/html' });
    return void response.end((request.url === '/words' ? 'x' : '\0').repeat(2 * 1024 * 1024));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  undo.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('large pages', async () => {
  const broker = await startBroker();
  undo.push(() => broker.close());
  const cluster = remoteCluster(broker.bootstrap);
  undo.push(() => cluster.close());
  const host = await site();
  const settings = { name: 'c', hosts: [host], ...crawlDefaults, delayMs: 0 };
  await prepareCrawl(cluster, 'c', 1);
  await seedCrawl(cluster, settings, [`http://${host}/zeros`, `http://${host}/words`]);
  const stop = new AbortController();
  const service = runFetcher(cluster, settings, { id: 'fetcher-0', signal: stop.signal });
  undo.push(() => service.catch(() => {}));
  undo.push(() => stop.abort());
  const done = expect
    .poll(() => stateOf(cluster, 'c'), { timeout: 20_000 })
    .toMatchObject({ workDone: 2, pages: 2 });
  await Promise.race([done, service]);
  const pages = (await broker.records(namesOf('c').pages)).map((one) => {
    return JSON.parse(String(one.value)) as Page;
  });
  expect(pages.map((one) => one.html?.length ?? one.error)).toEqual([
    'the page is too large for the log',
    2 * 1024 * 1024,
  ]);
}, 60_000);
