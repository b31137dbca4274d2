// What the report says of a row is what is done in it.

import { expect, test } from 'vitest';
import { rows } from '../../../bench/load/rows.ts';

test('a row says one linger', () => {
  for (const { how } of rows) expect(how.match(/linger/g)?.length ?? 0).toBeLessThan(2);
});
