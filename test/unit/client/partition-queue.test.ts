import { expect, test } from 'vitest';
import { KafkaError } from '../../../src/base/kafka-errors.ts';
import { BatchMemory } from '../../../src/client/producer/batch-memory.ts';
import { settingsOf } from '../../../src/client/producer/options.ts';
import { PartitionQueue, type QueuePorts } from '../../../src/client/producer/partition-queue.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

const identity = { producerId: 7, producerEpoch: 0 };
const landed = { baseOffset: 0, logAppendTimeMs: -1 };

function ports(memory: BatchMemory | null): QueuePorts {
  const onFault = (error: unknown): never => {
    throw error;
  };
  return { clock: new VirtualClock(), memory, onFault };
}

function queueOf(records: number) {
  const settings = settingsOf({ batchBytes: 100, lingerMs: 0 });
  const queue = new PartitionQueue('t', 0, settings, ports(null));
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

test.each(['UNKNOWN_TOPIC_ID', 'UNKNOWN_TOPIC_OR_PARTITION'] as const)(
  'after %s one goes alone again: the topic may be made anew, and its log knows nobody',
  (code) => {
    const { queue, sendAll } = queueOf(4);
    const [opening] = sendAll();
    queue.answered(opening!, landed, 0, 0);
    const sent = sendAll();
    expect(sent).toHaveLength(3);
    for (const batch of sent) {
      queue.answered(batch, { error: new KafkaError(code, 'it was deleted') }, 0, 0);
    }
    const again = queue.next(10_000);
    expect(again).toBe(sent[0]);
    queue.send(sent[0]!, identity);
    expect(sendAll()).toEqual([]);
    queue.answered(sent[0]!, landed, 0, 0);
    expect(sendAll()).toEqual(sent.slice(1));
  },
);

test.each(['NOT_LEADER_OR_FOLLOWER', 'UNKNOWN_TOPIC_OR_PARTITION'] as const)(
  'after %s a batch may be in the log: it keeps its number when the one before it is refused',
  (code) => {
    const { queue, sendAll } = queueOf(3);
    const [opening] = sendAll();
    queue.answered(opening!, landed, 0, 0);
    const sent = sendAll();
    expect(sent).toHaveLength(2);
    const [first, second] = sent;
    // A leader that waited for its replicas, and then led no more.
    for (const batch of sent) queue.answered(batch, { error: new KafkaError(code, 'moved') }, 0, 0);
    expect(queue.next(10_000)).toBe(first);
    queue.send(first!, identity);
    const error = new KafkaError('TOPIC_AUTHORIZATION_FAILED', 'not any more');
    expect(queue.answered(first!, { error }, 10_000, 0)).toBe(true);
    const asked = { ...identity, baseSequence: 2 };
    expect(queue.next(20_000)).toBe(second);
    queue.send(second!, identity);
    expect(second!.identity).toEqual(asked);
    // Now it is known not to be there.
    const gap = new KafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER', 'a hole');
    expect(queue.answered(second!, { error: gap }, 20_000, 0)).toBe(false);
    expect(queue.next(30_000)).toBe(second);
    queue.send(second!, identity);
    expect(second!.identity).toEqual({ producerId: 7, producerEpoch: 1, baseSequence: 0 });
  },
);

test('a batch that was given up is not split when it is too large: its records were told their end', () => {
  const settings = settingsOf({ batchBytes: 10_000, lingerMs: 0 });
  const queue = new PartitionQueue('t', 0, settings, ports(null));
  const told: string[] = [];
  for (const name of ['a', 'b']) {
    const record = { timestamp: 1, key: null, value: Buffer.from(name) };
    const landedWith = () => told.push(`${name} landed`);
    queue.append(record, null, landedWith, ({ message }) => told.push(`${name}: ${message}`));
  }
  const batch = queue.batches[0]!;
  let settled = 0;
  batch.onSettled(() => {
    settled += 1;
  });
  queue.send(batch, identity);
  queue.giveUp(batch, new Error('too late'));
  const error = new KafkaError('MESSAGE_TOO_LARGE', 'larger than the topic takes');
  expect(queue.answered(batch, { error }, 0, 0)).toBe(true);
  expect(queue.batches).toEqual([]);
  expect(told).toEqual(['a: too late', 'b: too late']);
  expect(settled).toBe(1);
});

test('memory of a batch serves the next one once it is acknowledged, but not when it was sent again', () => {
  const memory = new BatchMemory();
  const queue = new PartitionQueue('t', 0, settingsOf({}), ports(memory));
  const send = (times: number): ArrayBufferLike => {
    queue.append({ timestamp: 1, key: null, value: Buffer.alloc(100_000) }, null, null, null);
    const batch = queue.batches[0]!;
    let sentFrom: ArrayBufferLike | null = null;
    for (let left = times; left > 0; left--) {
      queue.send(batch, identity);
      sentFrom ??= batch.bytes().buffer;
      if (left > 1) {
        batch.bytes();
        const error = new KafkaError('NOT_LEADER_OR_FOLLOWER', 'moved');
        expect(queue.answered(batch, { error }, 0, 0)).toBe(false);
        expect(queue.next(10_000)).toBe(batch);
      }
    }
    expect(queue.answered(batch, landed, 0, 0)).toBe(true);
    return sentFrom!;
  };
  // The first is given room for little, and grows.
  send(1);
  const first = send(1);
  expect(send(2)).toBe(first);
  const third = send(1);
  expect(third).not.toBe(first);
  queue.append({ timestamp: 1, key: null, value: Buffer.alloc(100_000) }, null, null, null);
  queue.append({ timestamp: 1, key: null, value: Buffer.alloc(500_000) }, null, null, null);
  const [waits, behind] = queue.batches;
  expect(waits!.memory()!.buffer).toBe(third);
  expect(behind!.memory()!.buffer).not.toBe(third);
});

test('a pause gives the memory back, and no more is kept than is of use', () => {
  const memory = new BatchMemory();
  memory.give(Buffer.alloc(1_000));
  expect(memory.take(1_000)).toBeNull();
  const all = Array.from({ length: 17 }, () => Buffer.alloc(512 * 1024));
  for (const one of all) memory.give(one);
  expect(memory.take(512 * 1024)).toBe(all[15]);
  // Batches grew.
  expect(memory.take(520 * 1024)).toHaveLength(544 * 1024);
  expect(memory.take(512 * 1024)).toBe(all[13]);
  memory.clear();
  expect(all).not.toContain(memory.take(512 * 1024));
});
