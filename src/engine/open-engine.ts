// Opens an engine: catalogue, what is on disk, then every partition.

import type { Clock, Logger, Random } from '../base/ports.ts';
import { randomUuid } from '../base/uuid.ts';
import { type Disk, DiskError, type LogStore } from '../storage/index.ts';
import { findPartitionDirectories, planAdoption, readTopicId } from './adoption.ts';
import { Catalogue } from './catalogue.ts';
import type { CatalogueRecord } from './catalogue-state.ts';
import { ConfigStore } from './config-store.ts';
import type { Engine, Topic } from './contract.ts';
import { TidemarkEngine } from './engine.ts';
import { FreeSpace } from './free-space.ts';
import { newMetrics } from './metrics.ts';
import { TopicRegistry } from './topic-registry.ts';

const NODE_ID_DEFAULT = 1;

export interface OpenEngineOptions {
  readonly disk: Disk;
  /** The data directory. */
  readonly root: string;
  /** The logs of the data directory, opened; the engine closes it. */
  readonly store: LogStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Broker configs given at the start, as text. */
  readonly config?: ReadonlyMap<string, string>;
  /** The data does not outlive the process. */
  readonly memory?: boolean;
}

/**
 * Opens everything there is. A partition that cannot be opened is offline, a topic that the
 * catalogue lost is taken back; neither stops the others. Throws KafkaError `INVALID_CONFIG` for a
 * broker config, and DiskError when the catalogue cannot be written.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const { clock, disk, logger, random, root, store } = options;
  const configs = new ConfigStore(options.config ?? new Map(), (name) => {
    logger.warn({ config: name }, 'an unknown broker config is ignored');
  });
  const catalogue = await Catalogue.load(disk, root, logger);
  const plan = planAdoption(
    await findPartitionDirectories(disk, root),
    catalogue.state,
    clock.now(),
  );
  const anew = options.memory === true || catalogue.origin !== 'whole';
  const doubtful = options.memory === true || plan.adopted.length > 0;
  const records: CatalogueRecord[] = [
    ...identityRecords(catalogue, configs, random, logger),
    ...plan.records,
  ];
  if (anew && (doubtful || catalogue.origin === 'partial')) {
    records.push({ kind: 'producer-ids', next: freshProducerId(clock, random) });
  }
  await catalogue.start(records);
  configs.setDynamic(catalogue.state.brokerConfigs);
  report(plan.adopted, plan.strays, logger);

  const space = new FreeSpace({
    freeBytes: () => store.freeBytes(),
    floorBytes: () => configs.brokerNumber('tidemark.min.free.bytes'),
    clock,
    logger,
  });
  await space.refresh();
  const context = { store, clock, logger, space, metrics: newMetrics() };
  const registry = new TopicRegistry(configs, context);
  await removeDeleted(disk, root, plan.remove, plan.purged, catalogue, logger);
  await registry.open([...catalogue.state.topics.values()]);
  const purge = async (id: string, directories: readonly string[]): Promise<boolean> => {
    try {
      await purgeDirectories(disk, root, id, directories);
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      logger.warn({ directories, err: error }, 'a deleted topic is still on disk');
      return false;
    }
  };
  return new TidemarkEngine({ catalogue, configs, registry, context, random, purge });
}

function identityRecords(
  catalogue: Catalogue,
  configs: ConfigStore,
  random: Random,
  logger: Logger,
): CatalogueRecord[] {
  const { state } = catalogue;
  const wanted = configuredNodeId(configs);
  const nodeId = wanted ?? (state.nodeId >= 0 ? state.nodeId : NODE_ID_DEFAULT);
  if (state.clusterId !== null && state.nodeId === nodeId) return [];
  if (state.nodeId >= 0 && state.nodeId !== nodeId) {
    logger.warn({ before: state.nodeId, now: nodeId }, 'the node id was changed by node.id');
  }
  return [{ kind: 'identity', clusterId: state.clusterId ?? randomUuid(random), nodeId }];
}

function configuredNodeId(configs: ConfigStore): number | null {
  const nodeId = configs.broker('node.id');
  if (typeof nodeId === 'number') return nodeId;
  const brokerId = configs.broker('broker.id');
  return typeof brokerId === 'number' && brokerId >= 0 ? brokerId : null;
}

/**
 * A producer id above all that an engine without memory of them can have given out: a thousand for
 * each millisecond since 1970 leaves room up to the largest safe integer for another two centuries.
 */
function freshProducerId(clock: Clock, random: Random): number {
  return clock.now() * 1000 + Math.floor(random.next() * 1000);
}

function report(
  adopted: readonly Topic[],
  strays: readonly { directory: string; reason: string }[],
  logger: Logger,
): void {
  for (const { name, id, partitionCount } of adopted) {
    const fields = { topic: name, id, partitions: partitionCount };
    logger.error(
      fields,
      'a topic was missing in the catalogue; it keeps everything until configured',
    );
  }
  for (const stray of strays) logger.warn(stray, 'a directory belongs to no topic; left alone');
}

async function removeDeleted(
  disk: Disk,
  root: string,
  directories: readonly string[],
  purged: readonly string[],
  catalogue: Catalogue,
  logger: Logger,
): Promise<void> {
  try {
    for (const directory of directories) await disk.removeDirectory(`${root}/${directory}`);
    if (directories.length > 0) await disk.syncDirectory(root);
    if (purged.length === 0) return;
    await catalogue.commit(...purged.map((id): CatalogueRecord => ({ kind: 'topic-purged', id })));
  } catch (error) {
    logger.warn({ err: error }, 'directories of deleted topics are still on disk');
  }
}

/** Removes directories if they still carry a deleted topic's id. */
async function purgeDirectories(
  disk: Disk,
  root: string,
  topicId: string,
  directories: readonly string[],
): Promise<void> {
  for (const directory of directories) {
    const path = `${root}/${directory}`;
    if ((await readTopicId(disk, path)) === topicId) await disk.removeDirectory(path);
  }
  await disk.syncDirectory(root);
}
