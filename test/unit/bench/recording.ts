// A run of a suite that keeps what it is told, as lines.

import type { SuiteOptions, SuiteRun } from '../../../bench/suite.ts';

export interface RecordedRun {
  readonly run: SuiteRun;
  readonly told: string[];
  /** Rows that were described. */
  readonly rows: Map<string, string>;
}

export function recording(options: Partial<SuiteOptions> = {}): RecordedRun {
  const told: string[] = [];
  const rows = new Map<string, string>();
  const run: SuiteRun = {
    options: {
      quick: true,
      peers: [],
      given: [],
      rounds: undefined,
      only: [],
      profile: false,
      foreignCoresMax: 0.35,
      ...options,
    },
    add: ({ name }, row) => told.push(`${name}: ${row}`),
    describe: (row, how) => rows.set(row, how),
    missing: (what, why) => told.push(`missing ${what}: ${why}`),
    thrownOut: (system, row) => told.push(`thrown out ${system}: ${row}`),
    say: () => undefined,
  };
  return { run, told, rows };
}
