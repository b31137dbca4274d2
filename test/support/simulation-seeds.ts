// Which seeds a simulation test runs: SEED=123 runs that one and prints what happened in it; SEEDS=5000 runs so many,
// FROM=20000 begins elsewhere.

export interface Seeds {
  readonly first: number;
  readonly count: number;
  /** One seed was asked for by name. */
  readonly single: boolean;
}

export function seedsToRun(countDefault: number): Seeds {
  const { SEED, SEEDS, FROM } = process.env;
  if (SEED !== undefined) return { first: Number(SEED), count: 1, single: true };
  return {
    first: Number(FROM ?? 1),
    count: Number(SEEDS ?? countDefault),
    single: false,
  };
}
