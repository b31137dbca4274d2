// tidemark demo crawler: fetching and processing services, each a process of its own, with nothing but a log between
// them, and what they do in the terminal.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import {
  type CrawlSettings,
  type CrawlState,
  crawlDefaults,
  hostOf,
  isFinished,
  namesOf,
  normalAddress,
  outcomesOf,
  prepareCrawl,
  runFetcher,
  runProcessor,
  seedCrawl,
  startSite,
  stateOf,
} from '../../../tools/crawler/index.ts';
import { pause } from '../../base/pause.ts';
import type { Cluster } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import { ExitCode, usageError } from '../exit-codes.ts';
import { processIo } from '../io.ts';
import { wholeNumber } from '../numbers.ts';
import { type BrokerOptions, brokerCommand } from '../program.ts';
import { withCluster } from '../session.ts';
import { stopSignal, WITH_PARENT, whenParentGone } from '../stop-signal.ts';
import { CrawlerView } from './crawler-view.ts';
import { KeptProcess } from './services.ts';

interface CrawlerFlags extends BrokerOptions {
  readonly fetchers: string;
  readonly processors: string;
  readonly depth: string;
  readonly pages: string;
  readonly delay?: string;
  readonly hosts?: string;
  readonly name?: string;
  readonly stay?: boolean;
}

const details = `
Without an address it serves a site of 6 hosts on the loopback, and without --brokers it runs a broker of its own, whose
data goes away at the end. Kill what you like, the broker too: nothing is lost, and what died is started again.
Fetchers write pages to NAME.pages; processors read them, give links back to NAME.work, and keep results in the
compacted topic NAME.results. robots.txt is followed, hosts are asked one page at a time.`;

/** `demo crawler`. */
export function crawlerCommand(): Command {
  return brokerCommand('crawler', 'crawl a site with services that share nothing but a log', [
    'tidemark demo crawler',
    'tidemark demo crawler --fetchers 4 --processors 2',
    'tidemark demo crawler https://example.org --depth 2 --pages 50',
  ])
    .argument('[address]', 'where to begin (default: a site that this command serves)')
    .option('--fetchers <count>', 'processes that fetch', '2')
    .option('--processors <count>', 'processes that process', '2')
    .option('--depth <links>', 'how far from the first page', String(crawlDefaults.depthMax))
    .option('--pages <count>', 'of one host', String(crawlDefaults.pagesPerHost))
    .option('--delay <ms>', 'between two pages of a host (default: 1000; 20 for our own site)')
    .option('--hosts <list>', 'further hosts that are followed, name:port with commas')
    .option('--name <text>', 'of the crawl; an old name goes on where it was (default: a new one)')
    .option('--stay', 'keep running when nothing is left')
    .addHelpText('after', details)
    .action((address: string | undefined, flags: CrawlerFlags) => run(address, flags));
}

/** One service, as the demo starts it. */
export function serviceCommand(): Command {
  return brokerCommand('crawler-service', 'one fetcher or processor of a crawl', [])
    .argument('<role>', 'fetcher or processor')
    .argument('<id>', 'its name in the group')
    .argument('<settings>', 'JSON')
    .addOption(new Option(WITH_PARENT).hideHelp())
    .action((role: string, id: string, settings: string, flags: BrokerOptions) =>
      serve(role, id, settings, flags),
    );
}

async function serve(
  role: string,
  id: string,
  settings: string,
  flags: BrokerOptions,
): Promise<void> {
  const stop = stopSignal();
  whenParentGone(() => stop.abort());
  const service = role === 'fetcher' ? runFetcher : runProcessor;
  await withCluster(flags, ({ cluster }) =>
    service(cluster, JSON.parse(settings) as CrawlSettings, { id, signal: stop.signal }),
  );
}

type Undo = () => Promise<unknown> | unknown;

async function run(given: string | undefined, flags: CrawlerFlags): Promise<void> {
  const undo: Undo[] = [];
  const stop = stopSignal();
  // A terminal that is closed leaves nothing behind either.
  process.once('SIGHUP', () => stop.abort());
  try {
    const { address, hosts } = await whereTo(given, undo);
    const own = flags.brokers === undefined ? await ownBroker(undo) : null;
    const brokers = flags.brokers ?? own?.bootstrap ?? '';
    const settings: CrawlSettings = {
      name: flags.name ?? `crawl-${Date.now().toString(36)}`,
      hosts: [...hosts, ...(flags.hosts?.split(',') ?? [])],
      depthMax: wholeNumber('--depth', flags.depth, { from: 0 }),
      pagesPerHost: wholeNumber('--pages', flags.pages, { from: 1 }),
      delayMs: wholeNumber('--delay', flags.delay ?? (given === undefined ? '20' : '1000'), {
        from: 0,
      }),
      userAgent: crawlDefaults.userAgent,
      timeoutMs: crawlDefaults.timeoutMs,
    };
    const fetchers = wholeNumber('--fetchers', flags.fetchers, { from: 1 });
    const processors = wholeNumber('--processors', flags.processors, { from: 1 });
    await withCluster({ ...flags, brokers }, async ({ cluster }) => {
      await prepareCrawl(cluster, settings.name, Math.max(8, fetchers, processors));
      await seedCrawl(cluster, settings, [address]);
      const services = startServices(settings, { fetchers, processors, brokers, flags });
      undo.push(() => Promise.all(services.map((one) => one.stop())));
      const all = own === null ? services : [own.process, ...services];
      await watch(cluster, settings, { services: all, flags, brokers, signal: stop.signal });
    });
  } finally {
    stop.off();
    for (const one of undo.reverse()) await one();
  }
}

