import { describe, expect, test } from 'vitest';
import type { Random } from '../../../src/base/ports.ts';
import { formatUuid, parseUuid, randomUuid, UuidError, ZERO_UUID } from '../../../src/base/uuid.ts';

function randomOf(...values: Buffer[]): Random {
  return { next: () => 0, bytes: () => Buffer.from(values.shift() ?? Buffer.alloc(16, 1)) };
}

describe('uuid', () => {
  test('text and bytes are the same id', () => {
    const bytes = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    expect(formatUuid(bytes)).toBe('AAECAwQFBgcICQoLDA0ODw');
    expect(parseUuid('AAECAwQFBgcICQoLDA0ODw').equals(bytes)).toBe(true);
    expect(formatUuid(Buffer.concat([Buffer.alloc(3), bytes]), 3)).toBe('AAECAwQFBgcICQoLDA0ODw');
    expect(parseUuid(ZERO_UUID).equals(Buffer.alloc(16))).toBe(true);
  });

  test('other text is refused', () => {
    for (const text of [
      '',
      'abc',
      'AAECAwQFBgcICQoLDA0OD+',
      'AAECAwQFBgcICQoLDA0ODx=',
      'A'.repeat(23),
    ]) {
      expect(() => parseUuid(text)).toThrow(UuidError);
    }
    expect(() => parseUuid('AAECAwQFBgcICQoLDA0ODx')).toThrow(UuidError);
  });

  test('a fresh id is a version 4 UUID', () => {
    const bytes = parseUuid(randomUuid(randomOf(Buffer.alloc(16, 0xff), Buffer.alloc(16, 0x77))));
    expect(bytes[6]! >>> 4).toBe(4);
    expect(bytes[8]! >>> 6).toBe(2);
  });

  test('a fresh id never begins with a dash', () => {
    // 0xfb begins with the six bits of '-'.
    const id = randomUuid(randomOf(Buffer.alloc(16, 0xfb), Buffer.alloc(16, 0x01)));
    expect(id.startsWith('AQEB')).toBe(true);
  });
});
