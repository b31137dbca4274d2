import { afterEach, describe, expect, test } from 'vitest';
import {
  crc32c,
  crc32cParts,
  crc32cPlain,
  crc32cReplaced,
  installCrc32c,
} from '../../../src/base/crc32c.ts';
import { NATIVE_CRC_BYTES_MIN, useAccelerators } from '../../../src/host/accelerators.ts';

/** Bit by bit, straight from the definition. */
function slow(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

const sample = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919) & 0xff));

afterEach(() => installCrc32c(crc32cPlain, Number.POSITIVE_INFINITY));

describe('crc32c', () => {
  // RFC 3720, B.4.
  test('gives the published answers', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.alloc(0))).toBe(0);
  });

  test('agrees with the definition at every length and start', () => {
    for (let length = 0; length < 64; length++) {
      const bytes = sample.subarray(length, length * 2);
      expect(crc32cPlain(bytes, 0)).toBe(slow(bytes));
    }
  });

  test.each([0, 1, 2, 3, 7, 8, 500, 100_000])(
    'follows a changed beginning over %i bytes',
    (length) => {
      const rest = Buffer.alloc(length, sample);
      const before = sample.subarray(0, 40);
      const after = sample.subarray(100, 140);
      const change = { was: crc32c(before), is: crc32c(after), following: length };
      const right = crc32cParts([before, rest]);
      expect(crc32cReplaced(right, change)).toBe(crc32cParts([after, rest]));
      // Damage is not made good.
      expect(crc32cReplaced(right ^ 1, change)).not.toBe(crc32cParts([after, rest]));
    },
  );

  test('goes on over several buffers', () => {
    for (const cut of [0, 1, 7, 8, 500, 1000]) {
      const parts = [sample.subarray(0, cut), sample.subarray(cut)];
      expect(crc32cParts(parts)).toBe(slow(sample));
    }
  });

  test('the native routine is used from its threshold on, and not below', () => {
    const lengths: number[] = [];
    installCrc32c((bytes, seed) => {
      lengths.push(bytes.length);
      return crc32cPlain(bytes, seed);
    }, 100);
    crc32c(Buffer.alloc(99));
    crc32c(Buffer.alloc(100));
    expect(lengths).toEqual([100]);
  });

  test('the native routine, where installed, gives the same results', () => {
    useAccelerators();
    for (const length of [NATIVE_CRC_BYTES_MIN - 1, NATIVE_CRC_BYTES_MIN, 1000]) {
      const bytes = sample.subarray(0, length);
      expect(crc32c(bytes)).toBe(slow(bytes));
      expect(crc32cParts([bytes, sample])).toBe(slow(Buffer.concat([bytes, sample])));
    }
  });
});
