// A log whose files would not sync, committed through the journal: a reopening takes from there what the page cache,
// which counts those bytes as written, may have dropped since.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { DiskError, openLogStore } from '../../../src/storage/index.ts';
import { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { readBaseOffsets, testBatch, testConfig } from './support.ts';

const BATCHES = 40;
const whole = Array.from({ length: BATCHES }, (_, index) => index * 3);

test('what only the journal has is there after a reopening', async () => {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const ports = { disk, root: 'test', clock, random, logger: silentLogger };
  const store = await clock.until(openLogStore(ports));
  const openLog = (name: string) =>
    clock.until(store.openLog({ name, topicId: 'id', config: testConfig }));
  const logs = [await openLog('t-0'), await openLog('t-1')] as const;
  for (let index = 0; index < BATCHES; index++) {
    await clock.until(Promise.all(logs.map((log) => log.append(testBatch(index)).committed)));
  }
  disk.hook = (operation, path) => {
    if (operation === 'sync' && path.startsWith('t-1/') && path.endsWith('.log'))
      throw new DiskError('io_error', path, 'no sync');
  };
  await clock.advance(10_000);
  const [, failed] = logs;
  expect(failed.state).toBe('failed');
  disk.evict();
  disk.hook = () => {};
  await clock.until(failed.reopen());
  expect(await clock.until(readBaseOffsets(failed))).toEqual(whole);
  expect(failed.damaged).toEqual([]);
  await clock.until(failed.append(testBatch(BATCHES)).committed);

  // And it is on the disk now.
  const after = disk.crash(5);
  const again = await clock.until(openLogStore({ ...ports, disk: after }));
  const log = await clock.until(again.openLog({ name: 't-1', topicId: 'id', config: testConfig }));
  expect(await clock.until(readBaseOffsets(log))).toEqual([...whole, BATCHES * 3]);
});
