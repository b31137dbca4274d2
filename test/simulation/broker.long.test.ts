// Ten thousand seeds of broker.test.ts, its own among them. SEEDS and FROM choose others; a failing seed prints its own command.

import { expect, test } from 'vitest';
import { runSimulation } from '../support/simulation-run.ts';
import { seedsToRun } from '../support/simulation-seeds.ts';

const { first, count } = seedsToRun(10_000);

/** I/O points at which some crash must have struck, or the simulation has lost its teeth. */
const mustCrashAt = [
  'write log/#.log',
  'sync log/#.log',
  'sync catalogue/#.log',
  'write marks',
  'rename marks.tmp',
  'rename catalogue/#.snapshot.tmp',
  'rename log/partition.metadata.tmp',
  'rename log/#.log.rewrite',
  'rename log/leader-epoch-checkpoint.tmp',
  'syncdir log',
  'syncdir .',
  'remove clean-shutdown',
];

test(`a broker under every fault keeps its promises, ${count} seeds`, {
  timeout: 3_600_000,
}, async () => {
  const points = new Map<string, number>();
  const failures: string[] = [];
  for (let seed = first; seed < first + count; seed++) {
    try {
      const report = await runSimulation({ seed });
      for (const point of report.crashPoints) points.set(point, (points.get(point) ?? 0) + 1);
    } catch (error) {
      failures.push((error as Error).message);
      if (failures.length >= 5) break;
    }
  }
  expect(failures).toEqual([]);
  if (count >= 10_000) expect(mustCrashAt.filter((point) => !points.has(point))).toEqual([]);
});
