// Indexes that had to be rebuilt are written by the next retention: they may leave memory then, and the next start loads
// them.

import { expect, test } from 'vitest';
import { type BatchToAppend, DiskError, type LogConfig } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { batchOf, openStore, readBaseOffsets, testConfig } from '../support.ts';

const DAY = 86_400_000;
/** Of a segment that is read in the test. */
const INDEX = `t-0/${'0'.repeat(20)}.index`;

function batch(timestamp: number): BatchToAppend {
  return batchOf([{ timestamp, key: null, value: Buffer.alloc(200) }]);
}

/** Opens a log anew with other configs, when its segments have batches of these times. */
async function reopened(timestamp: number, before: LogConfig, after: LogConfig) {
  const disk = new SimulatedDisk({ seed: 1 });
  const clock = new VirtualClock();
  const open = async (config: LogConfig) => {
    const store = await openStore(disk, { clock, indexBytesMax: 1, tailBytesMax: 0 });
    return { store, log: await store.openLog({ name: 't-0', topicId: 'id', config }) };
  };
  const { store, log } = await open(before);
  for (let index = 0; index < 400; index++)
    await clock.until(log.append(batch(timestamp)).committed);
  await clock.until(store.close());
  const loads = () => {
    let count = 0;
    disk.hook = (operation, path) => {
      if (operation === 'open' && path === INDEX) count += 1;
    };
    return () => count;
  };
  return { disk, clock, loads, log: (await open(after)).log };
}

const segments = { ...testConfig, segmentBytes: 32_768 };

test.each([
  ['segments without times', -1, segments, { ...segments, retentionMs: DAY }],
  ['a lower index.interval.bytes', 1000, { ...segments, indexIntervalBytes: 1_000_000 }, segments],
] as const)('%s', async (_, timestamp, before, after) => {
  const { disk, clock, loads, log } = await reopened(timestamp, before, after);
  await clock.until(log.applyRetention(1000));
  await clock.until(readBaseOffsets(log));
  disk.hook = (operation, path) => {
    if (operation === 'write' && path === INDEX) throw new DiskError('disk_full', path, 'no room');
  };
  await clock.until(log.applyRetention(1000));
  expect(log.state).toBe('open');
  disk.hook = () => {};
  await clock.until(log.applyRetention(1000));
  // Whoever reads what lies behind in other segments has these indexes dropped, and loaded when they are needed again.
  const loaded = loads();
  await clock.until(readBaseOffsets(log));
  await clock.until(readBaseOffsets(log));
  expect(loaded()).toBeGreaterThan(0);
  const read = await clock.until(readBaseOffsets(log));
  expect(read).toEqual(Array.from({ length: 400 }, (__, at) => at));
});