async function whereTo(given: string | undefined, undo: Undo[]) {
  if (given !== undefined) {
    const address = normalAddress(given);
    if (address === null) throw usageError(`'${given}' is no http:// or https:// address`);
    return { address, hosts: [hostOf(address)] };
  }
  const site = await startSite({ hosts: 6, pagesPerHost: 60, latencyMs: 15 });
  undo.push(() => site.close());
  return { address: site.start, hosts: site.hosts };
}

/** A broker in a process of its own, on a port that it keeps over its deaths. */
async function ownBroker(undo: Undo[]): Promise<{ bootstrap: string; process: KeptProcess }> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-demo-'));
  undo.push(() => rmSync(directory, { recursive: true, force: true }));
  const { createServer } = await import('node:net');
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const free = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(free));
    });
  });
  const args = ['serve', '--json', '--port', String(port), '--data', join(directory, 'data')];
  let isUp = (): void => {};
  const up = new Promise<void>((resolve) => {
    isUp = resolve;
  });
  const broker = new KeptProcess('broker', args, () => isUp());
  undo.push(() => broker.stop());
  await up;
  return { bootstrap: `127.0.0.1:${port}`, process: broker };
}

/** How the services reach the cluster, as it was typed for all of them. */
function clusterArgs(flags: BrokerOptions): string[] {
  const { property = [], tls, tlsCa, tlsClientCert, tlsClientKey } = flags;
  const files = {
    '--tls-ca': tlsCa,
    '--tls-client-cert': tlsClientCert,
    '--tls-client-key': tlsClientKey,
  };
  return [
    ...property.flatMap((one) => ['-X', one]),
    ...(tls === true ? ['--tls'] : []),
    ...Object.entries(files).flatMap(([option, path]) =>
      path === undefined ? [] : [option, path],
    ),
  ];
}

function startServices(
  settings: CrawlSettings,
  how: {
    readonly fetchers: number;
    readonly processors: number;
    readonly brokers: string;
    readonly flags: BrokerOptions;
  },
): KeptProcess[] {
  const service = (role: string, index: number): KeptProcess => {
    const id = `${settings.name}-${role}-${index}`;
    const args = ['demo', 'crawler-service', role, id, JSON.stringify(settings)];
    return new KeptProcess(`${role} ${index}`, [
      ...args,
      '-b',
      how.brokers,
      ...clusterArgs(how.flags),
    ]);
  };
  return [
    ...Array.from({ length: how.fetchers }, (_, index) => service('fetcher', index)),
    ...Array.from({ length: how.processors }, (_, index) => service('processor', index)),
  ];
}

interface Watched {
  readonly services: readonly KeptProcess[];
  readonly flags: CrawlerFlags;
  readonly brokers: string;
  readonly signal: AbortSignal;
}

const LOOK_MS = 500;

async function watch(
  cluster: Cluster,
  settings: CrawlSettings,
  { services, flags, brokers, signal }: Watched,
): Promise<void> {
  const io = processIo();
  const json = flags.json === true;
  const view = new CrawlerView(io, settings.name, { json, brokers });
  let last: CrawlState | null = null;
  let done = false;
  while (!signal.aborted && !done) {
    await pause(nodeClock, LOOK_MS, signal);
    const state = await stateOf(cluster, settings.name).catch(() => null);
    await view.show(state, services);
    if (state === null) continue;
    done = flags.stay !== true && isFinished(last, state);
    last = state;
  }
  if (!done) process.exitCode = ExitCode.interrupted;
  // A broker that is gone, or slow to answer, is no reason to wait when somebody wants to leave.
  const few = AbortSignal.timeout(done ? 30_000 : 2_000);
  const outcomes = await outcomesOf(cluster, settings.name, few).catch(() => new Map());
  await view.end(last, { done, outcomes });
  if (json) return;
  const { results } = namesOf(settings.name);
  if (flags.brokers === undefined) {
    io.say('the results go away with the broker of this demo: --brokers host:port keeps them');
    return;
  }
  io.say(`the results: tidemark consume ${results} -e --json -b ${brokers}`);
  if (!done) io.say(`go on with the same command and --name ${settings.name}`);
}
