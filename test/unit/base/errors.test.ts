import { expect, test } from 'vitest';
import { asError, textOfError } from '../../../src/base/errors.ts';

test('whatever is thrown has a text, and can be had as an Error', () => {
  const error = new TypeError('no number');
  expect(textOfError(error)).toBe('no number');
  expect(asError(error)).toBe(error);
  for (const [thrown, text] of [
    ['gone', 'gone'],
    [undefined, 'undefined'],
    [{ toString: () => 'odd' }, 'odd'],
  ]) {
    expect(textOfError(thrown)).toBe(text);
    expect(asError(thrown)).toEqual(new Error(String(text)));
  }
});
