import { describe, expect, test } from 'vitest';
import {
  type BatchBytes,
  BatchField,
  buildBatch,
  InvalidRecordsError,
  lookInside,
  type NewRecord,
  type RecordRules,
  rewriteBatchCrc,
  throwRefusal,
  validateBatch,
  verifyBatch,
} from '../../../src/record/index.ts';
import { fixtureProducer, fixtureRecords, javaBatch } from './fixtures.ts';

const rules = { produceVersion: 9, maxMessageBytes: 1_048_588 };

function refusal(bytes: BatchBytes, more: Partial<typeof rules> = {}): string {
  try {
    validateBatch(bytes, { ...rules, ...more });
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function changed(
  change: (batch: Buffer) => void,
  records: NewRecord[] = fixtureRecords(3),
): Buffer {
  const batch = buildBatch(records, { producer: fixtureProducer });
  change(batch);
  rewriteBatchCrc(batch);
  return batch;
}

describe('a produced batch', () => {
  test('that is right is accepted, in one piece or several', () => {
    const batch = buildBatch(fixtureRecords(3));
    expect(validateBatch(batch, rules).recordCount).toBe(3);
    const parts = [batch.subarray(0, 61), batch.subarray(61, 80), batch.subarray(80)];
    expect(validateBatch(parts, rules).recordCount).toBe(3);
    expect(refusal(changed(() => {}))).toBe('accepted');
  });

  // The codes are what Kafka 4.3.1's ProduceRequest.validateRecords gives for the same bytes.
  test('of an old or unknown format', () => {
    expect(refusal(javaBatch('magic-0'))).toBe('INVALID_RECORD');
    expect(refusal(javaBatch('magic-1'))).toBe('INVALID_RECORD');
    expect(refusal(changed((batch) => batch.writeInt8(3, BatchField.magic)))).toBe(
      'CORRUPT_MESSAGE',
    );
    expect(refusal(changed((batch) => batch.writeInt8(-1, BatchField.magic)))).toBe(
      'CORRUPT_MESSAGE',
    );
  });

  test('that is missing, cut off at any byte, or not alone', () => {
    const batch = buildBatch(fixtureRecords(2));
    for (let end = 0; end < batch.length; end++) {
      expect(refusal(batch.subarray(0, end)), `cut at ${end}`).toBe('INVALID_RECORD');
    }
    expect(refusal([])).toBe('INVALID_RECORD');
    expect(refusal(Buffer.concat([batch, batch]))).toBe('INVALID_RECORD');
    expect(refusal([batch, batch])).toBe('INVALID_RECORD');
    expect(refusal(Buffer.concat([batch, Buffer.alloc(1)]))).toBe('INVALID_RECORD');
  });

  test('with a hostile length', () => {
    for (const [length, code] of [
      [0, 'CORRUPT_MESSAGE'],
      [48, 'CORRUPT_MESSAGE'],
      [-1, 'CORRUPT_MESSAGE'],
      [-2_147_483_648, 'CORRUPT_MESSAGE'],
      [2_147_483_647, 'INVALID_RECORD'],
    ] as const) {
      const batch = buildBatch(fixtureRecords(2));
      batch.writeInt32BE(length, BatchField.batchLength);
      expect(refusal(batch)).toBe(code);
    }
  });

  test('with any bit flipped under the checksum', () => {
    const batch = buildBatch(fixtureRecords(2));
    for (let byte = BatchField.crc; byte < batch.length; byte++) {
      const damaged = Buffer.from(batch);
      damaged[byte]! ^= 1 << (byte % 8);
      // A flip in the codec bits may be noticed as zstd or unknown only after the checksum.
      expect(refusal(damaged), `byte ${byte}`).toBe('CORRUPT_MESSAGE');
    }
  });

  test('larger than the topic allows', () => {
    const batch = buildBatch(fixtureRecords(2));
    expect(refusal(batch, { maxMessageBytes: batch.length })).toBe('accepted');
    expect(refusal(batch, { maxMessageBytes: batch.length - 1 })).toBe('MESSAGE_TOO_LARGE');
  });

  test.each<[string, (batch: Buffer) => void]>([
    ['a base offset', (b) => b.writeInt32BE(1, BatchField.baseOffset + 4)],
    ['no records', (b) => b.writeInt32BE(0, BatchField.recordCount)],
    ['a negative count', (b) => b.writeInt32BE(-3, BatchField.recordCount)],
    ['a wrong count', (b) => b.writeInt32BE(2, BatchField.recordCount)],
    ['a wrong last offset delta', (b) => b.writeInt32BE(3, BatchField.lastOffsetDelta)],
    ['a negative delta', (b) => b.writeInt32BE(-2_147_483_648, BatchField.lastOffsetDelta)],
    ['the control bit', (b) => b.writeInt16BE(0x20, BatchField.attributes)],
    ['a delete horizon', (b) => b.writeInt16BE(0x40, BatchField.attributes)],
    ['a producer id without sequence', (b) => b.writeInt32BE(-1, BatchField.baseSequence)],
    ['an unsafe timestamp', (b) => b.writeBigInt64BE(2n ** 60n, BatchField.maxTimestamp)],
    ['an unsafe producer id', (b) => b.writeBigInt64BE(2n ** 60n, BatchField.producerId)],
  ])('with %s is INVALID_RECORD', (_, change) => {
    expect(refusal(changed(change))).toBe('INVALID_RECORD');
  });

  test('claiming LogAppendTime is INVALID_TIMESTAMP', () => {
    const batch = changed((b) => b.writeInt16BE(0x08, BatchField.attributes));
    expect(refusal(batch)).toBe('INVALID_TIMESTAMP');
  });

  test('of an unknown codec, or zstd in an old request', () => {
    for (const codecId of [5, 6, 7]) {
      const batch = changed((b) => b.writeInt16BE(codecId, BatchField.attributes));
      expect(refusal(batch)).toBe('UNSUPPORTED_COMPRESSION_TYPE');
    }
    const zstd = changed((b) => b.writeInt16BE(4, BatchField.attributes));
    expect(refusal(zstd, { produceVersion: 6 })).toBe('UNSUPPORTED_COMPRESSION_TYPE');
    expect(refusal(zstd, { produceVersion: 7 })).toBe('accepted');
  });
});

describe('rules for single records', () => {
  const now = 1_700_000_000_000;
  const none = {
    keysRequired: false,
    nowMs: now,
    timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
    timestampAfterMaxMs: Number.POSITIVE_INFINITY,
  };
  const record = (timestamp: number, key: string | null): NewRecord => ({
    timestamp,
    key: key === null ? null : Buffer.from(key),
    value: null,
  });

  function look(batch: Buffer, rules: RecordRules): void {
    const outcome = lookInside({ batch, rules, rebuild: null });
    if (outcome !== null && outcome.refused !== null) throwRefusal(outcome.refused);
  }

  function refusals(records: NewRecord[], more: Partial<typeof none>): [string, number[]] {
    try {
      look(buildBatch(records), { ...none, ...more });
      return ['accepted', []];
    } catch (error) {
      if (!(error instanceof InvalidRecordsError)) throw error;
      return [error.code, error.recordErrors.map((refused) => refused.batchIndex)];
    }
  }

  test('a compacted topic needs keys', () => {
    const records = [record(now, 'a'), record(now, null), record(now, ''), record(now, null)];
    expect(refusals(records, {})).toEqual(['accepted', []]);
    expect(refusals(records, { keysRequired: true })).toEqual(['INVALID_RECORD', [1, 3]]);
  });

  test('timestamps are bounded both ways, and none (-1) always passes', () => {
    const records = [now - 11, now - 10, now, now + 5, now + 6, -1].map((t) => record(t, null));
    expect(refusals(records, { timestampBeforeMaxMs: 10, timestampAfterMaxMs: 5 })).toEqual([
      'INVALID_TIMESTAMP',
      [0, 4],
    ]);
  });

  test('records that cannot be read are INVALID_RECORD', () => {
    const batch = changed((b) => b.fill(0xff, 61));
    expect(() => look(batch, none)).toThrow(expect.objectContaining({ code: 'INVALID_RECORD' }));
  });
});

describe('a batch read back', () => {
  test('that is whole passes, also compacted, empty or a marker', () => {
    for (const name of ['none', 'zstd', 'empty', 'marker-commit', 'none-log-append-time']) {
      const batch = javaBatch(name);
      expect(verifyBatch(batch).sizeInBytes).toBe(batch.length);
      expect(verifyBatch([batch.subarray(0, 61), batch.subarray(61)]).magic).toBe(2);
    }
  });

  test('with damage is told apart', () => {
    const batch = javaBatch('none');
    const code = (bytes: BatchBytes): unknown => {
      try {
        return verifyBatch(bytes);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code(batch.subarray(0, 60))).toBe('truncated_batch');
    expect(code(batch.subarray(0, batch.length - 1))).toBe('truncated_batch');
    expect(code(Buffer.concat([batch, Buffer.alloc(1)]))).toBe('corrupt_batch');
    expect(code(javaBatch('magic-1').subarray(0, 61))).not.toBe('accepted');
    const torn = Buffer.from(batch);
    torn.fill(0, batch.length - 10);
    expect(code(torn)).toBe('corrupt_batch');
    expect(code(Buffer.alloc(4096))).toBe('unsupported_magic');
    expect(code(changed((b) => b.writeInt32BE(9, BatchField.recordCount)))).toBe('corrupt_batch');
    expect(code(changed((b) => b.writeInt32BE(-1, BatchField.baseOffset)))).toBe('corrupt_batch');
  });
});
