// The seed of tests that draw random numbers. CI is repeatable, contributors explore: where CI is set and no seed is
// asked for, it is always the same one, so that an old and rare fault cannot stop a release that has nothing to do with
// it; on a contributor's machine each run takes another one, and a failing test prints how to replay it.
// TIDEMARK_SEED=123 asks for one.

const CI_SEED = 20_261_122;

/** The seed of this run: TIDEMARK_SEED, or CI's, or one nobody has tried yet. */
export function testSeed(): number {
  const { TIDEMARK_SEED, CI } = process.env;
  if (TIDEMARK_SEED !== undefined) return Number(TIDEMARK_SEED);
  return isCi(CI) ? CI_SEED : Math.floor(Math.random() * 2 ** 31);
}

/** Whether a seed is given, so that more than one run has the same. */
export function isSeedFixed(): boolean {
  const { TIDEMARK_SEED, CI } = process.env;
  return TIDEMARK_SEED !== undefined || isCi(CI);
}

function isCi(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false';
}
