import { afterEach, expect, test, vi } from 'vitest';
import { CompactionPool } from '../../../src/host/compaction-pool.ts';
import type { CompactionJob } from '../../../src/storage/index.ts';

afterEach(() => {
  vi.doUnmock('piscina');
});

test('workers that cannot be had are asked for again by the next pass, and keep no broker from closing', async () => {
  let starts = 0;
  let destroyed = 0;
  class Workers {
    constructor() {
      starts++;
      if (starts === 1) throw new Error('no threads left');
    }

    run(): Promise<string> {
      return Promise.resolve('done');
    }

    async destroy(): Promise<void> {
      destroyed++;
    }
  }
  vi.doMock('piscina', () => ({ Piscina: Workers }));
  const job = {} as CompactionJob;
  const failed = new CompactionPool({ root: '.' });
  await expect(failed.run(job)).rejects.toThrow('no threads left');
  await failed.close();
  starts = 0;
  const pool = new CompactionPool({ root: '.' });
  await expect(pool.run(job)).rejects.toThrow('no threads left');
  expect(await pool.run(job)).toBe('done');
  await pool.close();
  expect(destroyed).toBe(1);
});
