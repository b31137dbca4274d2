import { describe, expect, test } from 'vitest';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  batchBytes,
  buildBatch,
  type Codec,
  iterateBatches,
  iterateRecords,
  prepareCodec,
  RecordError,
  readRecords,
  rewriteBatchCrc,
} from '../../../src/record/index.ts';
import { fixtureOptions, fixtureRecords, javaBatch, plain } from './fixtures.ts';

describe('records of batches that Java wrote', () => {
  test.each([
    ['none', 100],
    ['gzip', 100],
    ['snappy', 900],
    ['lz4', 900],
    ['zstd', 900],
  ] as const)('%s', async (codec: Codec, count) => {
    await prepareCodec(codec);
    const records = [...readRecords(javaBatch(codec))];
    expect(records.map(plain)).toEqual(fixtureRecords(count).map(plain));
    expect(records.map((r) => r.offset)).toEqual(
      records.map((_, i) => fixtureOptions.baseOffset + i),
    );
  });

  test('a batch in pieces reads the same', () => {
    const batch = javaBatch('gzip');
    const parts = [batch.subarray(0, 61), batch.subarray(61, 500), batch.subarray(500)];
    expect([...readRecords(parts)].map(plain)).toEqual(fixtureRecords(100).map(plain));
  });
});

describe('walking batches', () => {
  const batches = ['none-one', 'gzip', 'none-idempotent'].map(javaBatch);
  const whole = Buffer.concat(batches);

  test('visits each and ends at the end', () => {
    const seen = [...iterateBatches(whole)].map((header) => batchBytes(header).toString('hex'));
    expect(seen).toEqual(batches.map((batch) => batch.toString('hex')));
  });

  test('ends before a last batch that is cut off, wherever the cut is', () => {
    const start = whole.length - batches[2]!.length;
    for (let end = start; end < whole.length; end += 17) {
      expect([...iterateBatches(whole.subarray(0, end))]).toHaveLength(2);
    }
  });

  test('stops with an error where it cannot step on, after what came before', () => {
    for (const [field, value, code] of [
      [BatchField.batchLength, 48, 'corrupt_batch'],
      [BatchField.batchLength, -1, 'corrupt_batch'],
      [BatchField.batchLength, -2_147_483_648, 'corrupt_batch'],
    ] as const) {
      const broken = Buffer.from(whole);
      broken.writeInt32BE(value, batches[0]!.length + field);
      const walk = iterateBatches(broken);
      expect(walk.next().value?.position).toBe(0);
      expect(() => walk.next()).toThrow(expect.objectContaining({ code }));
    }
    const old = Buffer.concat([batches[0]!, javaBatch('magic-1'), whole]);
    const walk = iterateBatches(old);
    walk.next();
    expect(() => walk.next()).toThrow(expect.objectContaining({ code: 'unsupported_magic' }));
  });
});

describe('damage', () => {
  function broken(change: (section: Buffer, header: BatchHeader) => void): Buffer {
    const batch = buildBatch(fixtureRecords(3), { baseOffset: 10 });
    change(batch.subarray(BATCH_HEADER_BYTES), new BatchHeader(batch));
    rewriteBatchCrc(batch);
    return batch;
  }

  test.each<[string, (section: Buffer, header: BatchHeader) => void]>([
    ['more records than are there', (_, h) => h.buffer.writeInt32BE(4, BatchField.recordCount)],
    ['fewer records', (_, h) => h.buffer.writeInt32BE(2, BatchField.recordCount)],
    ['a negative count', (_, h) => h.buffer.writeInt32BE(-1, BatchField.recordCount)],
    ['2³¹−1 records', (_, h) => h.buffer.writeInt32BE(2 ** 31 - 1, BatchField.recordCount)],
    ['a record longer than the batch', (s) => s.set([0xfe, 0xff, 0xff, 0xff, 0x0f])],
    ['a record of negative length', (s) => s.set([0x01])],
    ['a record too short for its key', (s) => s.set([0x10])],
    ['an endless varint', (s) => s.fill(0xff, 2, 20)],
    ['a key longer than the record', (s) => s.set([0xfe, 0x7f], 4)],
    ['codec 5', (_, h) => h.buffer.writeInt16BE(5, BatchField.attributes)],
    ['codec gzip over plain bytes', (_, h) => h.buffer.writeInt16BE(1, BatchField.attributes)],
    ['codec snappy over plain bytes', (_, h) => h.buffer.writeInt16BE(2, BatchField.attributes)],
    ['codec lz4 over plain bytes', (_, h) => h.buffer.writeInt16BE(3, BatchField.attributes)],
  ])('%s ends in a RecordError', (_, change) => {
    const batch = broken(change);
    expect(() => [...readRecords(batch)]).toThrow(RecordError);
  });

  test('records before the damage are still served, and the error names offset and byte', () => {
    const records = iterateRecords(Buffer.from('0c0000000101000e000002010100000000', 'hex'), {
      baseOffset: 70,
      baseTimestamp: 1,
      logAppendTimeMs: null,
      recordCount: 2,
      lastOffsetDelta: 5,
    });
    expect(records.next().value?.offset).toBe(70);
    expect(() => records.next()).toThrow(
      expect.objectContaining({ code: 'corrupt_record', position: 7 }),
    );
  });

  test('an offset delta outside the batch is damage', () => {
    const batch = buildBatch([{ timestamp: 1, key: null, value: null, offset: 3 }], {
      lastOffset: 3,
    });
    batch.writeInt32BE(2, BatchField.lastOffsetDelta);
    expect(() => [...readRecords(batch)]).toThrow(/offset delta 3/);
  });

  test('a batch shorter than its header says is damage', () => {
    const batch = javaBatch('none');
    for (const length of [0, 7, 60, 61, batch.length - 1]) {
      expect(() => [...readRecords(batch.subarray(0, length))]).toThrow(
        expect.objectContaining({ code: 'truncated_batch' }),
      );
    }
  });
});
