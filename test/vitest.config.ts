import { defineConfig } from 'vitest/config';

/** Everything but the long suites (`*.long.test.ts`, see vitest.long.config.ts). */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts', '**/node_modules/**'],
    // For a machine that does other things too; what hangs is seen all the same.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'threads',
    maxWorkers: 2,
  },
});
