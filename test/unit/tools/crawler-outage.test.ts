// A processing service that cannot write what came of the page it has in hand: that is no fault of the page, which is
// neither dealt with nor a dead letter, and is processed later.

import { afterEach, expect, test } from 'vitest';
import {
  ClientError,
  Cluster,
  deleteTopics,
  type Network,
  Producer,
  parseBrokers,
  tcpNetwork,
} from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import { clientClock } from '../../../src/host/node-clock.ts';
import { nodeRandom } from '../../../src/host/node-random.ts';
import { tcpConnector } from '../../../src/host/tcp-connector.ts';
import { Metadata, type Transport } from '../../../src/protocol/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  crawlDefaults,
  namesOf,
  prepareCrawl,
  runProcessor,
  stateOf,
} from '../../../tools/crawler/index.ts';

/** As often a dead letter's record is tried. */
const ATTEMPTS = 3;
const settings = { name: 'c', hosts: ['a.test'], ...crawlDefaults };
const names = namesOf('c');
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

function kept(cluster: Cluster): Cluster {
  undo.push(() => cluster.close());
  return cluster;
}

/** A crawl with one page that is fetched, and waits to be processed. */
async function withPage(): Promise<{ broker: TestBroker; cluster: Cluster }> {
  const broker = await startBroker();
  undo.push(() => broker.close());
  const cluster = kept(remoteCluster(broker.bootstrap));
  await prepareCrawl(cluster, 'c', 1);
  const producer = new Producer(cluster, { key: 'string', value: 'json' });
  const url = 'http://a.test/';
  const answer = { status: 200, contentType: 'text/html', location: null, html: '<p>x' };
  const page = { url, depth: 0, ...answer, error: null };
  await producer.send({ topic: names.pages, key: url, value: page });
  await producer.close();
  return { broker, cluster };
}

interface Service {
  /** Resolves with why it failed; null: it ended as it was told to. */
  readonly ended: Promise<unknown>;
  stop(): Promise<unknown>;
}

function serve(cluster: Cluster): Service {
  const end = new AbortController();
  const service = runProcessor(cluster, settings, { id: 'processor-0', signal: end.signal });
  const ended = service.then(
    () => null,
    (error: unknown) => error,
  );
  const stop = (): Promise<unknown> => {
    end.abort();
    return ended;
  };
  undo.push(stop);
  return { ended, stop };
}

/** The broker over a network where the first questions for metadata find nobody; forks of it find somebody at once. */
function awayAtFirst(broker: TestBroker, times: number): Cluster {
  const shared = { clock: clientClock, random: nodeRandom };
  const options = { clientId: 'crawler', connector: tcpConnector, ...shared };
  const inner = tcpNetwork(parseBrokers(broker.bootstrap), options);
  let left = times;
  const late = (transport: Transport): Transport => ({
    send(api, ...request) {
      if (api.key !== Metadata.key || left === 0) return transport.send(api, ...request);
      left -= 1;
      return Promise.reject(new ClientError('cannot_connect', 'nobody is there'));
    },
    versions: (api) => transport.versions(api),
    close: () => transport.close(),
  });
  const network: Network = {
    copies: inner.copies,
    entries: () => inner.entries().map(late),
    to: (node) => late(inner.to(node)),
    fork: () => inner.fork(),
    close: () => inner.close(),
  };
  return kept(new Cluster({ network, ...shared }));
}

test('brokers that are away for a moment: the page is processed later', async () => {
  const { broker, cluster } = await withPage();
  const unlucky = serve(awayAtFirst(broker, ATTEMPTS));
  let ended: unknown = null;
  void unlucky.ended.then((error) => {
    ended = error;
  });
  await expect.poll(() => ended, { timeout: 10_000 }).toMatchObject({ code: 'cannot_connect' });
  const topics = await cluster.listTopics();
  expect(topics.map((one) => one.name)).not.toContain(`${names.pages}.dlq`);
  const lucky = serve(kept(remoteCluster(broker.bootstrap)));
  const state = () => stateOf(cluster, 'c');
  await expect.poll(state, { timeout: 20_000 }).toMatchObject({ pagesDone: 1 });
  expect(await lucky.stop()).toBe(null);
  expect(await broker.records(names.results)).toHaveLength(1);
}, 60_000);

test('a log that takes no results: the page is neither dealt with nor dead', async () => {
  const { cluster } = await withPage();
  await deleteTopics(cluster, [names.results]);
  const failed = serve(cluster).ended.then((error) => error !== null);
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
