import { describe, expect, test } from 'vitest';
import { murmur2, partitionForKey } from '../../../src/base/murmur2.ts';
import { javaMurmur2 } from '../record/fixtures.ts';

describe('murmur2', () => {
  test('agrees with Java for keys of every rest length', () => {
    expect(Object.keys(javaMurmur2).length).toBeGreaterThan(10);
    for (const [key, hash] of Object.entries(javaMurmur2)) {
      expect(murmur2(Buffer.from(key)), key).toBe(hash);
    }
  });

  test('the partition is the hash without its sign bit, modulo the count', () => {
    for (const [key, hash] of Object.entries(javaMurmur2)) {
      const positive = hash < 0 ? hash + 2 ** 31 : hash;
      expect(partitionForKey(Buffer.from(key), 7)).toBe(positive % 7);
    }
  });
});
