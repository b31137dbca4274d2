import { expect, test } from 'vitest';
import { javaStringHash, partitionFor } from '../../../src/coordinator/index.ts';

test('strings hash as in Java', () => {
  // "polygenelubricants" is the well-known string with the hash Integer.MIN_VALUE.
  expect(javaStringHash('')).toBe(0);
  expect(javaStringHash('hello')).toBe(99_162_322);
  expect(javaStringHash('polygenelubricants')).toBe(-2_147_483_648);
  expect(javaStringHash('Aa')).toBe(javaStringHash('BB'));
});

test('a partition is never negative, and the lowest hash goes to 0', () => {
  expect(partitionFor('polygenelubricants', 50)).toBe(0);
  expect(partitionFor('hello', 50)).toBe(22);
  expect(partitionFor('', 8)).toBe(0);
});
