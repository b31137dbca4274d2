// Puts a broker together: disk, engine, broker, listeners. What `serve()` and the command line
// call.

import { type Clock, type Logger, silentLogger } from '../base/ports.ts';
import type { Broker, Endpoint, Metric, RequestInterceptor } from '../broker/index.ts';
import { loadAccelerators } from '../host/accelerators.ts';
import { CompactionPool, workersAvailable } from '../host/compaction-pool.ts';
import { prepareDataDirectory } from '../host/data-directory.ts';
import { dataDirectoryLock } from '../host/data-lock.ts';
import type { LoopDelay } from '../host/event-loop-delay.ts';
import type { MetricsServer } from '../host/metrics-server.ts';
import { nativeIoOrNull } from '../host/native-io.ts';
import { nodeClock } from '../host/node-clock.ts';
import { NodeDisk } from '../host/node-disk.ts';
import { nodeRandom } from '../host/node-random.ts';
import type { RegionSending } from '../host/peer-output.ts';
import { listenTcp, type TcpListener } from '../host/tcp-server.ts';
import { type Disk, InPlaceCompactionRunner, MemoryDisk } from '../storage/index.ts';
import {
  BrokerOptionError,
  formatAddress,
  listenHosts,
  parseAdvertised,
  reachable,
} from './addresses.ts';
import { type AssembledBroker, assembleBroker } from './assemble-broker.ts';
import type { BrokerOptions, RunningBroker } from './broker-options.ts';
import { regionMetrics } from './region-metrics.ts';

const PORT_DEFAULT = 9092;
/** A stop waits this long for requests in flight: container runtimes kill after ten seconds. */
const STOP_GRACE_MS = 5000;

/** Where a test double reaches in; a broker that serves has the host's parts instead. */
export interface BrokerSeams {
  /** What time the broker has. */
  readonly clock?: Clock;
  /** Under `memory: true`: the disk, so that it can outlive one broker. */
  readonly disk?: Disk;
  /** Sees each request before its handler. */
  readonly intercept?: RequestInterceptor;
  /** Further ports to listen on, 0 for any free one: the look of several brokers. */
  readonly morePorts?: readonly number[];
}

/** A broker opened with {@link BrokerSeams}. */
export interface SeamedBroker extends RunningBroker {
  /** The port of `addresses`, then those of `morePorts`, in their order. */
  readonly ports: readonly number[];
}

function checkOptions(options: BrokerOptions): void {
  // From plain JavaScript anything may come, or nothing.
  const given: BrokerOptions | undefined = options;
  if ((given?.dataDir === undefined) === (given?.memory !== true)) {
    throw new BrokerOptionError("give either dataDir: './data' or memory: true");
  }
  const port = options.port ?? PORT_DEFAULT;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new BrokerOptionError(`port ${port} is not between 0 and 65535`);
  }
  advertisedOf(options);
}

function configsOf(options: BrokerOptions): Map<string, string> {
  const configs = new Map<string, string>();
  for (const [name, value] of Object.entries(options.configs ?? {})) {
    configs.set(name, String(value));
  }
  if (options.flush !== undefined) configs.set('tidemark.flush.policy', options.flush);
  return configs;
}

interface Parts {
  readonly assembled: AssembledBroker;
  /** At least one. */
  readonly listeners: readonly TcpListener[];
  readonly metrics: MetricsServer | null;
}

/** Ends everything in the order that loses nothing: no new peers, then requests, then the data. */
async function stop(parts: Parts, logger: Logger): Promise<void> {
  await Promise.all(parts.listeners.map((listener) => listener.close()));
  await parts.metrics?.close();
  await parts.assembled.close(STOP_GRACE_MS);
  logger.info({}, 'the broker has stopped, its data is marked clean');
}

async function serveMetricsOf(
  options: BrokerOptions,
  broker: Broker,
): Promise<MetricsServer | null> {
  if (options.metricsPort === undefined) return null;
  const [{ serveMetrics }, { EventLoopDelay }, { metricsText }] = await Promise.all([
    import('../host/metrics-server.ts'),
    import('../host/event-loop-delay.ts'),
    import('../broker/index.ts'),
  ]);
  const host = listenHosts(options.host)[0] ?? '127.0.0.1';
  const delay = new EventLoopDelay();
  const text = () => broker.metricsText() + metricsText([loopDelayMetric(delay.take())]);
  try {
    const server = await serveMetrics({ host, port: options.metricsPort, text });
    return { address: server.address, close: () => server.close().finally(() => delay.stop()) };
  } catch (error) {
    delay.stop();
    throw error;
  }
}

function loopDelayMetric(delay: LoopDelay): Metric {
  const samples = [
    { labels: { quantile: '0.5' }, value: delay.p50 },
    { labels: { quantile: '0.99' }, value: delay.p99 },
    { labels: { quantile: '1' }, value: delay.max },
  ];
  const help = 'How late the event loop ran since the last scrape.';
  return { name: 'tidemark_event_loop_delay_seconds', type: 'gauge', help, samples };
}

