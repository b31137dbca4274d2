import { describe, expect, test } from 'vitest';
import {
  buildEndTransactionBatch,
  decodeControlKey,
  decodeEndTransactionMarker,
  encodeControlKey,
  encodeEndTransactionMarker,
  RecordError,
  readRecords,
} from '../../../src/record/index.ts';
import { javaBatch } from './fixtures.ts';

describe('end-of-transaction markers', () => {
  test.each([
    ['marker-commit', 'commit', 77, 1_700_000_000_000, 21],
    ['marker-abort', 'abort', 78, 1_700_000_000_001, 22],
  ] as const)('%s has the bytes that Java writes', (name, type, baseOffset, timestamp, epoch) => {
    const ours = buildEndTransactionBatch({
      type,
      producerId: 555,
      producerEpoch: 9,
      coordinatorEpoch: epoch,
      timestamp,
      baseOffset,
      partitionLeaderEpoch: 3,
    });
    expect(ours.toString('hex')).toBe(javaBatch(name).toString('hex'));
    const [record] = [...readRecords(javaBatch(name))];
    expect(decodeControlKey(record!.key)).toBe(type);
    expect(decodeEndTransactionMarker(record!.value)).toBe(epoch);
  });

  test('later versions are read by their known part, unknown types are told', () => {
    expect(decodeControlKey(Buffer.from('0001000100ff', 'hex'))).toBe('commit');
    expect(decodeControlKey(Buffer.from('00000003', 'hex'))).toBe('unknown');
    expect(decodeEndTransactionMarker(Buffer.from('00050000000aff', 'hex'))).toBe(10);
  });

  test('damaged keys and values are refused', () => {
    for (const bytes of [null, Buffer.alloc(0), Buffer.from('000000', 'hex')]) {
      expect(() => decodeControlKey(bytes)).toThrow(RecordError);
      expect(() => decodeEndTransactionMarker(bytes)).toThrow(RecordError);
    }
    expect(() => decodeControlKey(Buffer.from('ffff0000', 'hex'))).toThrow(RecordError);
    expect(() => decodeEndTransactionMarker(Buffer.from('ffff00000000', 'hex'))).toThrow(
      RecordError,
    );
  });

  test('encode and decode agree', () => {
    expect(decodeControlKey(encodeControlKey('abort'))).toBe('abort');
    expect(decodeEndTransactionMarker(encodeEndTransactionMarker(-3))).toBe(-3);
  });
});
