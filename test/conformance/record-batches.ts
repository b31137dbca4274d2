// Record batches for the scenario: good ones, and each kind of bad one.

import { BatchField, buildBatch, rewriteBatchCrc } from '../../src/record/index.ts';

/** Timestamps of the scenario begin here: a fixed point, years back. */
export const FIRST_TIMESTAMP = 1_600_000_000_000;

export type BatchSettings = NonNullable<Parameters<typeof buildBatch>[1]>;

/** A batch of records `key-0`/`value-0`, …, one second apart. */
export function batch(count = 2, settings: BatchSettings = {}, first = FIRST_TIMESTAMP): Buffer {
  const records = Array.from({ length: count }, (_, index) => ({
    timestamp: first + index * 1_000,
    key: Buffer.from(`key-${index}`),
    value: Buffer.from(`value-${index}`),
    headers: [{ key: 'h', value: Buffer.from([index]) }],
  }));
  return buildBatch(records, settings);
}

export function keylessBatch(): Buffer {
  return buildBatch([
    { timestamp: FIRST_TIMESTAMP, key: Buffer.from('k'), value: Buffer.from('v') },
    { timestamp: FIRST_TIMESTAMP, key: null, value: Buffer.from('w') },
  ]);
}

export function largeBatch(bytes: number): Buffer {
  return buildBatch([{ timestamp: FIRST_TIMESTAMP, key: null, value: Buffer.alloc(bytes, 0x61) }]);
}

/** A batch with header bytes changed and, unless told otherwise, a CRC that fits again. */
function changed(change: (bytes: Buffer) => void, crc: 'fits' | 'stale' = 'fits'): Buffer {
  const bytes = Buffer.from(batch());
  change(bytes);
  if (crc === 'fits') rewriteBatchCrc(bytes);
  return bytes;
}

/** What a broker must not take in, by name. (Null for records is left out: Apache Kafka never answers that.) */
export const badBatches: Readonly<Record<string, () => Buffer>> = {
  'a wrong CRC': () => changed((bytes) => bytes.writeUInt8(0xff, bytes.length - 1), 'stale'),
  'two batches': () => Buffer.concat([batch(), batch()]),
  'no bytes': () => Buffer.alloc(0),
  'a count of zero': () => changed((bytes) => bytes.writeInt32BE(0, BatchField.recordCount)),
  'a count too high': () => changed((bytes) => bytes.writeInt32BE(3, BatchField.recordCount)),
  'a negative count': () => changed((bytes) => bytes.writeInt32BE(-1, BatchField.recordCount)),
  'a last offset delta too high': () =>
    changed((bytes) => bytes.writeInt32BE(5, BatchField.lastOffsetDelta)),
  'a last offset delta too low': () =>
    changed((bytes) => bytes.writeInt32BE(0, BatchField.lastOffsetDelta)),
  'magic 1': () => changed((bytes) => bytes.writeInt8(1, BatchField.magic), 'stale'),
  'magic 3': () => changed((bytes) => bytes.writeInt8(3, BatchField.magic), 'stale'),
  'a control batch': () => batch(1, { control: true }),
  'a length too small': () => changed((bytes) => bytes.writeInt32BE(10, 8), 'stale'),
  'a length beyond the end': () => changed((bytes) => bytes.writeInt32BE(bytes.length, 8), 'stale'),
  'an unknown codec': () => changed((bytes) => bytes.writeInt16BE(7, BatchField.attributes)),
  'a cut header': () => batch().subarray(0, 30),
  'a base offset above zero': () => batch(2, { baseOffset: 5 }),
};
