// Suites start, prepare and describe nothing where --only wants none of their rows.

import { expect, test } from 'vitest';
import { suites } from '../../../bench/suites.ts';
import { recording } from './recording.ts';

test.each(Object.keys(suites))('%s', async (name) => {
  const offered = new Set<string>();
  const { run, told, rows } = recording({ only: ['no such row'], peers: ['kafka'], offered });
  const runner = await suites[name]?.load();
  await runner?.(run);
  expect(told).toEqual([]);
  expect([...rows]).toEqual([]);
  expect(offered.size).toBeGreaterThan(0);
});
