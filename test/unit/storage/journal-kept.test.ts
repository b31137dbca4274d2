// A start that could not write back what the journal holds of a log: the log comes back once the disk takes writes.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { DiskError, openLogStore } from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../support/captured-log.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';
import { compactionInPlace, readBaseOffsets, testBatch, testConfig } from './support.ts';

const BATCHES = 4;
const whole = Array.from({ length: BATCHES }, (_, index) => index * 3);

async function openOver(disk: SimulatedDisk) {
  const clock = new VirtualClock();
  const { logger, lines } = capturedLog();
  const compaction = compactionInPlace(disk, clock, 1000);
  const ports = { disk, root: 'test', clock, random: new SeededRandom(7), logger };
  const store = await clock.until(openLogStore({ ...ports, compaction }));
  const openLog = (name: string) =>
    clock.until(store.openLog({ name, topicId: 'id', config: testConfig }));
  return { store, clock, openLog, lines };
}

/** Two logs whose batches are durable in the journal alone, and the disk after the power went. */
async function journaled(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  const { clock, openLog } = await openOver(disk);
  const logs = [await openLog('t-0'), await openLog('t-1')];
  for (let index = 0; index < BATCHES; index++) {
    await clock.until(Promise.all(logs.map((log) => log.append(testBatch(index)).committed)));
  }
  return disk.crash(3);
}

test('a log that the start could not write back opens later, with all that was committed', async () => {
  const disk = await journaled();
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.startsWith('t-1/'))
      throw new DiskError('disk_full', path, 'no room');
  };
  const { store, clock, openLog } = await openOver(disk);
  await expect(openLog('t-1')).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  const other = await openLog('t-0');
  expect(await clock.until(readBaseOffsets(other))).toEqual(whole);
  expect(store.compaction).toBeNull();

  disk.hook = () => {};
  const late = await openLog('t-1');
  expect(await clock.until(readBaseOffsets(late))).toEqual(whole);
  await clock.until(late.append(testBatch(BATCHES)).committed);
  // Nothing needs the journal of the last run any more, so that compaction may change files again.
  expect(store.compaction).not.toBeNull();
  const after = await openOver(disk.crash(4));
  expect(await after.clock.until(readBaseOffsets(await after.openLog('t-1')))).toHaveLength(5);
});

test('a journal whose removal a kill cut short does not come back once a start has gone on without it', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = await journaled();
    const journals = (of: SimulatedDisk) =>
      of.paths().filter((path) => /^journal\/\d+\.journal$/.test(path));
    const [path = ''] = journals(disk);
    await disk.remove(path);
    // The removal is seen, but not durable yet.
    await openOver(disk);
    expect(journals(disk.crash(seed))).toEqual([]);
  }
});
