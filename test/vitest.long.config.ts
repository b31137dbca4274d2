import { defineConfig } from 'vitest/config';

/**
 * The long suites: full-size interop, many seeds (also of suites that run a few in `npm test`), crashes with real
 * processes. One file at a time.
 */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    setupFiles: ['test/support/equal-bytes.ts'],
    include: [
      'test/**/*.long.test.ts',
      'test/property/replay.test.ts',
      'test/property/storage-crash.test.ts',
      'test/simulation/compaction.test.ts',
      'test/simulation/coordinator-classic.test.ts',
    ],
    env: {
      STORAGE_RUNS: '160',
      COMPACTION_RUNS: '60',
      COMPACTION_LUCKS: '5',
      REPLAY_RUNS: '8',
      CLASSIC_SEEDS: '2000',
      ...process.env,
    },
    exclude: ['**/node_modules/**'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
