// Producers and members of a group, which are killed, too, under lost, late and repeated answers, cut connections, a
// broker that is killed, and a topic that is deleted and made anew.
// One seed again, with its trace:
//   SEED=123 npx vitest run --config test/vitest.config.ts test/simulation/client.test.ts
// More: SEEDS=500 FROM=1000 before the same command; client.long.test.ts runs many.

import { describe, expect, test } from 'vitest';
import { seedsToRun } from '../support/simulation-seeds.ts';
import { runClientSimulation } from './client-world.ts';

const { first, count, single } = seedsToRun(2);

describe('clients under every fault of network and broker', () => {
  test(`lose nothing and keep the order, seeds ${first} to ${first + count - 1}`, {
    timeout: 300_000,
  }, async () => {
    const totals = { acknowledged: 0, lives: 0, rebalances: 0, lost: 0, killed: 0 };
    for (let seed = first; seed < first + count; seed++) {
      const report = await runClientSimulation(seed, { keep: single });
      if (single) console.log(report);
      totals.acknowledged += report.acknowledged;
      totals.lives += report.lives;
      totals.rebalances += report.rebalances;
      totals.lost += report.lost;
      totals.killed += report.killed;
    }
    if (single || count < 2) return;
    // A simulation in which nothing happens finds nothing.
    expect(totals.acknowledged).toBeGreaterThan(count * 100);
    expect(totals.lives).toBeGreaterThan(count * 3);
    expect(totals.rebalances).toBeGreaterThan(count * 10);
    expect(totals.lost).toBeGreaterThan(count / 5);
    expect(totals.killed).toBeGreaterThan(count / 2);
  });

  test.skipIf(single)('the simulation finds a member that commits too much', async () => {
    const run = async (): Promise<void> => {
      for (let seed = 1; seed <= 10; seed++) await runClientSimulation(seed, { bug: true });
    };
    await expect(run()).rejects.toThrow(/nobody was done with|is committed|went from/);
  });

  test.skipIf(single)('do the same again from the same seed', { timeout: 60_000 }, async () => {
    expect(await runClientSimulation(3)).toEqual(await runClientSimulation(3));
  });
});
