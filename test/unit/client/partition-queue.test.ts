import { expect, test } from 'vitest';
import { KafkaError } from '../../../src/base/kafka-errors.ts';
import { settingsOf } from '../../../src/client/producer/options.ts';
import { PartitionQueue } from '../../../src/client/producer/partition-queue.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

const identity = { producerId: 7, producerEpoch: 0 };
const landed = { baseOffset: 0, logAppendTimeMs: -1 };

function queueOf(records: number) {
  const settings = settingsOf({ batchBytes: 100, lingerMs: 0 });
  const queue = new PartitionQueue('t', 0, settings, new VirtualClock());
  for (let index = 0; index < records; index++) {
    const value = Buffer.alloc(200, String(index));
    queue.append({ timestamp: 1, key: null, value }, null, null, null);
  }
  /** Sends what may be sent now; how many batches that is. */
  const sendAll = () => {
    const sent = [];
    for (;;) {
      const batch = queue.next(0);
      if (typeof batch === 'number') return sent;
      queue.send(batch, identity);
      sent.push(batch);
    }
  };
  return { queue, sendAll };
}

test('one batch alone until the broker knows the producer: it takes any first sequence', () => {
  const { queue, sendAll } = queueOf(8);
  const [first, ...none] = sendAll();
  expect(none).toEqual([]);
  // Refused by a partition that takes writes again before the next would have come.
  const error = new KafkaError('KAFKA_STORAGE_ERROR', 'offline');
  expect(queue.answered(first!, { error }, 0, 0)).toBe(false);
  expect(sendAll()).toEqual([]);
  expect(queue.next(10_000)).toBe(first);
  queue.send(first!, identity);
  expect(queue.answered(first!, landed, 0, 0)).toBe(true);
  expect(sendAll()).toHaveLength(5);
});
