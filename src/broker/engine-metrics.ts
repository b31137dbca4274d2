// What the engine knows of its topics and partitions, as metrics.

import type { Engine } from '../engine/index.ts';
import { counter, gauge, type Metric } from './metrics.ts';

/** What is asked of the engine. */
export type MeasuredEngine = Pick<Engine, 'metrics' | 'topics' | 'partition' | 'pendingBytes'>;

export function engineMetrics(engine: MeasuredEngine): Metric[] {
  const { appendsRefused, partitionFailures } = engine.metrics;
  const { topics, partitions, offline } = countsOf(engine);
  return [
    gauge('tidemark_topics', 'Topics.', topics),
    gauge('tidemark_partitions', 'Partitions.', partitions),
    gauge(
      'tidemark_offline_partitions',
      'Partitions that take no writes since the disk failed.',
      offline,
    ),
    counter(
      'tidemark_partition_failures_total',
      'Times that a partition was taken out of service.',
      partitionFailures,
    ),
    counter(
      'tidemark_refused_appends_total',
      'Batches refused, for whatever reason: full disk, bad batch, sequence.',
      appendsRefused,
    ),
    gauge(
      'tidemark_pending_append_bytes',
      'Bytes appended and not yet durable.',
      engine.pendingBytes(),
    ),
  ];
}

function countsOf(engine: MeasuredEngine): { topics: number; partitions: number; offline: number } {
  const topics = engine.topics();
  let partitions = 0;
  let offline = 0;
  for (const { name, partitionCount } of topics) {
    partitions += partitionCount;
    for (let index = 0; index < partitionCount; index += 1) {
      if (engine.partition(name, index)?.online === false) offline += 1;
    }
  }
  return { topics: topics.length, partitions, offline };
}
