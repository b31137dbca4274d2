import { defineConfig } from 'vitest/config';

const long = ['test/**/*.long.test.ts', '**/node_modules/**'];
/** What looks at its own process: its handles, memory, threads and clocks, or loads every file of the sources. */
const alone = [
  'test/tidy.test.ts',
  'test/client/life.test.ts',
  'test/hostile/{frames,repeats}.test.ts',
  'test/simulation/purity.test.ts',
  'test/stories/own-process.test.ts',
];
/** They run from seeds, which nothing of the outside may shift: they share their processes with each other alone. */
const simulations = ['test/simulation/**/*.test.ts'];

/**
 * Everything but the long suites (`*.long.test.ts`, see vitest.long.config.ts). Files share processes and what these
 * have loaded: to load it anew for each file was half of the time of most.
 */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    setupFiles: ['test/support/equal-bytes.ts'],
    // For a machine that does other things too; what hangs is seen all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // What was compiled for the last run is there for the next one: a tenth of the processor time.
    experimental: { fsModuleCache: true },
    // More than a small machine has cores: many of the tests wait.
    maxWorkers: 4,
    projects: [
      { extends: true, test: { name: 'alone', include: alone, exclude: long } },
      {
        extends: true,
        test: {
          name: 'simulations',
          include: simulations,
          exclude: [...alone, ...long],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: [...alone, ...simulations, ...long],
          isolate: false,
        },
      },
    ],
  },
});
