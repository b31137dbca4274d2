// What Prometheus is told of partitions: the alert that matters most is made of it.

import { expect, test } from 'vitest';
import { engineMetrics, type MeasuredEngine } from '../../../src/broker/engine-metrics.ts';
import { newMetrics } from '../../../src/engine/metrics.ts';

test('a partition whose disk failed is counted, those that take writes are not', () => {
  const engine = {
    metrics: { ...newMetrics(), partitionFailures: 3, appendsRefused: 7 },
    topics: () => [
      { name: 'orders', partitionCount: 3 },
      { name: 'payments', partitionCount: 1 },
    ],
    partition: (name: string, index: number) => ({ online: name !== 'orders' || index !== 1 }),
    pendingBytes: () => 12,
  } as unknown as MeasuredEngine;
  const told = engineMetrics(engine).map(({ name, samples }) => [name, samples[0]?.value]);
  expect(Object.fromEntries(told)).toEqual({
    tidemark_topics: 2,
    tidemark_partitions: 4,
    tidemark_offline_partitions: 1,
    tidemark_partition_failures_total: 3,
    tidemark_refused_appends_total: 7,
    tidemark_pending_append_bytes: 12,
  });
});
