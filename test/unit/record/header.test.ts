import { describe, expect, test } from 'vitest';
import {
  addSequence,
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  buildBatch,
  computeBatchCrc,
  RecordError,
  readRecords,
  setMaxTimestampAndLogAppendTime,
  setProducerState,
  verifyBatch,
} from '../../../src/record/index.ts';
import { fixtureOptions, fixtureProducer, fixtureRecords, javaBatch } from './fixtures.ts';

describe('the header view', () => {
  test('reads every field of a batch that Java wrote', () => {
    const batch = javaBatch('none-idempotent');
    const header = new BatchHeader(batch);
    expect({
      baseOffset: header.baseOffset,
      sizeInBytes: header.sizeInBytes,
      partitionLeaderEpoch: header.partitionLeaderEpoch,
      magic: header.magic,
      codecId: header.codecId,
      isCompressed: header.isCompressed,
      timestampType: header.timestampType,
      isTransactional: header.isTransactional,
      isControl: header.isControl,
      deleteHorizonMs: header.deleteHorizonMs,
      lastOffset: header.lastOffset,
      nextOffset: header.nextOffset,
      baseTimestamp: header.baseTimestamp,
      maxTimestamp: header.maxTimestamp,
      producerId: header.producerId,
      hasProducerId: header.hasProducerId,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
      lastSequence: header.lastSequence,
      recordCount: header.recordCount,
    }).toEqual({
      baseOffset: fixtureOptions.baseOffset,
      sizeInBytes: batch.length,
      partitionLeaderEpoch: 42,
      magic: 2,
      codecId: 0,
      isCompressed: false,
      timestampType: 'CreateTime',
      isTransactional: false,
      isControl: false,
      deleteHorizonMs: null,
      lastOffset: fixtureOptions.baseOffset + 99,
      nextOffset: fixtureOptions.baseOffset + 100,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_098_000,
      producerId: fixtureProducer.producerId,
      hasProducerId: true,
      producerEpoch: 7,
      baseSequence: 2_147_483_600,
      // 99 further, over the wrap at 2³¹.
      lastSequence: 51,
      recordCount: 100,
    });
    expect(header.crc).toBe(computeBatchCrc(batch));
  });

  test('tells markers, transactions, LogAppendTime and codecs apart', () => {
    expect(new BatchHeader(javaBatch('marker-commit')).isControl).toBe(true);
    expect(new BatchHeader(javaBatch('none-transactional')).isTransactional).toBe(true);
    expect(new BatchHeader(javaBatch('none-log-append-time')).timestampType).toBe('LogAppendTime');
    expect(
      ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((n) => new BatchHeader(javaBatch(n)).codecId),
    ).toEqual([0, 1, 2, 3, 4]);
    expect(new BatchHeader(javaBatch('none')).hasProducerId).toBe(false);
    expect(new BatchHeader(javaBatch('none')).producerId).toBe(-1);
    expect(new BatchHeader(javaBatch('none')).lastSequence).toBe(-1);
  });

  test('works at any position of a larger buffer', () => {
    const batch = javaBatch('gzip');
    const header = new BatchHeader(Buffer.concat([Buffer.alloc(13, 0xee), batch]), 13);
    expect(header.sizeInBytes).toBe(batch.length);
    expect(header.at(batch, 0).baseOffset).toBe(fixtureOptions.baseOffset);
  });

  test('base offset and leader epoch change without touching the checksum', () => {
    const batch = javaBatch('zstd');
    const header = new BatchHeader(batch);
    header.baseOffset = Number.MAX_SAFE_INTEGER - 10_000;
    header.partitionLeaderEpoch = 7;
    expect(verifyBatch(batch).baseOffset).toBe(Number.MAX_SAFE_INTEGER - 10_000);
    expect(header.partitionLeaderEpoch).toBe(7);
  });

  test('negative and large 64-bit values survive', () => {
    const header = new BatchHeader(Buffer.alloc(BATCH_HEADER_BYTES));
    for (const value of [0, -1, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, Number.MIN_SAFE_INTEGER]) {
      header.baseOffset = value;
      expect(header.baseOffset).toBe(value);
      expect(header.buffer.readBigInt64BE(0)).toBe(BigInt(value));
    }
  });

  test('a field beyond the safe integers is an error that names it, not a wrong number', () => {
    const batch = javaBatch('none');
    batch.writeBigInt64BE(2n ** 53n, BatchField.maxTimestamp);
    expect(() => new BatchHeader(batch).maxTimestamp).toThrow(RecordError);
    expect(() => new BatchHeader(batch).maxTimestamp).toThrow(/max timestamp/);
  });

  test('sequences wrap from 2³¹−1 to 0', () => {
    expect(addSequence(2_147_483_647, 0)).toBe(2_147_483_647);
    expect(addSequence(2_147_483_647, 1)).toBe(0);
    expect(addSequence(2_147_483_600, 99)).toBe(51);
    expect(addSequence(5, 3)).toBe(8);
  });
});

describe('rewriting under the checksum', () => {
  test('LogAppendTime gives every record the broker’s time', () => {
    for (const split of [0, 70]) {
      const batch = buildBatch(fixtureRecords(5));
      const bytes = split === 0 ? batch : [batch.subarray(0, split), batch.subarray(split)];
      setMaxTimestampAndLogAppendTime(bytes, 1_800_000_000_000);
      const header = verifyBatch(bytes);
      expect(header.maxTimestamp).toBe(1_800_000_000_000);
      expect(header.timestampType).toBe('LogAppendTime');
      expect([...readRecords(bytes)].map((r) => r.timestamp)).toEqual(
        Array(5).fill(1_800_000_000_000),
      );
    }
  });

  test('a producer state set later equals one set at once', () => {
    const late = buildBatch(fixtureRecords(9));
    setProducerState(late, fixtureProducer);
    expect(late.equals(buildBatch(fixtureRecords(9), { producer: fixtureProducer }))).toBe(true);
  });
});
