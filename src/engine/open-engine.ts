// Opens an engine: catalogue, what is on disk, then every partition.

import { KafkaError } from '../base/kafka-errors.ts';
import type { Clock, Logger, Random } from '../base/ports.ts';
import { randomUuid } from '../base/uuid.ts';
import { inPlaceRecordWorker } from '../record/index.ts';
import {
  type CompactionRunner,
  type Disk,
  DiskError,
  type LogStore,
  type LogStoreOptions,
  openLogStore,
} from '../storage/index.ts';
import { adoptedStarts, raiseStarts } from './adopted-starts.ts';
import { accountedFor, findPartitionDirectories, planAdoption, readTopicId } from './adoption.ts';
import { checkStanding, standing } from './broker-config-checks.ts';
import { Catalogue } from './catalogue.ts';
import type { CatalogueRecord } from './catalogue-state.ts';
import { cleanerSettings } from './cleaner-settings.ts';
import { ConfigStore, checkTopicConfigs } from './config-store.ts';
import type { Engine, Topic } from './contract.ts';
import { TidemarkEngine } from './engine.ts';
import { FreeSpace } from './free-space.ts';
import { readKafkaTopicConfigs, type TopicConfigs } from './kafka-remains.ts';
import { newMetrics } from './metrics.ts';
import { PreparedCommits, TRANSACTIONS_TOPIC } from './prepared-commits.ts';
import { TopicRegistry } from './topic-registry.ts';
import { reportUnusable } from './unusable-configs.ts';

const NODE_ID_DEFAULT = 1;

/**
 * The disk, the data directory's name and the ports, as for the store; and what is the engine's
 * own.
 */
export interface OpenEngineOptions extends Omit<LogStoreOptions, 'compaction' | 'scrub'> {
  /** Where compaction passes run; closed with the engine. Default: nothing is compacted. */
  readonly compactionRunner?: CompactionRunner;
  /** Broker configs given at the start, as text. */
  readonly config?: ReadonlyMap<string, string>;
  /** The data does not outlive the process. */
  readonly memory?: boolean;
  /** A directory of Apache Kafka's is taken over. */
  readonly adopt?: boolean;
  /** Opens the logs; default `openLogStore`. */
  readonly openStore?: (options: LogStoreOptions) => Promise<LogStore>;
}

/**
 * Opens everything there is, and makes a data directory that is not there. A partition that cannot
 * be opened is offline, a topic that the catalogue lost is taken back; neither stops the others.
 * Throws KafkaError `INVALID_CONFIG` for a broker config, DiskError when the catalogue cannot be
 * written, and what `openLogStore` throws.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const { logger } = options;
  const configs = new ConfigStore(options.config ?? new Map(), (name) => {
    logger.warn({ config: name }, `an unknown broker config is ignored: ${name}`);
  });
  checkStanding(configs);
  const { compactionRunner: runner } = options;
  const compaction = runner && { runner, settings: () => cleanerSettings(configs) };
  const scrub = () => ({
    bytesPerSecond: configs.brokerNumber('tidemark.scrub.bytes.per.second'),
    intervalMs: configs.brokerNumber('tidemark.scrub.interval.ms'),
  });
  const storeOptions = {
    ...options,
    ...(compaction && { compaction }),
    // Memory does not rot, as far as we could tell.
    ...(options.memory !== true && { scrub }),
  };
  const store = await (options.openStore ?? openLogStore)(storeOptions);
  try {
    return await openOn(store, configs, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openOn(
  store: LogStore,
  configs: ConfigStore,
  options: OpenEngineOptions,
): Promise<Engine> {
  const { clock, disk, logger, random } = options;
  const { catalogue, remove, purged } = await openCatalogue(configs, options);
  configs.setDynamic(standing(configs, catalogue.state.brokerConfigs, logger));
  reportUnusable(configs, catalogue.state, logger);
  const space = new FreeSpace({
    freeBytes: () => store.freeBytes(),
    floorBytes: () => configs.brokerNumber('tidemark.min.free.bytes'),
    clock,
    logger,
  });
  await space.refresh();
  const transactions = () => registry.find(TRANSACTIONS_TOPIC)?.partitions ?? [];
  const context = {
    store,
    clock,
    logger,
    space,
    metrics: newMetrics(),
    recordWorker: options.recordWorker ?? inPlaceRecordWorker,
    preparedCommits: new PreparedCommits(transactions, logger),
  };
  const registry: TopicRegistry = new TopicRegistry(configs, context);
  // Even without any the data directory is synced: they may have been renamed away before.
  const isDeletionOpen = remove.length + purged.length > 0;
  const isGone = isDeletionOpen && (await removeDirectories(disk, remove, logger));
  if (isGone && purged.length > 0) {
    const records = purged.map((id): CatalogueRecord => ({ kind: 'topic-purged', id }));
    // Tombstones that cannot be dropped now are dropped at a later start.
    await catalogue.commit(...records).catch(ignoreRefusal);
  }
  const topics = [...catalogue.state.topics.values()];
  // What became of transactions in all others is read from this one.
  const isFirst = ({ name }: Topic): boolean => name === TRANSACTIONS_TOPIC;
  await registry.open(topics.filter(isFirst));
  await registry.open(topics.filter((topic) => !isFirst(topic)));
  await raiseStarts(catalogue, registry, logger);
  const purge = (id: string, directories: readonly string[]): Promise<boolean> =>
    purgeDirectories(disk, id, directories, logger);
  return new TidemarkEngine({ catalogue, configs, registry, context, random, purge });
}

/** The catalogue, brought in line with the directories on disk, and what of these is to go. */
async function openCatalogue(
  configs: ConfigStore,
  options: OpenEngineOptions,
): Promise<{
  readonly catalogue: Catalogue;
  readonly remove: readonly string[];
  readonly purged: readonly string[];
}> {
  const { clock, disk, logger, random } = options;
  const catalogue = await Catalogue.load(disk, logger, clock);
  const found = await findPartitionDirectories(disk, accountedFor(catalogue.state));
  // Later starts know better than what Kafka once wrote.
  const isKafkas = options.adopt === true && catalogue.origin === 'new';
  const kafkas = isKafkas ? await readKafkaTopicConfigs(disk) : null;
  const usable = kafkas === null ? undefined : usableConfigs(kafkas, logger);
  const plan = planAdoption(found, catalogue.state, clock.now(), usable);
  const records = [...identityRecords(catalogue, configs, random, logger), ...plan.records];
  // Ids may have been given out that nothing here remembers.
  if (options.memory === true || catalogue.origin === 'partial' || plan.adopted.length > 0) {
    records.push({ kind: 'producer-ids', next: freshProducerId(clock, random) });
  }
  if (isKafkas) records.push(...(await adoptedStarts(disk, plan.adopted)));
  await catalogue.start(records);
  reportAdopted(plan.adopted, kafkas !== null, logger);
  for (const stray of plan.strays)
    logger.warn(stray, 'a directory belongs to no topic; left alone');
  return { catalogue, remove: plan.remove, purged: plan.purged };
}

