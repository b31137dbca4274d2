import { expect, test } from 'vitest';
import {
  readUnsignedVarint,
  readVarint,
  readVarlong,
  unsignedVarintSize,
  VarintError,
  varintSize,
  varlongSize,
  writeUnsignedVarint,
  writeVarint,
  writeVarlong,
} from '../../src/base/varint.ts';
import { amount } from '../support/amount.ts';
import { fc } from '../support/fast-check.ts';

const kinds = [
  { name: 'varint', read: readVarint, write: writeVarint, size: varintSize, values: fc.integer() },
  {
    name: 'unsigned varint',
    read: readUnsignedVarint,
    write: writeUnsignedVarint,
    size: unsignedVarintSize,
    values: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  },
  {
    name: 'varlong',
    read: readVarlong,
    write: writeVarlong,
    size: varlongSize,
    values: fc.oneof(fc.integer(), fc.maxSafeInteger()),
  },
];

for (const { name, read, write, size, values } of kinds) {
  test(`${name}: what is written reads back, in the size foretold`, () => {
    fc.assert(
      fc.property(values, fc.nat(5), (value, start) => {
        const bytes = Buffer.alloc(20, 0xff);
        const end = write(bytes, start, value);
        expect(end - start).toBe(size(value));
        const cursor = { position: start };
        expect(read(bytes, cursor, end)).toBe(value);
        expect(cursor.position).toBe(end);
        expect(() => read(bytes, { position: start }, end - 1)).toThrow(VarintError);
      }),
      { numRuns: amount(200, 2000) },
    );
  });

  test(`${name}: any bytes read as a value within the limit, or are refused`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const cursor = { position: 0 };
        try {
          expect(Number.isSafeInteger(read(bytes, cursor, bytes.length))).toBe(true);
          expect(cursor.position).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(VarintError);
        }
      }),
      { numRuns: amount(200, 2000) },
    );
  });
}
