// How much random or repeated work a test does: some in `npm test`, more in the long suites, which set LONG_SUITES and
// run such files, too (test/vitest.long.config.ts).

/** Runs, seeds or steps: `usual` of them, or `long` in the long suites. */
export function amount(usual: number, long: number): number {
  return process.env['LONG_SUITES'] === undefined ? usual : long;
}
