// A log whose files would not sync, committed through the journal: a reopening takes from there what the page cache,
// which counts those bytes as written, may have dropped since.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { iterateBatches, verifyBatch } from '../../../../src/record/index.ts';
import { DiskError, openLogStore, type PartitionLog } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { readBaseOffsets, testBatch, testConfig } from '../support.ts';

const BATCHES = 40;
const whole = Array.from({ length: BATCHES }, (_, index) => index * 3);

async function openOver(disk: SimulatedDisk, tailBytesMax?: number) {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const ports = {
    disk,
    root: 'test',
    clock,
    random,
    logger: silentLogger,
    ...(tailBytesMax !== undefined && { tailBytesMax }),
  };
  const store = await clock.until(openLogStore(ports));
  const openLog = (name: string) =>
    clock.until(store.openLog({ name, topicId: 'id', config: testConfig }));
  return { clock, openLog };
}

/** A log that has failed, of whose last batches only the journal knows. */
async function failedLog(disk: SimulatedDisk, tailBytesMax?: number) {
  const { clock, openLog } = await openOver(disk, tailBytesMax);
  const logs = [await openLog('t-0'), await openLog('t-1')] as const;
  for (let index = 0; index < BATCHES; index++) {
    await clock.until(Promise.all(logs.map((log) => log.append(testBatch(index)).committed)));
  }
  disk.hook = (operation, path) => {
    if (operation === 'sync' && path.startsWith('t-1/') && path.endsWith('.log'))
      throw new DiskError('io_error', path, 'no sync');
  };
  await clock.advance(30_000);
  disk.hook = () => {};
  const [, log] = logs;
  expect(log.state).toBe('failed');
  disk.evict();
  return { clock, log };
}

async function expectAll(clock: VirtualClock, log: PartitionLog, more: number[] = []) {
  expect(await clock.until(readBaseOffsets(log))).toEqual([...whole, ...more]);
  expect(log.damaged).toEqual([]);
}

async function appendAndCrash(disk: SimulatedDisk, clock: VirtualClock, log: PartitionLog) {
  await clock.until(log.append(testBatch(BATCHES)).committed);
  const after = await openOver(disk.crash(5));
  await expectAll(after.clock, await after.openLog('t-1'), [BATCHES * 3]);
}

test('what only the journal has is there after a reopening', async () => {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  const { clock, log } = await failedLog(disk);
  await clock.until(log.reopen());
  await expectAll(clock, log);
  await appendAndCrash(disk, clock, log);
});

test('what the page cache has dropped is not served, and not taken for damage', async () => {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  const { clock, log } = await failedLog(disk, 0);
  let refused = 0;
  for (const offset of whole) {
    const options = { offset, limit: log.highWatermark, maxBytes: 100_000, minOneBatch: true };
    const read = await clock.until(log.read(options).catch((error: Error) => error));
    if (read instanceof Error) {
      expect(read).toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
      refused++;
      continue;
    }
    const bytes = read.records as Buffer;
    for (const { position, sizeInBytes } of iterateBatches(bytes))
      verifyBatch(bytes.subarray(position, position + sizeInBytes));
  }
  expect(refused).toBeGreaterThan(0);
  await clock.until(log.reopen());
  await expectAll(clock, log);
  await appendAndCrash(disk, clock, log);
});

test('also when the disk fails at any step of the reopening, or the power goes there', async () => {
  let steps = Number.POSITIVE_INFINITY;
  for (let step = 1; step <= steps; step++) {
    const disk = new SimulatedDisk({ seed: step, writesNow: 1 });
    const { clock, log } = await failedLog(disk);
    let count = 0;
    disk.hook = (_operation, path) => {
      count++;
      if (count === step) throw new DiskError('io_error', path, 'no luck');
    };
    const tried = await clock.until(
      log
        .reopen()
        .then(() => null)
        .catch((error: Error) => error),
    );
    disk.hook = () => {};
    if (count < step) steps = step;
    if (tried !== null) {
      if (step % 3 === 0) {
        const after = await openOver(disk.crash(step));
        await expectAll(after.clock, await after.openLog('t-1'));
        continue;
      }
      await clock.until(log.reopen());
    }
    await expectAll(clock, log);
    await appendAndCrash(disk, clock, log);
  }
  expect(steps).toBeGreaterThan(20);
});
