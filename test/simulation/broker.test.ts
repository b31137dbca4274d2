// Whole brokers with clients, on a disk, a clock and a network that fail, from seeds. One seed again, with its trace:
//   SEED=123 npx vitest run --config test/vitest.config.ts test/simulation/broker.test.ts
// More of them: SEEDS=2000 FROM=500000 before the same command; ten thousand: broker.long.test.ts.

import { describe, expect, test } from 'vitest';
import { canaries } from '../support/simulation-canaries.ts';
import { runSimulation } from '../support/simulation-run.ts';
import { seedsToRun } from '../support/simulation-seeds.ts';

const { first, count, single } = seedsToRun(24);

describe('a broker under every fault', () => {
  test(`keeps its promises, seeds ${first} to ${first + count - 1}`, {
    timeout: 300_000,
  }, async () => {
    const totals = { lives: 0, acknowledged: 0, failures: 0 };
    const points = new Set<string>();
    for (let seed = first; seed < first + count; seed++) {
      const report = await runSimulation({ seed, keepTrace: single });
      if (single) console.log(report.trace.join('\n'));
      totals.lives += report.lives;
      totals.acknowledged += report.acknowledged;
      totals.failures += report.diskFailures;
      for (const point of report.crashPoints) points.add(point);
    }
    if (single || count < 24) return;
    // A simulation in which nothing happens finds nothing.
    expect(totals.lives).toBeGreaterThan(count * 4);
    expect(totals.acknowledged).toBeGreaterThan(count * 15);
    expect(totals.failures).toBeGreaterThan(count);
    expect(points.size).toBeGreaterThan(8);
  });
});

describe.skipIf(single)('the simulation itself', () => {
  test('does the same thing again from the same seed', { timeout: 120_000 }, async () => {
    for (let seed = 1000; seed < 1003; seed++) {
      const once = await runSimulation({ seed });
      const again = await runSimulation({ seed });
      expect(again).toEqual(once);
    }
  });

  test.each(canaries)('finds a broker that $name', { timeout: 300_000 }, async (canary) => {
    const begin = canary.seedFirst ?? 1;
    for (let seed = begin; seed < begin + canary.seedsMax; seed++) {
      try {
        await runSimulation({ seed, wrapDisk: canary.wrap });
      } catch (error) {
        expect(String(error)).toContain(`SEED=${seed}`);
        return;
      }
    }
    throw new Error(`not found in ${canary.seedsMax} seeds`);
  });
});
