// The logs that torture writes to: one data directory with many partitions, so that both ways of committing (a sync
// for each file, and the shared journal) are used.

import { silentLogger } from '../../src/base/ports.ts';
import { useAccelerators } from '../../src/host/accelerators.ts';
import { nodeClock } from '../../src/host/node-clock.ts';
import { nodeRandom } from '../../src/host/node-random.ts';
import {
  type Disk,
  type LogConfig,
  type LogStore,
  openLogStore,
  type PartitionLog,
} from '../../src/storage/index.ts';

export const PARTITIONS = 18;
const TOPIC_ID = 'tidemark-torture-logs0';

const config: LogConfig = {
  segmentBytes: 4 * 1024 * 1024,
  segmentMs: 7 * 86_400_000,
  segmentJitterMs: 0,
  indexIntervalBytes: 4096,
  segmentIndexBytes: 1024 * 1024,
  retentionMs: -1,
  retentionBytes: -1,
  cleanupDelete: true,
  cleanupCompact: false,
  fileDeleteDelayMs: 0,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  flushPolicy: 'sync',
};

export interface LogSet {
  readonly store: LogStore;
  readonly logs: readonly PartitionLog[];
}

/** Opens the directory with recovery, as a broker does. Throws what the storage throws. */
export async function openLogs(disk: Disk, root: string): Promise<LogSet> {
  useAccelerators();
  const store = await openLogStore({
    disk,
    root,
    clock: nodeClock,
    random: nodeRandom,
    logger: silentLogger,
  });
  const logs: PartitionLog[] = [];
  try {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      logs.push(await store.openLog({ name: `torture-${partition}`, topicId: TOPIC_ID, config }));
    }
  } catch (error) {
    await store.close();
    throw error;
  }
  return { store, logs };
}
