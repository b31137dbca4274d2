// When a producer gives records up, by the clock.

import { expect, test } from 'vitest';
import type { ProducerBatch } from '../../../src/client/producer/batch.ts';
import { Deadlines } from '../../../src/client/producer/deadlines.ts';
import type { PartitionQueue } from '../../../src/client/producer/partition-queue.ts';
import type { TopicQueue } from '../../../src/client/producer/topic-queue.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

test('a record that is given in place of one that failed does not put the deadlines of others off', async () => {
  const clock = new VirtualClock();
  const began = clock.monotonic();
  const batches: { openedMs: number; settled: boolean }[] = [];
  const open = (): void => {
    batches.push({ openedMs: clock.monotonic(), settled: false });
  };
  const topic = { partitions: [{ batches }], waiting: [], lastError: null };
  const failedAfter: number[] = [];
  const deadlines = new Deadlines(clock, 1_000, {
    topics: new Map([['t', topic as unknown as TopicQueue]]),
    giveUp: (_: PartitionQueue, batch: ProducerBatch) => {
      batch.settled = true;
      failedAfter.push(Math.round(clock.monotonic() - began));
      if (failedAfter.length > 1) return;
      open();
      deadlines.arm();
    },
    passed: () => {},
    idle: () => {},
    onFault: () => {},
  });
  open();
  deadlines.arm();
  await clock.advance(50);
  open();
  await clock.advance(1_500);
  deadlines.stop();
  expect(failedAfter.length).toBe(2);
  // A tick is a tenth of a second.
  expect(failedAfter[1]).toBeLessThanOrEqual(1_150);
});
