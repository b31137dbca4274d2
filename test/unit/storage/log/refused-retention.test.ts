// What the disk refuses while retention takes segments away: nothing else waits for it, and it is done in the end.

import { describe, expect, test } from 'vitest';
import {
  type Disk,
  DiskError,
  type DiskErrorCode,
  MemoryDisk,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { wrapFiles } from '../../../support/simulation-faults.ts';
import { openStore, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const BATCHES = 200;
const HOUR = 3_600_000;
const FIRST = `t-0/${'0'.repeat(20)}.log`;

async function filledOn<D extends Disk>(disk: D, clock: VirtualClock, config = testConfig) {
  const open = async (on: Disk) => {
    const store = await openStore(on, { clock });
    return {
      store,
      log: await store.openLog({ name: 't-0', topicId: 'id', config }),
    };
  };
  const { store, log } = await open(disk);
  for (let index = 0; index < BATCHES; index++)
    await clock.until(log.append(testBatch(index)).committed);
  const logFiles = async () => (await disk.list('t-0')).filter((name) => name.includes('.log'));
  return { disk, clock, open, store, log, logFiles };
}

const filled = () => filledOn(new SimulatedDisk({ seed: 1 }), new VirtualClock());

describe('the times of the oldest segment cannot be read', () => {
  /** Opened again, so that they have to be. */
  async function unreadable(code: DiskErrorCode, limits: Partial<typeof testConfig>) {
    const clock = new VirtualClock();
    const whole = new MemoryDisk(() => clock.now());
    const { open, store } = await filledOn(whole, clock, {
      ...testConfig,
      ...limits,
    });
    await clock.until(store.close());
    const disk = wrapFiles(whole, (file) => ({
      read: async (into, position) => {
        if (file.path === FIRST) throw new DiskError(code, file.path, 'refused');
        return file.read(into, position);
      },
    }));
    const { log } = await open(disk);
    return { clock, log };
  }

  test('the size of the log is kept within its limit all the same', async () => {
    const { clock, log } = await unreadable('io_error', {
      retentionMs: 24 * HOUR,
      retentionBytes: 8192,
    });
    expect(await clock.until(log.applyRetention(2000))).toBeGreaterThan(1);
    expect(log.sizeBytes()).toBeLessThan(8192 + testConfig.segmentBytes);
  });

  test('by age it goes once its last write, too, is old enough', async () => {
    const { clock, log } = await unreadable('io_error', { retentionMs: HOUR });
    const modifiedMs = clock.now();
    expect(await clock.until(log.applyRetention(modifiedMs + HOUR))).toBe(0);
    expect(await clock.until(log.applyRetention(modifiedMs + HOUR + 1))).toBeGreaterThan(1);
  });

  test('where that may pass, it stays', async () => {
    const { clock, log } = await unreadable('too_many_files', {
      retentionMs: HOUR,
    });
    expect(await clock.until(log.applyRetention(clock.now() + 24 * HOUR))).toBe(0);
    expect(log.state).toBe('open');
  });
});

describe.each(['rename', 'syncdir'])('a %s is refused', (refused) => {
  test.each([1, 5])(
    '%i times: the files of all segments that went are removed, without a start',
    async (times) => {
      const { disk, clock, log, logFiles } = await filled();
      let left = times;
      disk.hook = (operation, path) => {
        if (operation !== refused || !path.startsWith('t-0') || left === 0) return;
        left -= 1;
        throw new DiskError('io_error', path, 'refused');
      };
      await clock.until(log.deleteRecordsBefore(log.highWatermark));
      expect(log.startOffset).toBe(3 * BATCHES);
      await clock.advance(HOUR);
      expect(left).toBe(0);
      expect((await logFiles()).length).toBe(log.segmentCount());
    },
  );
});

test('a log of the same name that comes meanwhile keeps its files', async () => {
  const { disk, clock, store, log, logFiles } = await filled();
  // Its file is open.
  await clock.until(readBaseOffsets(log));
  disk.hook = (operation, path) => {
    if (operation === 'rename' && path === FIRST) throw new DiskError('io_error', path, 'refused');
  };
  await clock.until(log.deleteRecordsBefore(log.highWatermark));
  disk.hook = () => {};
  await clock.until(store.deleteLog(log));
  const next = await store.openLog({
    name: 't-0',
    topicId: 'next',
    config: testConfig,
  });
  for (let index = 0; index < 3; index++)
    await clock.until(next.append(testBatch(index)).committed);
  await clock.advance(HOUR);
  expect(await logFiles()).toEqual([FIRST.slice(4)]);
  expect(await clock.until(readBaseOffsets(next))).toEqual([0, 3, 6]);
});
