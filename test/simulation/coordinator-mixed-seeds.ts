// Many runs of the mixed world; a failing one says how to see it again.

import { type Counts, runMixed } from './coordinator-mixed-run.ts';

const replay = (seed: number): string =>
  `replay: SEED=${seed} npx vitest run --config test/vitest.config.ts ` +
  'test/simulation/coordinator-mixed.test.ts';

/** `show` gets what happened in each. */
export async function runMixedSeeds(
  first: number,
  count: number,
  show: ((trace: string) => void) | null = null,
): Promise<Counts> {
  const totals: Counts = { handovers: 0, commits: 0, restarts: 0, migrations: 0, epochs: 0 };
  for (let seed = first; seed < first + count; seed++) {
    try {
      const counts = await runMixed(seed, show);
      for (const name of Object.keys(totals) as (keyof Counts)[]) totals[name] += counts[name];
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${seed}: ${text}\n${replay(seed)}`, { cause: error });
    }
  }
  return totals;
}
