// Many seeds of client.test.ts: SEEDS and FROM say how many, and from where on.

import { expect, test } from 'vitest';
import { seedsToRun } from '../support/simulation-seeds.ts';
import { runClientSimulation } from './client-world.ts';

const { first, count } = seedsToRun(600);

test(`clients lose nothing, seeds ${first} to ${first + count - 1}`, async () => {
  let acknowledged = 0;
  let remade = 0;
  for (let seed = first; seed < first + count; seed++) {
    const report = await runClientSimulation(seed);
    acknowledged += report.acknowledged;
    remade += report.remade;
  }
  expect(acknowledged).toBeGreaterThan(0);
  if (count >= 20) expect(remade).toBeGreaterThan(0);
});
