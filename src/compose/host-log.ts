// The data of one log opened by the host, with a broker on it that nobody reaches yet: what `open()` and `serve()`
// share.

import { resolve } from 'node:path';
import { brokerConfigs } from '../base/configs/broker-configs.ts';
import { guardedLogger } from '../base/guarded-logger.ts';
import { type Clock, type Logger, type Random, silentLogger } from '../base/ports.ts';
import type { RequestInterceptor } from '../broker/index.ts';
import { useAccelerators } from '../host/accelerators.ts';
import { CompactionPool } from '../host/compaction-pool.ts';
import { prepareDataDirectory } from '../host/data-directory.ts';
import { dataDirectoryLock } from '../host/data-lock.ts';
import { nativeIoOrNull, nativeIoWhenNeeded } from '../host/native-io.ts';
import { nodeClock } from '../host/node-clock.ts';
import { NodeDisk } from '../host/node-disk.ts';
import { nodeRandom } from '../host/node-random.ts';
import { openFilesAllowed } from '../host/open-files.ts';
import type { RegionSending } from '../host/peer-output.ts';
import { RecordPool } from '../host/record-pool.ts';
import { workersAvailable } from '../host/worker-pool.ts';
import { type Disk, InPlaceCompactionRunner, MemoryDisk } from '../storage/index.ts';
import { type AssembledBroker, assembleBroker } from './assemble-broker.ts';
import type { ListenOptions, PlacedLogOptions } from './broker-options.ts';
import { regionMetrics } from './region-metrics.ts';

/** Where a test double reaches in; a broker that serves has the host's parts instead. */
export interface LogSeams {
  /** What time the broker has. */
  readonly clock?: Clock;
  /** What its ids are drawn from. */
  readonly random?: Random;
  /** Under `memory: true`: the disk, so that it can outlive one broker. */
  readonly disk?: Disk;
  /** Sees each request before its handler. */
  readonly intercept?: RequestInterceptor;
}

/** A stop waits this long for requests in flight: container runtimes kill after ten seconds. */
const STOP_GRACE_MS = 5000;

export interface HostedLog {
  readonly assembled: AssembledBroker;
  readonly regions: RegionSending | null;
  readonly logger: Logger;
  /** What is listened on now. */
  readonly listeners: Set<ListenOptions>;
}

/** Opens the data. Groups load only with {@link startGroups}. After a throw nothing is left open. */
export async function hostLog(options: PlacedLogOptions, seams: LogSeams): Promise<HostedLog> {
  const logger = guardedLogger(options.logger ?? silentLogger);
  useAccelerators();
  if (options.dataDir !== undefined) {
    await prepareDataDirectory(options.dataDir, options.adopt === true);
  }
  const regions = regionSending(options);
  const assembled = await assembleOnHost(options, logger, seams, regions);
  return { assembled, regions, logger, listeners: new Set() };
}

/** Loads the groups; until then they say that they are loading. */
export function startGroups({ assembled, logger }: HostedLog): void {
  assembled.broker
    .start()
    .catch((error: unknown) => logger.error({ error }, 'groups could not be loaded'));
}

/** Ends requests, then closes the data. No new peers may come. */
export async function stopHosted({ assembled, logger }: HostedLog): Promise<void> {
  await assembled.close(STOP_GRACE_MS);
  logger.info({}, 'the broker has stopped, its data is marked clean');
}

/** Throws KafkaError `INVALID_CONFIG` for a name that there is not: most often it is misspelt. */
function configsOf(options: PlacedLogOptions): Map<string, string> {
  const configs = new Map<string, string>();
  for (const [name, value] of Object.entries(options.configs ?? {})) {
    configs.set(brokerConfigs.get(name).name, String(value));
  }
  if (options.dataDir !== undefined) configs.set('log.dirs', resolve(options.dataDir));
  if (options.flush !== undefined) configs.set('tidemark.flush.policy', options.flush);
  return configs;
}

/** Over the directory that `dataDir` names, or over memory. */
function assembleOnHost(
  options: PlacedLogOptions,
  logger: Logger,
  seams: LogSeams,
  regions: RegionSending | null,
): Promise<AssembledBroker> {
  const { dataDir } = options;
  const { clock = nodeClock, random = nodeRandom, intercept } = seams;
  const inMemory = (): Disk => seams.disk ?? new MemoryDisk(() => clock.now());
  const disk = dataDir === undefined ? inMemory() : new NodeDisk(dataDir, nativeIoWhenNeeded);
  const ports = { disk, root: dataDir ?? 'memory', clock, random, logger };
  const compactionRunner =
    dataDir !== undefined && workersAvailable()
      ? new CompactionPool({ root: dataDir })
      : new InPlaceCompactionRunner(disk, clock);
  return assembleBroker(ports, {
    compactionRunner,
    config: configsOf(options),
    memory: dataDir === undefined,
    adopt: options.adopt === true,
    store: {
      ...(workersAvailable() && { recordWorker: new RecordPool() }),
      ...(dataDir !== undefined && {
        lock: dataDirectoryLock(dataDir, { logger }),
        regions: () => regions !== null && nativeIoOrNull() !== null,
        openFilesMax: openFilesAllowed(),
      }),
    },
    ...(regions !== null && { metrics: () => regionMetrics(regions.stats) }),
    acceptReplicationFactor: options.acceptReplicationFactor === true,
    ...(intercept && { intercept }),
  });
}

/** Zero-copy sends, where the machine can do them and nobody has turned them off. */
function regionSending(options: PlacedLogOptions): RegionSending | null {
  const wanted = String(options.configs?.['tidemark.zero.copy'] ?? true) === 'true';
  if (!wanted || options.dataDir === undefined) return null;
  return { native: nativeIoWhenNeeded, stats: { sentByKernel: 0, sentByCopy: 0 } };
}
