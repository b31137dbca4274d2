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
      // These run a part of their seeds in `npm test` (test/support/amount.ts, or the variables below).
      'test/hostile/frames.test.ts',
      'test/property/{adopted-transactions,batch-sender,compaction-groups}.test.ts',
      'test/property/{engine-producer-state,engine-restarts,protocol}.test.ts',
      'test/property/{record,record-varint,replay,storage-crash}.test.ts',
      'test/simulation/compaction{,-lost-end,-no-room,-prefix,-reopened}.test.ts',
      'test/simulation/coordinator-classic.test.ts',
      'test/unit/inspect/random-damage.test.ts',
      'test/unit/storage/segment/time-index.test.ts',
      'test/unit/tools/archive.test.ts',
    ],
    env: {
      LONG_SUITES: '1',
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
