import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  buildBatch,
  largestTimestamp,
  type NewRecord,
} from '../../../src/record/index.ts';

const NOW = 1_700_000_000_000;

function record(timestamp: number, bytes = 0): NewRecord {
  return { timestamp, key: null, value: bytes === 0 ? null : Buffer.alloc(bytes, 'v') };
}

const largestOf = (parts: Buffer[]) => largestTimestamp(parts, new BatchHeader(parts[0]!));

test('is that of the newest record, in whatever pieces the batch comes', () => {
  const random = new SeededRandom(7);
  const upTo = (most: number) => Math.floor(random.next() * most);
  for (let round = 0; round < 200; round += 1) {
    const times = Array.from({ length: 1 + upTo(9) }, () => NOW + upTo(10 ** upTo(14)));
    const batch = buildBatch(times.map((timestamp) => record(timestamp, upTo(300))));
    const parts: Buffer[] = [];
    for (let at = 0; at < batch.length; ) {
      const bytes = (at === 0 ? BATCH_HEADER_BYTES : 0) + upTo(40);
      parts.push(batch.subarray(at, at + bytes));
      at += bytes;
    }
    expect(largestOf(parts), `round ${round}`).toBe(Math.max(...times));
  }
});

test('is -1 where no record has one', () => {
  expect(largestOf([buildBatch([record(-1), record(-1)])])).toBe(-1);
});

test('is not told of records that do not fill their batch, or whose times are no numbers', () => {
  const batch = buildBatch([record(NOW, 20), record(NOW + 1, 20)]);
  const changed = (change: (copy: Buffer) => void): number | null => {
    const copy = Buffer.from(batch);
    change(copy);
    return largestOf([copy]);
  };
  for (const count of [1, 3]) {
    expect(changed((copy) => copy.writeInt32BE(count, BatchField.recordCount))).toBeNull();
  }
  for (const length of [0x01, 0x02, 0x80, 0xff]) {
    const first = changed((copy) => copy.fill(length, BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + 1));
    expect(first, `length ${length}`).toBeNull();
  }
  const delta = BATCH_HEADER_BYTES + 2;
  expect(changed((copy) => copy.fill(0xfe, delta, delta + 12))).toBeNull();
  const base = BigInt(Number.MAX_SAFE_INTEGER);
  expect(changed((copy) => copy.writeBigInt64BE(base, BatchField.baseTimestamp))).toBeNull();
});
