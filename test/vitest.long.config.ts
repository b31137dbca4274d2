import { defineConfig } from 'vitest/config';

/**
 * The long suites: full-size interop, many seeds (also of suites that run a few in `npm test`), crashes with real
 * processes. One file at a time.
 */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: [
      'test/**/*.long.test.ts',
      'test/property/storage-crash.test.ts',
      'test/simulation/compaction.test.ts',
    ],
    env: { STORAGE_RUNS: '160', COMPACTION_RUNS: '60', ...process.env },
    exclude: ['**/node_modules/**'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
