import { expect, test } from 'vitest';
import { settingsOf } from '../../../../src/client/consumer/settings.ts';
import type { ConsumerOptions } from '../../../../src/client/index.ts';

test.each([
  [{ topics: ['a'], from: 'erliest' }, /'erliest' is no place/],
  [{ topics: 'a' }, /topics is a list: \['a'\]/],
  [{}, /either topics or assign/],
  [{ topics: [] }, /topics is an empty list/],
  [{ assign: [] }, /assign is an empty list/],
  [{ topics: ['a'], maxPollIntervalMs: 'soon' }, /maxPollIntervalMs soon: write a number from 1/],
  [{ topics: ['a'], maxWaitMs: -1 }, /maxWaitMs -1: write a number from 0/],
  [{ topics: ['a'], bufferBytes: Number.NaN }, /bufferBytes NaN/],
  [{ topics: ['a'], group: 'g', autoCommit: { everyMs: 0 } }, /autoCommit.everyMs 0/],
])('%j is no set of options', (options, message) => {
  const make = () => settingsOf(options as ConsumerOptions);
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  expect(make).toThrow(message);
});
