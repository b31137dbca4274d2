// What options take as numbers, and what they say to the rest.

import { expect, test } from 'vitest';
import { positiveNumber, wholeNumber } from '../../../src/cli/numbers.ts';

test.each(['', ' ', '1.5', '1e3', '0x10', 'many', '-1', '9007199254740993'])(
  'no whole number from 0 on: %j',
  (text) => {
    const message = `--count ${text}: write a whole number from 0 on`;
    expect(() => wholeNumber('--count', text)).toThrowError(
      expect.objectContaining({ message, exitCode: 2 }),
    );
  },
);

test('both ends of a range belong to it', () => {
  const range = { from: 1, to: 19 };
  expect([wholeNumber('-l', '1', range), wholeNumber('-l', '19', range)]).toEqual([1, 19]);
  for (const text of ['0', '20']) {
    expect(() => wholeNumber('-l', text, range)).toThrowError('from 1 to 19');
  }
});

test('signs, where numbers below 0 are meant', () => {
  const range = { from: Number.MIN_SAFE_INTEGER };
  expect(['-3', '+3'].map((text) => wholeNumber('--shift-by', text, range))).toEqual([-3, 3]);
});

test('a rate may be a fraction, but not nothing', () => {
  expect(positiveNumber('--rate', '0.5')).toBe(0.5);
  for (const text of ['0', '-1', 'x', '', 'Infinity']) {
    expect(() => positiveNumber('--rate', text)).toThrowError('write a number above 0');
  }
});
