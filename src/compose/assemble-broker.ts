// A broker over given ports: the same parts whether the disk, the clock and the peers are the
// machine's or a simulation's. `openBroker` hands in the host's; whole-broker simulations hand in
// their own.

import { assert } from '../base/errors.ts';
import type { Clock, Logger, Random } from '../base/ports.ts';
import { Broker, counter, type Metric, type RequestInterceptor } from '../broker/index.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import {
  type CompactionRunner,
  type Disk,
  type LogStore,
  type LogStoreOptions,
  openLogStore,
} from '../storage/index.ts';
import { compactionMetrics } from './compaction-metrics.ts';
import { integrityMetrics } from './integrity-metrics.ts';

export interface BrokerPorts {
  readonly disk: Disk;
  /** The data directory as people know it. */
  readonly root: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

type StoreOption =
  | 'lock'
  | 'regions'
  | 'openFilesMax'
  | 'tailBytesMax'
  | 'recordWorker'
  | 'removalStepBytes';

export interface AssembleOptions {
  /** Broker configs by Kafka's names. */
  readonly config: ReadonlyMap<string, string>;
  /** The data does not outlive the process. */
  readonly memory: boolean;
  /** A directory of Apache Kafka's is taken over. */
  readonly adopt?: boolean;
  readonly acceptReplicationFactor: boolean;
  /** Where compaction passes run. Default: nothing is compacted. */
  readonly compactionRunner?: CompactionRunner;
  /** Sees each request before its handler. */
  readonly intercept?: RequestInterceptor;
  /** Metrics of the host's own. */
  readonly metrics?: () => readonly Metric[];
  /** What else the store is opened with. */
  readonly store?: Pick<LogStoreOptions, StoreOption>;
}

/** A broker that takes peers and has not loaded its groups yet. */
export interface AssembledBroker {
  readonly engine: Engine;
  readonly store: LogStore;
  readonly broker: Broker;
  /**
   * Lets requests in flight finish (at most `graceMs`), then marks the data clean. No new peers may
   * come.
   */
  close(graceMs: number): Promise<void>;
}

/** What the commits of all logs have come to. */
function commitMetrics(store: LogStore): Metric[] {
  const { syncs, batches, offsets, bytes } = store.commits;
  return [
    counter('tidemark_syncs_total', 'Syncs of the disk.', syncs),
    counter('tidemark_committed_batches_total', 'Batches that syncs covered.', batches),
    counter('tidemark_committed_offsets_total', 'Offsets that syncs covered.', offsets),
    counter('tidemark_committed_bytes_total', 'Bytes that syncs covered.', bytes),
  ];
}

/**
 * Opens the data and puts a broker on it. Throws what `openEngine` throws; then nothing is left
 * open.
 */
export async function assembleBroker(
  ports: BrokerPorts,
  options: AssembleOptions,
): Promise<AssembledBroker> {
  const { clock, random, logger, root } = ports;
  let store: LogStore | undefined;
  const engine = await openEngine({
    ...ports,
    ...options.store,
    config: options.config,
    memory: options.memory,
    adopt: options.adopt === true,
    ...(options.compactionRunner && { compactionRunner: options.compactionRunner }),
    openStore: async (storeOptions) => {
      store = await openLogStore(storeOptions);
      return store;
    },
  });
  assert(store !== undefined, 'an open engine has opened its store');
  const logs = store;
  const broker = new Broker({
    engine,
    clock,
    random,
    logger,
    acceptReplicationFactor: options.acceptReplicationFactor,
    logDir: root,
    freeBytes: () => logs.freeBytes(),
    ...(options.intercept && { intercept: options.intercept }),
    extraMetrics: () => [
      ...commitMetrics(logs),
      ...compactionMetrics(logs),
      ...integrityMetrics(logs),
      ...(options.metrics?.() ?? []),
    ],
  });
  return {
    engine,
    store,
    broker,
    async close(graceMs) {
      await broker.close(graceMs);
      await engine.close();
    },
  };
}
