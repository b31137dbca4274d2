// Groups of both protocols under faults, migrating both ways. In every run: no partition has two owners who could both
// commit for it, acknowledged offsets never go back, the group settles within its timeouts once faults stop and then
// stays as it is, and the log, compacted or not, gives the same group again.
//
// Replay a seed, with its trace:  SEED=123 npx vitest run --config test/vitest.config.ts test/simulation/coordinator-mixed.test.ts
// More seeds:     SEEDS=5000 FROM=1000 (the same command); some hundreds: coordinator-mixed.long.test.ts

import { describe, expect, test } from 'vitest';
import { seedsToRun } from '../support/simulation-seeds.ts';
import { canaries } from './coordinator-mixed-canaries.ts';
import { runCrowd, runMixed } from './coordinator-mixed-run.ts';
import { runMixedSeeds } from './coordinator-mixed-seeds.ts';

const { first, count, single } = seedsToRun(10);

test(`${count} seeds of members of both protocols, faults and restarts`, {
  timeout: 600_000,
}, async () => {
  const totals = await runMixedSeeds(first, count, single ? console.log : null);
  if (single) return;
  // The runs did what they are for.
  expect(totals.epochs).toBeGreaterThan(4 * count);
  expect(totals.handovers).toBeGreaterThan(50 * count);
  expect(totals.commits).toBeGreaterThan(10 * count);
  expect(totals.restarts).toBeGreaterThan(count);
  expect(totals.migrations).toBeGreaterThan(count);
});

test.skipIf(single)(
  '30 members of both protocols settle, migrate back, and all leave',
  {
    timeout: 300_000,
  },
  () => runCrowd({ members: 30, partitions: 100 }),
);

describe.skipIf(single)('the simulation itself', () => {
  test('does the same thing again from the same seed', { timeout: 60_000 }, async () => {
    for (const seed of [1000, 1001]) expect(await runMixed(seed)).toEqual(await runMixed(seed));
  });

  test.each(canaries)('finds a coordinator that $name', { timeout: 300_000 }, async (canary) => {
    const mend = canary.plant();
    try {
      for (let seed = 1; seed <= canary.seedsMax; seed++) {
        try {
          await runMixed(seed);
        } catch (error) {
          expect(String(error)).toMatch(canary.sign);
          return;
        }
      }
    } finally {
      mend();
    }
    throw new Error(`not found in ${canary.seedsMax} seeds`);
  });
});
