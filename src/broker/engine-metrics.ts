// What the engine knows of its topics and partitions, as metrics.

import type { Engine } from '../engine/index.ts';
import type { Metric } from './metrics.ts';

/** What is asked of the engine. */
export type MeasuredEngine = Pick<Engine, 'metrics' | 'topics' | 'partition' | 'pendingBytes'>;

export function engineMetrics(engine: MeasuredEngine): Metric[] {
  const metric =
    (type: Metric['type']) =>
    (name: string, help: string, value: number): Metric => ({
      name: `tidemark_${name}`,
      type,
      help,
      samples: [{ value }],
    });
  const gauge = metric('gauge');
  const counter = metric('counter');
  const { appendsRefused, partitionFailures } = engine.metrics;
  const { topics, partitions, offline } = countsOf(engine);
  return [
    gauge('topics', 'Topics.', topics),
    gauge('partitions', 'Partitions.', partitions),
    gauge('offline_partitions', 'Partitions that take no writes since the disk failed.', offline),
    counter(
      'partition_failures_total',
      'Times that a partition was taken out of service.',
      partitionFailures,
    ),
    counter(
      'refused_appends_total',
      'Batches refused, for whatever reason: full disk, bad batch, sequence.',
      appendsRefused,
    ),
    gauge('pending_append_bytes', 'Bytes appended and not yet durable.', engine.pendingBytes()),
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
