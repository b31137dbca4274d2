// A data directory of ten thousand partitions takes milliseconds to be listed.

import { expect, test } from 'vitest';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { openStore, testBatch, testConfig } from '../support.ts';

test('a store lists its data directory once as it opens, and removes what deleted topics left', async () => {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  const first = await openStore(disk);
  const log = await first.openLog({ name: 't-0', topicId: 'id', config: testConfig });
  await log.append(testBatch(0)).committed;
  await first.close();
  await disk.rename('t-0', 't-0.0123456789abcdef0123456789abcdef-delete');
  const listed: string[] = [];
  disk.hook = (operation, path) => {
    if (operation === 'list') listed.push(path);
  };
  const store = await openStore(disk);
  expect(listed.filter((path) => path === '.')).toHaveLength(1);
  disk.hook = () => {};
  const left = async () => (await disk.list('.')).filter((name) => name.startsWith('t-0'));
  await expect.poll(left).toEqual([]);
  await store.close();
});
