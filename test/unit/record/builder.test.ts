import { describe, expect, test } from 'vitest';
import {
  BATCH_HEADER_BYTES,
  BatchBuilder,
  BatchHeader,
  buildBatch,
  codecNames,
  emptyBatch,
  prepareCodec,
  readRecords,
  verifyBatch,
} from '../../../src/record/index.ts';
import {
  fixtureLogAppendTimeMs,
  fixtureOptions,
  fixtureProducer,
  fixtureRecords,
  javaBatch,
  plain,
} from './fixtures.ts';

describe('the same bytes as Java', () => {
  test.each([
    ['none', 100, {}],
    ['none-one', 1, {}],
    ['none-log-append-time', 5, { logAppendTimeMs: fixtureLogAppendTimeMs }],
    ['none-idempotent', 100, { producer: fixtureProducer }],
    ['none-transactional', 3, { producer: fixtureProducer, transactional: true }],
  ] as const)('%s', (name, count, options) => {
    const ours = buildBatch(fixtureRecords(count), { ...fixtureOptions, ...options });
    expect(ours.toString('hex')).toBe(javaBatch(name).toString('hex'));
  });

  test('an empty batch, as compaction keeps it', () => {
    const ours = emptyBatch({
      baseOffset: 1000,
      lastOffset: 1009,
      partitionLeaderEpoch: 4,
      producer: { producerId: 555, producerEpoch: 9, baseSequence: 12 },
      timestamp: 1_700_000_000_123,
      timestampType: 'CreateTime',
      transactional: true,
      control: false,
    });
    expect(ours.toString('hex')).toBe(javaBatch('empty').toString('hex'));
    expect([...readRecords(ours)]).toEqual([]);
    expect(verifyBatch(ours).lastOffset).toBe(1009);
  });
});

describe('building', () => {
  test('sizes are exact before compression', () => {
    const builder = new BatchBuilder({ capacity: 1 });
    expect(builder.byteLength).toBe(BATCH_HEADER_BYTES);
    for (const record of fixtureRecords(50)) {
      const before = builder.byteLength;
      const size = builder.sizeOf(record);
      builder.append(record);
      expect(builder.byteLength).toBe(before + size);
    }
    expect(builder.count).toBe(50);
    expect(builder.estimatedBytes(0.1)).toBe(builder.byteLength);
    expect(builder.build().length).toBe(builder.byteLength);
  });

  test('a compressed batch is estimated by the ratio given', () => {
    const builder = new BatchBuilder({ codec: 'gzip' });
    builder.append({ timestamp: 1, key: null, value: Buffer.alloc(1000) });
    expect(builder.estimatedBytes()).toBe(builder.byteLength);
    expect(builder.estimatedBytes(0.5)).toBeLessThan(builder.byteLength * 0.6);
  });

  test.each(codecNames)('%s batches read back', async (codec) => {
    await prepareCodec(codec);
    const records = fixtureRecords(500);
    const batch = buildBatch(records, { codec, baseOffset: 5000 });
    const header = verifyBatch(batch);
    expect(header.recordCount).toBe(500);
    const read = [...readRecords(batch)];
    expect(read.map(plain)).toEqual(records.map(plain));
    expect(read.map((r) => r.offset)).toEqual(records.map((_, i) => 5000 + i));
  });

  test('levels reach gzip and zstd', async () => {
    await prepareCodec('zstd');
    for (const codec of ['gzip', 'zstd'] as const) {
      const fast = buildBatch(fixtureRecords(2000), { codec, level: 1 });
      const small = buildBatch(fixtureRecords(2000), { codec, level: 9 });
      expect(small.length).toBeLessThan(fast.length);
    }
  });

  test('offsets may leave gaps, and the batch may end after its last record', () => {
    const batch = buildBatch(
      [
        { timestamp: 5, key: null, value: null, offset: 103 },
        { timestamp: 4, key: null, value: null, offset: 107 },
      ],
      { baseOffset: 100, lastOffset: 119, deleteHorizonMs: 99 },
    );
    const header = new BatchHeader(batch);
    expect(header.lastOffset).toBe(119);
    expect(header.deleteHorizonMs).toBe(99);
    expect([...readRecords(batch)].map((r) => [r.offset, r.timestamp])).toEqual([
      [103, 5],
      [107, 4],
    ]);
  });

  test('a producer state given at the end wins', () => {
    const builder = new BatchBuilder();
    builder.append({ timestamp: 1, key: null, value: null });
    expect(new BatchHeader(builder.build(fixtureProducer)).producerId).toBe(987_654_321_098);
  });

  test('a timestamp that is none is refused and leaves the batch as it was', () => {
    const builder = new BatchBuilder();
    for (const timestamp of [Number.NaN, 1.5, -2, 2 ** 53]) {
      expect(() => builder.append({ timestamp, key: null, value: null })).toThrow(
        expect.objectContaining({ code: 'INVALID_TIMESTAMP' }),
      );
    }
    builder.append({ timestamp: -1, key: null, value: null });
    expect(new BatchHeader(builder.build()).recordCount).toBe(1);
  });

  test('misuse is caught: building twice, building nothing, offsets that fall', () => {
    const builder = new BatchBuilder();
    expect(() => builder.build()).toThrow(/at least one record/);
    builder.append({ timestamp: 1, key: null, value: null, offset: 3 });
    expect(() => builder.append({ timestamp: 1, key: null, value: null, offset: 3 })).toThrow();
    builder.build();
    expect(() => builder.build()).toThrow(/once/);
    expect(() => builder.append({ timestamp: 1, key: null, value: null })).toThrow();
  });
});
