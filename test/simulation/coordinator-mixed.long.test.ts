// Some hundreds of runs of coordinator-mixed.test.ts, and a group of 300 members.

import { expect, test } from 'vitest';
import { seedsToRun } from '../support/simulation-seeds.ts';
import { runCrowd } from './coordinator-mixed-run.ts';
import { runMixedSeeds } from './coordinator-mixed-seeds.ts';

const { first, count } = seedsToRun(300);

test(`${count} seeds of members of both protocols, faults and restarts`, {
  timeout: 1_800_000,
}, async () => {
  const totals = await runMixedSeeds(first, count);
  expect(totals.migrations).toBeGreaterThan(count);
});

test(
  '300 members over 1,500 partitions settle, migrate back, and all leave',
  {
    timeout: 600_000,
  },
  () => runCrowd({ members: 300, partitions: 1_000 }),
);
