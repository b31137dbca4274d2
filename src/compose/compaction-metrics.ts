// What compaction has done, as metrics. Kafka's twins: kafka.log:type=LogCleaner and
// type=LogCleanerManager.

import type { Metric } from '../broker/index.ts';
import type { LogStore } from '../storage/index.ts';

/** Nothing where no compaction runs. */
export function compactionMetrics(store: LogStore): Metric[] {
  const stats = store.compaction?.stats;
  if (stats === undefined) return [];
  const metric =
    (type: 'counter' | 'gauge') =>
    (name: string, help: string, value: number): Metric => ({
      name: `tidemark_compaction_${name}`,
      type,
      help,
      samples: [{ value }],
    });
  const counter = metric('counter');
  const gauge = metric('gauge');
  return [
    counter('passes_total', 'Compaction passes that ended.', stats.passes),
    counter('failures_total', 'Compaction passes that failed.', stats.failures),
    counter('read_bytes_total', 'Bytes of batches read by compaction.', stats.bytesRead),
    counter('written_bytes_total', 'Bytes of batches rewritten.', stats.bytesWritten),
    counter('removed_records_total', 'Records removed by compaction.', stats.recordsRemoved),
    counter(
      'unreadable_batches_total',
      'Batches kept because their records do not parse.',
      stats.batchesUnreadable,
    ),
    counter('seconds_total', 'Seconds that passes took.', stats.seconds),
    gauge(
      'bytes_per_second',
      'Bytes read and written a second by the last pass.',
      stats.bytesPerSecond,
    ),
    gauge(
      'max_dirty_percent',
      'Percent of the dirtiest log, of those that were due, that is not compacted yet.',
      stats.maxDirtyPercent,
    ),
    gauge(
      'uncleanable_partitions',
      'Logs that are not compacted because of damage.',
      stats.uncleanable,
    ),
  ];
}
