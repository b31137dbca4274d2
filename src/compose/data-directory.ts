// Where a broker's data is: a directory of this machine, or memory.

import { assert } from '../base/errors.ts';
import type { Logger } from '../base/ports.ts';
import type { Metric } from '../broker/index.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { nodeClock } from '../host/node-clock.ts';
import { NodeDisk } from '../host/node-disk.ts';
import { nodeRandom } from '../host/node-random.ts';
import { type LogStore, MemoryDisk, openLogStore } from '../storage/index.ts';
import type { BrokerOptions } from './broker-options.ts';

/** The logs of a broker, with where they are. */
export interface Data {
  readonly engine: Engine;
  readonly store: LogStore;
  /** The directory as people know it. */
  readonly logDir: string;
}

/** What the commits of all logs have come to. */
export function commitMetrics(store: LogStore): Metric[] {
  const counter = (name: string, help: string, value: number): Metric => ({
    name,
    type: 'counter',
    help,
    samples: [{ value }],
  });
  const { syncs, batches, offsets, bytes } = store.commits;
  return [
    counter('tidemark_syncs_total', 'Syncs of the disk.', syncs),
    counter('tidemark_committed_batches_total', 'Batches that syncs covered.', batches),
    counter('tidemark_committed_offsets_total', 'Offsets that syncs covered.', offsets),
    counter('tidemark_committed_bytes_total', 'Bytes that syncs covered.', bytes),
  ];
}

/** Opens what `dataDir` or `memory` names. Throws what `openEngine` throws; then nothing is left open. */
export async function openData(
  options: BrokerOptions,
  config: ReadonlyMap<string, string>,
  logger: Logger,
): Promise<Data> {
  const { dataDir } = options;
  const memory = dataDir === undefined;
  const disk = memory ? new MemoryDisk(() => nodeClock.now()) : new NodeDisk(dataDir);
  const logDir = dataDir ?? 'memory';
  let store: LogStore | undefined;
  const engine = await openEngine({
    disk,
    root: logDir,
    clock: nodeClock,
    random: nodeRandom,
    logger,
    config,
    memory,
    openStore: async (storeOptions) => {
      store = await openLogStore(storeOptions);
      return store;
    },
  });
  assert(store !== undefined, 'an open engine has opened its store');
  return { engine, store, logDir };
}
