// The records that torture writes: each says where it belongs, so that a log alone shows whether it is whole, in order,
// and free of strangers. A record's place is its offset: what is at offset 7 of partition 2 must be record 7 of 2.
//
//   byte 0  "TMTR"
//        4  uint32  partition
//        8  uint64  offset
//       16          the first 16 bytes, over and over

import { buildBatch, type NewRecord, type StoredRecord } from '../../src/record/index.ts';
import type { BatchToAppend } from '../../src/storage/index.ts';

const MAGIC = 'TMTR';
const HEAD_BYTES = 16;

/** Where a record belongs. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
}

/** The value of the record at a place, `bytes` long (at least 16). */
export function makeValue({ partition, offset }: Place, bytes: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32BE(partition, 4);
  head.writeBigUInt64BE(BigInt(offset), 8);
  return Buffer.alloc(Math.max(HEAD_BYTES, bytes), head);
}

/** What is wrong with a record found at a place; null when it is the one that belongs there. */
export function valueProblem(record: StoredRecord, place: Place): string | null {
  const { value } = record;
  const where = `partition ${place.partition}, offset ${place.offset}`;
  if (value === null || value.length < HEAD_BYTES || value.toString('latin1', 0, 4) !== MAGIC) {
    return `${where}: a record that nobody sent`;
  }
  const partition = value.readUInt32BE(4);
  const offset = Number(value.readBigUInt64BE(8));
  if (partition !== place.partition || offset !== place.offset) {
    return `${where}: the record of partition ${partition}, offset ${offset}`;
  }
  if (!value.equals(makeValue(place, value.length))) return `${where}: the record's bytes differ`;
  return null;
}

/** A batch of `count` records for the offsets from `place` on. */
export function makeBatch(place: Place, count: number, valueBytes: number): BatchToAppend {
  const { partition, offset } = place;
  const timestamp = Date.now();
  const records: NewRecord[] = Array.from({ length: count }, (_, index) => ({
    timestamp,
    key: null,
    value: makeValue({ partition, offset: offset + index }, valueBytes),
  }));
  const bytes = buildBatch(records, { capacity: count * (valueBytes + 32) + 128 });
  return {
    parts: [bytes],
    byteLength: bytes.length,
    offsetCount: count,
    maxTimestamp: timestamp,
  };
}
