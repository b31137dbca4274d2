// A processing service whose brokers are away for a moment: what it cannot write is no fault of the page, which is
// processed later, and is no dead letter.

import { afterEach, expect, test } from 'vitest';
import {
  ClientError,
  Cluster,
  type Network,
  Producer,
  parseBrokers,
  tcpNetwork,
} from '../../../src/client/index.ts';
import { clientClock } from '../../../src/host/node-clock.ts';
import { nodeRandom } from '../../../src/host/node-random.ts';
import { tcpConnector } from '../../../src/host/tcp-connector.ts';
import { Metadata, type Transport } from '../../../src/protocol/index.ts';
import { startBroker } from '../../../src/testing/index.ts';
import {
  crawlDefaults,
  namesOf,
  prepareCrawl,
  runProcessor,
  stateOf,
} from '../../../tools/crawler/index.ts';

/** As often a dead letter's record is tried. */
const ATTEMPTS = 3;
const settings = { name: 'c', hosts: ['h'], ...crawlDefaults };
const names = namesOf('c');
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

function clusterOver(network: Network): Cluster {
  const cluster = new Cluster({ network, clock: clientClock, random: nodeRandom });
  undo.push(() => cluster.close());
  return cluster;
}

/** The same network, where the first questions for metadata find nobody; forks of it find somebody at once. */
function awayAtFirst(network: Network, times: number): Network {
  let left = times;
  const late = (inner: Transport): Transport => ({
    send(api, ...request) {
      if (api.key !== Metadata.key || left === 0) return inner.send(api, ...request);
      left -= 1;
      return Promise.reject(new ClientError('cannot_connect', 'nobody is there'));
    },
    versions: (api) => inner.versions(api),
    close: () => inner.close(),
  });
  const { copies } = network;
  return {
    copies,
    entries: () => network.entries().map(late),
    to: (node) => late(network.to(node)),
    fork: () => network.fork(),
    close: () => network.close(),
  };
}

test('a page whose result cannot be written is processed later', async () => {
  const broker = await startBroker();
  undo.push(() => broker.close());
  const options = {
    clientId: 'crawler',
    connector: tcpConnector,
    clock: clientClock,
    random: nodeRandom,
  };
  const network = (): Network => tcpNetwork(parseBrokers(broker.bootstrap), options);
  const cluster = clusterOver(network());
  await prepareCrawl(cluster, 'c', 1);
  const producer = new Producer(cluster, { key: 'string', value: 'json' });
  const url = 'http://h/';
  const answer = { status: 200, contentType: 'text/html', location: null, html: '<p>x' };
  const page = { url, depth: 0, ...answer, error: null };
  await producer.send({ topic: names.pages, key: url, value: page });
  await producer.close();

  const stop = new AbortController();
  const serve = (over: Cluster): Promise<void> =>
    runProcessor(over, settings, { id: 'processor-0', signal: stop.signal });
  const unlucky = serve(clusterOver(awayAtFirst(network(), ATTEMPTS)));
  let ended: unknown = null;
  unlucky.catch((error: unknown) => {
    ended = error;
  });
  await expect.poll(() => ended, { timeout: 10_000 }).toMatchObject({ code: 'cannot_connect' });
  const topics = await cluster.listTopics();
  expect(topics.map((one) => one.name)).not.toContain(`${names.pages}.dlq`);
  const lucky = serve(clusterOver(network()));
  const state = () => stateOf(cluster, 'c');
  await expect.poll(state, { timeout: 20_000 }).toMatchObject({ pagesDone: 1 });
  stop.abort();
  await lucky;
  expect(await broker.records(names.results)).toHaveLength(1);
}, 60_000);
