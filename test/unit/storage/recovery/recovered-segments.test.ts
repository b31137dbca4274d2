// What a recovery knows of the segments that it hands over: how old they are, and what need not stay in memory of them.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { FilePool } from '../../../../src/storage/disk/file-pool.ts';
import { type Disk, DiskError, MemoryDisk } from '../../../../src/storage/index.ts';
import { openDirectory } from '../../../../src/storage/recovery/recovery.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { wrapFiles } from '../../../support/simulation-faults.ts';
import { batchOf, openStore, sizedBatch, testBatch, testConfig } from '../support.ts';

const DAY = 86_400_000;

test.each(['clean', 'unclean'])(
  'segment.ms counts from the first record, whatever starts come between: %s',
  async (stop) => {
    const clock = new VirtualClock();
    const disk = new MemoryDisk(() => clock.now());
    let count = 0;
    for (let start = 0; start < 5; start++) {
      const store = await openStore(disk, { clock });
      const log = await store.openLog({ name: 't-0', topicId: 'id', config: testConfig });
      const timestamp = clock.now();
      const batch = batchOf([{ timestamp, key: null, value: Buffer.from('v') }]);
      await clock.until(log.append(batch).committed);
      count = log.segmentCount();
      await clock.until(store.close());
      if (stop === 'unclean') await disk.remove('clean-shutdown');
      await clock.advance(6 * DAY);
    }
    // 24 days of records, and segments of seven days.
    expect(count).toBe(3);
  },
);

test('a log opens whose first bytes, from below the recovery point, cannot be read', async () => {
  const whole = new MemoryDisk();
  const config = { ...testConfig, segmentBytes: 1024 * 1024 };
  const openOn = async (disk: Disk) => {
    const store = await openStore(disk);
    return { store, log: await store.openLog({ name: 't-0', topicId: 'id', config }) };
  };
  const before = await openOn(whole);
  for (let index = 0; index < 100; index++) await before.log.append(testBatch(index)).committed;
  await before.store.close();
  await whole.remove('clean-shutdown');
  const disk = wrapFiles(whole, (file) => ({
    read: async (into, position) => {
      const lost = file.path.endsWith('.log') && position < 512;
      if (lost) throw new DiskError('io_error', file.path, 'refused');
      return file.read(into, position);
    },
  }));
  const { store, log } = await openOn(disk);
  await log.append(testBatch(100)).committed;
  expect(log.highWatermark).toBe(303);
  await store.close();
});

test('indexes of the segments that a long scan has finished are in their files alone', async () => {
  const clock = new VirtualClock();
  const disk = new MemoryDisk(() => clock.now());
  const config = { ...testConfig, segmentBytes: 1_000_000 };
  const store = await openStore(disk, { clock });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  for (let index = 0; index < 100; index++)
    await clock.until(log.append(sizedBatch(100_000)).committed);
  await clock.until(store.close());
  const unknown = Number.POSITIVE_INFINITY;
  const { segments } = await openDirectory({
    disk,
    pool: new FilePool(disk, 100),
    clock,
    logger: silentLogger,
    name: 't-0',
    config,
    stop: 'crashed',
    mark: unknown,
    rewriteFrom: unknown,
    startOffset: 0,
    recoveryOffset: 0,
    recoveryPosition: 0,
    wasCompacted: false,
    leaderEpoch: -1,
    epochsBelow: unknown,
    epochsChecksum: null,
    times: { maxTimestamp: -1, maxTimestampOffset: 0, firstTimestamp: -1 },
  });
  const finished = segments.filter(({ sealed }) => sealed);
  expect(finished.length).toBeGreaterThan(5);
  expect(finished.filter(({ indexes }) => indexes.inMemory)).toEqual([]);
});
