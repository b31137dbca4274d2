import { describe, expect, test } from 'vitest';
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
} from '../../../src/base/varint.ts';

function bytesOf(write: typeof writeVarint, value: number): string {
  const bytes = Buffer.alloc(16);
  return bytes.subarray(0, write(bytes, 0, value)).toString('hex');
}

// The values of Kafka's ByteUtilsTest.
describe('varint', () => {
  test('zigzag puts small magnitudes of either sign into one byte', () => {
    const cases: [number, string][] = [
      [0, '00'],
      [-1, '01'],
      [1, '02'],
      [63, '7e'],
      [-64, '7f'],
      [64, '8001'],
      [-65, '8101'],
      [8191, 'fe7f'],
      [-8192, 'ff7f'],
      [8192, '808001'],
      [2147483647, 'feffffff0f'],
      [-2147483648, 'ffffffff0f'],
    ];
    for (const [value, hex] of cases) {
      expect(bytesOf(writeVarint, value)).toBe(hex);
      expect(varintSize(value)).toBe(hex.length / 2);
      const bytes = Buffer.from(hex, 'hex');
      expect(readVarint(bytes, { position: 0 }, bytes.length)).toBe(value);
      expect(bytesOf(writeVarlong, value)).toBe(hex);
      expect(readVarlong(bytes, { position: 0 }, bytes.length)).toBe(value);
    }
  });

  test('varlong reaches every safe integer', () => {
    const cases: [number, string][] = [
      [2147483648, '8080808010'],
      [-2147483649, '8180808010'],
      [17179869183, 'feffffff7f'],
      [17179869184, '808080808001'],
      [Number.MAX_SAFE_INTEGER, 'feffffffffffff1f'],
      [Number.MIN_SAFE_INTEGER, 'fdffffffffffff1f'],
    ];
    for (const [value, hex] of cases) {
      expect(bytesOf(writeVarlong, value)).toBe(hex);
      expect(varlongSize(value)).toBe(hex.length / 2);
      const bytes = Buffer.from(hex, 'hex');
      expect(readVarlong(bytes, { position: 0 }, bytes.length)).toBe(value);
    }
  });

  test('unsigned varint reaches 2³²−1', () => {
    for (const [value, hex] of [
      [0, '00'],
      [127, '7f'],
      [128, '8001'],
      [16384, '808001'],
      [4294967295, 'ffffffff0f'],
    ] as const) {
      expect(bytesOf(writeUnsignedVarint, value)).toBe(hex);
      expect(unsignedVarintSize(value)).toBe(hex.length / 2);
      const bytes = Buffer.from(hex, 'hex');
      expect(readUnsignedVarint(bytes, { position: 0 }, bytes.length)).toBe(value);
    }
  });

  test('the size at every power of two is what is written', () => {
    for (let bit = 0; bit < 32; bit++) {
      for (const value of [2 ** bit - 1, 2 ** bit]) {
        expect(unsignedVarintSize(value)).toBe(bytesOf(writeUnsignedVarint, value).length / 2);
      }
    }
    for (let bit = 0; bit < 53; bit++) {
      for (const value of [2 ** bit - 1, -(2 ** bit), 2 ** bit]) {
        expect(varlongSize(value)).toBe(bytesOf(writeVarlong, value).length / 2);
      }
    }
  });

  test('bytes that are cut off, too long or too large are refused', () => {
    for (const hex of ['', '80', 'ffff', 'ffffffff1f', '808080808000']) {
      const bytes = Buffer.from(hex, 'hex');
      expect(() => readVarint(bytes, { position: 0 }, bytes.length)).toThrow(VarintError);
      expect(() => readUnsignedVarint(bytes, { position: 0 }, bytes.length)).toThrow(VarintError);
    }
    for (const hex of ['', '80', 'ffffffffffffffff01', 'ffffffffffffffffffff01']) {
      const bytes = Buffer.from(hex, 'hex');
      expect(() => readVarlong(bytes, { position: 0 }, bytes.length)).toThrow(VarintError);
    }
  });

  test('the limit holds even where the buffer goes on', () => {
    const bytes = Buffer.from('8001', 'hex');
    expect(() => readVarint(bytes, { position: 0 }, 1)).toThrow(VarintError);
  });

  test('the cursor ends behind what was read', () => {
    const bytes = Buffer.from('ff8001ff', 'hex');
    const cursor = { position: 1 };
    expect(readVarint(bytes, cursor, bytes.length)).toBe(64);
    expect(cursor.position).toBe(3);
  });
});