/** Without those that a topic cannot have here. */
function usableConfigs(kafkas: TopicConfigs, logger: Logger): TopicConfigs {
  return new Map(
    Array.from(kafkas, ([topic, configs]) => {
      const usable = [...configs].filter(([config, value]) => {
        try {
          checkTopicConfigs(new Map([[config, value]]));
          return true;
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error;
          logger.warn({ topic, config, value }, 'a config of Kafka has no meaning here; left out');
          return false;
        }
      });
      return [topic, new Map(usable)] as const;
    }),
  );
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

/** `isKafkas`: Kafka's configs are known. Else they are lost, and somebody has to look. */
function reportAdopted(adopted: readonly Topic[], isKafkas: boolean, logger: Logger): void {
  for (const { name, id, partitionCount, configs } of adopted) {
    const fields = { topic: name, id, partitions: partitionCount };
    if (isKafkas) {
      const own = { ...fields, configs: Object.fromEntries(configs) };
      logger.info(own, 'a topic of Kafka was taken over with its configs');
    } else {
      logger.error(
        fields,
        'a topic was missing in the catalogue; it keeps everything until configured',
      );
    }
  }
}

/** Lets refusals of the disk pass: what was to be written is only worth a try. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof KafkaError)) throw error;
}

/** Answers whether all of them are gone for good, together with what was renamed away before. */
async function removeDirectories(
  disk: Disk,
  directories: readonly string[],
  logger: Logger,
): Promise<boolean> {
  try {
    for (const directory of directories) await disk.removeDirectory(directory);
    await disk.syncDirectory('.');
    return true;
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    logger.warn({ directories, err: error }, 'directories of deleted topics are still on disk');
    return false;
  }
}

/**
 * Removes those of the directories that still carry a deleted topic's id. Answers whether none is
 * left; one whose id cannot be read may be one.
 */
async function purgeDirectories(
  disk: Disk,
  topicId: string,
  directories: readonly string[],
  logger: Logger,
): Promise<boolean> {
  const own: string[] = [];
  let unknown = false;
  for (const directory of directories) {
    const found = await readTopicId(disk, directory);
    if (found === topicId) own.push(directory);
    else if (found === null && (await mayExist(disk, directory))) unknown = true;
  }
  return (await removeDirectories(disk, own, logger)) && !unknown;
}

async function mayExist(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)) !== undefined;
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return true;
  }
}
