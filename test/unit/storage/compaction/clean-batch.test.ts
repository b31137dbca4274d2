import { expect, test } from 'vitest';
import {
  BatchHeader,
  buildBatch,
  buildEndTransactionBatch,
  readRecords,
  verifyBatch,
} from '../../../../src/record/index.ts';
import { type CleanContext, cleanBatch } from '../../../../src/storage/compaction/clean-batch.ts';

const day = 86_400_000;

function context(last: Record<string, number>, more: Partial<CleanContext> = {}): CleanContext {
  return {
    lastOffsetOf: (key) => last[key.toString()] ?? -1,
    isLastOfProducer: () => false,
    tombstonesStay: () => false,
    nowMs: 1_000,
    deleteRetentionMs: day,
    ...more,
  };
}

function record(key: string | null, value: string | null, timestamp = 5) {
  return {
    timestamp,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [{ key: 'h', value: Buffer.from('1') }],
  };
}

function offsets(batch: Buffer): number[] {
  return [...readRecords(batch)].map((each) => each.offset);
}

for (const codec of ['none', 'gzip'] as const) {
  test(`superseded keys go, offsets and codec stay (${codec})`, () => {
    const batch = buildBatch(
      [record('a', '1'), record('b', '2'), record('a', '3'), record('c', '4')],
      {
        codec,
        baseOffset: 100,
        partitionLeaderEpoch: 3,
        producer: { producerId: 9, producerEpoch: 1, baseSequence: 50 },
      },
    );
    const cleaned = cleanBatch(batch, context({ a: 102, b: 101, c: 900 }));
    if (cleaned.kind !== 'rewritten') throw new Error(cleaned.kind);
    expect(cleaned.recordsRemoved).toBe(2);
    expect(offsets(cleaned.bytes)).toEqual([101, 102]);
    const header = new BatchHeader(cleaned.bytes);
    expect([header.baseOffset, header.lastOffset, header.recordCount]).toEqual([100, 103, 2]);
    expect([header.producerId, header.baseSequence, header.lastSequence]).toEqual([9, 50, 53]);
    expect(header.codecId).toBe(new BatchHeader(batch).codecId);
    expect(header.partitionLeaderEpoch).toBe(3);
    verifyBatch(cleaned.bytes);
    const [first] = readRecords(cleaned.bytes);
    expect(first?.headers).toEqual([{ key: 'h', value: Buffer.from('1') }]);
  });
}

test('a batch in which every record is the last of its key is kept byte for byte', () => {
  const batch = buildBatch([record('a', '1'), record('b', '2')], { baseOffset: 10 });
  expect(cleanBatch(batch, context({ a: 10, b: 11 })).kind).toBe('kept');
});

test('a batch without survivors is dropped, unless it is the last of its producer', () => {
  const producer = { producerId: 4, producerEpoch: 0, baseSequence: 7 };
  const batch = buildBatch([record('a', '1'), record(null, 'no key')], {
    baseOffset: 10,
    producer,
  });
  const gone = context({ a: 99 });
  expect(cleanBatch(batch, gone)).toEqual({ kind: 'dropped', recordsRemoved: 2 });
  const last = cleanBatch(batch, {
    ...gone,
    isLastOfProducer: (id, offset) => id === 4 && offset === 11,
  });
  if (last.kind !== 'rewritten') throw new Error(last.kind);
  const header = new BatchHeader(last.bytes);
  expect([header.recordCount, header.baseOffset, header.lastOffset, header.lastSequence]).toEqual([
    0, 10, 11, 8,
  ]);
  verifyBatch(last.bytes);
  expect(cleanBatch(last.bytes, { ...gone, isLastOfProducer: () => true }).kind).toBe('kept');
  expect(cleanBatch(last.bytes, gone).kind).toBe('dropped');
});

test('a tombstone gets its horizon in the first pass, stays until then, and goes after', () => {
  const batch = buildBatch([record('a', null, 5), record('b', '2', 6)], { baseOffset: 10 });
  const first = cleanBatch(batch, context({ a: 10, b: 11 }));
  if (first.kind !== 'rewritten') throw new Error(first.kind);
  const header = new BatchHeader(first.bytes);
  expect(header.deleteHorizonMs).toBe(1_000 + day);
  expect([...readRecords(first.bytes)].map((each) => each.timestamp)).toEqual([5, 6]);
  const before = context({ a: 10, b: 11 }, { nowMs: 1_000 + day });
  expect(cleanBatch(first.bytes, before).kind).toBe('kept');
  const after = cleanBatch(first.bytes, context({ a: 10, b: 11 }, { nowMs: 1_001 + day }));
  if (after.kind !== 'rewritten') throw new Error(after.kind);
  expect(offsets(after.bytes)).toEqual([11]);
  const needed = { nowMs: 1_001 + day, tombstonesStay: () => true };
  expect(cleanBatch(first.bytes, context({ a: 10, b: 11 }, needed)).kind).toBe('kept');
});

test('transactional and control batches are left as they are', () => {
  const producer = { producerId: 4, producerEpoch: 0, baseSequence: 0 };
  const data = buildBatch([record('a', '1')], { baseOffset: 1, producer, transactional: true });
  expect(cleanBatch(data, context({ a: 50 })).kind).toBe('kept');
  const marker = buildEndTransactionBatch({
    baseOffset: 2,
    producerId: 4,
    producerEpoch: 0,
    type: 'commit',
    coordinatorEpoch: 0,
    timestamp: 5,
    partitionLeaderEpoch: 0,
  });
  expect(cleanBatch(marker, context({})).kind).toBe('kept');
});

test('records that do not parse are kept and reported', () => {
  const batch = buildBatch([record('a', '1'), record('b', '2')], { baseOffset: 10 });
  batch.fill(0xff, 61, 66);
  const cleaned = cleanBatch(batch, context({ a: 99 }));
  if (cleaned.kind !== 'kept') throw new Error(cleaned.kind);
  expect(cleaned.unreadable?.code).toBe('corrupt_record');
});