function advertisedOf({ advertise }: BrokerOptions): Endpoint | null {
  return advertise === undefined ? null : parseAdvertised(advertise);
}

/** Over the directory that `dataDir` names, or over memory. */
function assembleOnHost(
  options: BrokerOptions,
  logger: Logger,
  seams: BrokerSeams,
  regions: RegionSending | null,
): Promise<AssembledBroker> {
  const { dataDir } = options;
  const { clock = nodeClock, intercept } = seams;
  const inMemory = (): Disk => seams.disk ?? new MemoryDisk(() => clock.now());
  const disk = dataDir === undefined ? inMemory() : new NodeDisk(dataDir, nativeIoOrNull());
  const ports = { disk, root: dataDir ?? 'memory', clock, random: nodeRandom, logger };
  const compactionRunner =
    dataDir !== undefined && workersAvailable()
      ? new CompactionPool({ root: dataDir })
      : new InPlaceCompactionRunner(disk, clock);
  return assembleBroker(ports, {
    compactionRunner,
    config: configsOf(options),
    memory: dataDir === undefined,
    ...(dataDir !== undefined && {
      store: { lock: dataDirectoryLock(dataDir), regions: regions !== null },
    }),
    ...(regions !== null && { metrics: () => regionMetrics(regions.stats) }),
    advertise: advertisedOf(options),
    acceptReplicationFactor: options.acceptReplicationFactor === true,
    ...(intercept && { intercept }),
  });
}

/** Zero-copy sends, where the machine can do them and nobody has turned them off. */
function regionSending(options: BrokerOptions, seams: BrokerSeams): RegionSending | null {
  const native = nativeIoOrNull();
  const wanted = String(options.configs?.['tidemark.zero.copy'] ?? true) === 'true';
  // Who intercepts requests may drop an answer, and then nobody lets go of the files that it holds.
  if (native === null || !wanted || seams.intercept !== undefined) return null;
  return options.dataDir === undefined
    ? null
    : { native, stats: { sentByKernel: 0, sentByCopy: 0 } };
}

function listenOn(
  options: BrokerOptions,
  port: number,
  broker: Broker,
  regions: RegionSending | null,
): Promise<TcpListener> {
  return listenTcp({
    ...(regions !== null && { regions }),
    hosts: listenHosts(options.host),
    port,
    optionalHosts: true,
    accept: (peer) => broker.accept(peer),
  });
}

/**
 * Opens the data and serves it. Resolves when clients can connect; groups load meanwhile and say
 * so. Throws {@link BrokerOptionError}, ListenError when the port cannot be had, KafkaError
 * `INVALID_CONFIG` for a config, TidemarkError `data_directory_unusable` or `data_directory_foreign`,
 * and what opening the data throws (a second process on the same directory is refused). After a
 * throw nothing is left open.
 */
export function openBroker(options: BrokerOptions): Promise<RunningBroker> {
  return openBrokerWith(options, {});
}

/** {@link openBroker} for test doubles. */
export async function openBrokerWith(
  options: BrokerOptions,
  seams: BrokerSeams,
): Promise<SeamedBroker> {
  checkOptions(options);
  const logger = options.logger ?? silentLogger;
  loadAccelerators();
  if (options.dataDir !== undefined) {
    await prepareDataDirectory(options.dataDir, options.adopt === true);
  }
  const regions = regionSending(options, seams);
  const assembled = await assembleOnHost(options, logger, seams, regions);
  const { broker } = assembled;
  const listeners: TcpListener[] = [];
  try {
    for (const port of [options.port ?? PORT_DEFAULT, ...(seams.morePorts ?? [])]) {
      listeners.push(await listenOn(options, port, broker, regions));
    }
    const first = listeners[0]?.addresses[0];
    if (first !== undefined) broker.setListenEndpoint(reachable(first));
    const metrics = await serveMetricsOf(options, broker);
    return running({ assembled, listeners, metrics }, logger);
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    await assembled.close(0);
    throw error;
  }
}

function running(parts: Parts, logger: Logger): SeamedBroker {
  const { listeners, metrics } = parts;
  const { engine, broker } = parts.assembled;
  broker.start().catch((error: unknown) => logger.error({ error }, 'groups could not be loaded'));
  let stopped: Promise<void> | undefined;
  const addresses = listeners[0]?.addresses ?? [];
  const [first] = addresses;
  const bootstrap = first === undefined ? '' : formatAddress(reachable(first));
  return {
    addresses,
    bootstrap,
    ports: listeners.map((listener) => listener.addresses[0]?.port ?? 0),
    metricsAddress: metrics?.address ?? null,
    clusterId: engine.clusterId,
    nodeId: engine.nodeId,
    engine,
    transport: () => broker.transport(),
    metricsText: () => broker.metricsText(),
    close() {
      stopped ??= stop(parts, logger);
      return stopped;
    },
  };
}
