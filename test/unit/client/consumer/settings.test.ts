import { expect, test } from 'vitest';
import { settingsOf } from '../../../../src/client/consumer/settings.ts';
import type { ConsumerOptions } from '../../../../src/client/index.ts';

test.each([
  [{ topics: ['a'], from: 'erliest' }, /'erliest' is no place/],
  [{ topics: 'a' }, /topics is a list: \['a'\]/],
  [{}, /either topics or assign/],
])('%j is no set of options', (options, message) => {
  const make = () => settingsOf(options as ConsumerOptions);
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  expect(make).toThrow(message);
});
