// What a service does with what it has in hand when the log takes nothing.

import { afterEach, expect, test } from 'vitest';
import { deleteTopics, Producer } from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { startBroker } from '../../../src/testing/index.ts';
import {
  crawlDefaults,
  namesOf,
  prepareCrawl,
  runProcessor,
  stateOf,
} from '../../../tools/crawler/index.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

test('a page is neither dealt with nor dead when its result could not be written', async () => {
  const broker = await startBroker();
  undo.push(() => broker.close());
  const cluster = remoteCluster(broker.bootstrap);
  undo.push(() => cluster.close());
  const { pages, results } = namesOf('c');
  await prepareCrawl(cluster, 'c', 1);
  await deleteTopics(cluster, [results]);
  const url = 'http://a.test/';
  const page = { url, depth: 0, status: 200, contentType: 'text/html', html: '<p>x' };
  const producer = new Producer(cluster, { key: 'string', value: 'json' });
  const value = { ...page, location: null, error: null };
  await producer.send({ topic: pages, key: url, value });
  await producer.close();
  const stop = new AbortController();
  const settings = { name: 'c', hosts: ['a.test'], ...crawlDefaults };
  const service = runProcessor(cluster, settings, { id: 'one', signal: stop.signal });
  const failed = service.then(
    () => false,
    () => true,
  );
  undo.push(() => {
    stop.abort();
    return failed;
  });
  const looked = expect
    .poll(async () => (await stateOf(cluster, 'c')).pagesDone, { timeout: 20_000 })
    .toBe(1)
    .then(
      () => false,
      () => true,
    );
  expect(await Promise.race([failed, looked])).toBe(true);
  expect(await stateOf(cluster, 'c')).toMatchObject({ pages: 1, pagesDone: 0 });
}, 60_000);
