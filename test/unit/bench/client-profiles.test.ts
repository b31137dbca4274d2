// A row of our client whose goal is not reached is done once more under the profiler; nothing starts for other rows.

import { expect, test } from 'vitest';
import { profileClients } from '../../../bench/client/profiling.ts';
import { recording } from './recording.ts';

const row = 'single sends, 100 B';

test('our client in a row of its own is profiled, over the part that counts', async () => {
  const { run, told } = recording();
  const system = 'tidemark on tidemark';
  const profiles = await profileClients(run, [{ row, system }]);
  expect(told).toEqual([]);
  expect(profiles).toEqual([{ row, system, functions: expect.any(Array), calls: [] }]);
  expect(profiles[0]?.functions.length).toBeGreaterThan(0);
});

test('nothing is started for rows of brokers, and of brokers that were not asked for', async () => {
  const { run } = recording();
  expect(await profileClients(run, [{ row, system: 'tidemark' }])).toEqual([]);
  expect(await profileClients(run, [{ row, system: 'tidemark on kafka' }])).toEqual([]);
});
