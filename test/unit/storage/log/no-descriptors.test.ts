// A moment without free descriptors (a burst of connections) costs no log its writes.

import { expect, test } from 'vitest';
import { DiskError } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { wrapFiles } from '../../../support/simulation-faults.ts';
import { openStore, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const MINUTE = 60_000;

/**
 * A log whose segment is old enough to be rolled. After `given` more files no descriptor is free for it until `free()`,
 * or, unless another log is busy, until its file is closed.
 */
async function scarce({ given = 0, isOtherBusy = true } = {}) {
  const disk = new SimulatedDisk({ seed: 1 });
  const clock = new VirtualClock();
  const free = () => {
    disk.hook = () => {};
  };
  const freeing = wrapFiles(disk, (file) => ({
    close: async () => {
      await file.close();
      if (!isOtherBusy && file.path.startsWith('u-0/')) free();
    },
  }));
  const store = await openStore(freeing, { clock, tailBytesMax: 0 });
  const hooks = { producerSnapshot: () => Buffer.from('state') };
  const config = { ...testConfig, segmentMs: MINUTE };
  const log = await store.openLog({ name: 't-0', topicId: 'id', config, hooks });
  const lazy = { ...config, flushPolicy: 'os' as const };
  const other = await store.openLog({ name: 'u-0', topicId: 'other', config: lazy });
  await clock.until(other.append(testBatch(0)).committed);
  if (!isOtherBusy) await clock.until(other.flush());
  for (let index = 0; index < 3; index++) await clock.until(log.append(testBatch(index)).committed);
  await clock.advance(2 * MINUTE);
  let [left, refused] = [given, 0];
  disk.hook = (operation, path) => {
    if (operation !== 'open' || !/^t-0\/.*(snapshot|log|tmp)$/.test(path) || left-- > 0) return;
    refused += 1;
    throw new DiskError('too_many_files', path, 'EMFILE');
  };
  return { clock, store, log, free, refused: () => refused };
}

const given = [{ given: 0 }, { given: 1 }];

test.each(given)('retention begins no new segment then, and the log goes on: %o', async (files) => {
  const { clock, log, free, refused } = await scarce(files);
  await clock.until(log.applyRetention(clock.now()));
  expect(refused()).toBeGreaterThan(0);
  expect(log.state).toBe('open');
  free();
  await clock.until(log.append(testBatch(50_000)).committed);
  expect(await clock.until(readBaseOffsets(log))).toEqual([0, 3, 6, 9]);
});

test.each(given)('an append waits for the file of its segment: %o', async (files) => {
  const { clock, log, free, refused } = await scarce(files);
  const waiting = log.append(testBatch(50_000)).committed;
  let done = false;
  void waiting.then(() => {
    done = true;
  });
  await clock.advance(MINUTE);
  expect(refused()).toBeGreaterThan(1);
  expect([log.state, done]).toEqual(['open', false]);
  // Nor does it keep retention, or the deletion of records, waiting.
  expect(await clock.until(log.applyRetention(clock.now()))).toBe(0);
  expect(done).toBe(false);
  free();
  await clock.until(waiting);
  expect(await clock.until(readBaseOffsets(log))).toEqual([0, 3, 6, 9]);
});

test('an append takes the descriptor of a file that nobody uses', async () => {
  const { clock, log, refused } = await scarce({ isOtherBusy: false });
  await clock.until(log.append(testBatch(50_000)).committed);
  expect(refused()).toBe(1);
});

test('a log that is closed meanwhile waits no longer, and refuses what waits', async () => {
  const { clock, store, log } = await scarce();
  const waiting = log.append(testBatch(50_000)).committed;
  const outcome = waiting.then(
    () => 'committed',
    () => 'refused',
  );
  await clock.advance(1000);
  await clock.until(store.close());
  expect(await outcome).toBe('refused');
});
