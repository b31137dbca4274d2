// What compaction has done, as metrics. Kafka's twins: kafka.log:type=LogCleaner and
// type=LogCleanerManager.

import { counter, gauge, type Metric } from '../broker/index.ts';
import type { LogStore } from '../storage/index.ts';

/** Nothing where no compaction runs. */
export function compactionMetrics(store: LogStore): Metric[] {
  const stats = store.compaction?.stats;
  if (stats === undefined) return [];
  return [
    counter('tidemark_compaction_passes_total', 'Compaction passes that ended.', stats.passes),
    counter('tidemark_compaction_failures_total', 'Compaction passes that failed.', stats.failures),
    counter(
      'tidemark_compaction_read_bytes_total',
      'Bytes of batches read by compaction.',
      stats.bytesRead,
    ),
    counter(
      'tidemark_compaction_written_bytes_total',
      'Bytes of batches rewritten.',
      stats.bytesWritten,
    ),
    counter(
      'tidemark_compaction_removed_records_total',
      'Records removed by compaction.',
      stats.recordsRemoved,
    ),
    counter(
      'tidemark_compaction_unreadable_batches_total',
      'Batches kept because their records do not parse.',
      stats.batchesUnreadable,
    ),
    counter('tidemark_compaction_seconds_total', 'Seconds that passes took.', stats.seconds),
    gauge(
      'tidemark_compaction_bytes_per_second',
      'Bytes read and written a second by the last pass.',
      stats.bytesPerSecond,
    ),
    gauge(
      'tidemark_compaction_max_dirty_percent',
      'Percent of the dirtiest log, of those that were due, that is not compacted yet.',
      stats.maxDirtyPercent,
    ),
    gauge(
      'tidemark_compaction_uncleanable_partitions',
      'Logs that are not compacted because of damage.',
      stats.uncleanable,
    ),
  ];
}
