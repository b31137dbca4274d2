import { defineConfig } from 'vitest/config';

const long = ['test/**/*.long.test.ts', '**/node_modules/**'];
/** They share processes and what these have loaded: to load it anew for each file was half of their time. */
const units = ['test/{unit,property,conformance}/**/*.test.ts'];

/**
 * Everything but the long suites (`*.long.test.ts`, see vitest.long.config.ts). What looks at its process, or runs from
 * seeds that nothing else may shift, has a process a file. (The projects run in the order of their names: the longest
 * files first.)
 */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    setupFiles: ['test/support/equal-bytes.ts'],
    // For a machine that does other things too; what hangs is seen all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // More than a small machine has cores: many of the tests wait.
    maxWorkers: 4,
    projects: [
      {
        extends: true,
        test: { name: 'systems', include: ['test/**/*.test.ts'], exclude: [...units, ...long] },
      },
      {
        extends: true,
        test: { name: 'units', include: units, exclude: long, isolate: false },
      },
    ],
  },
});
