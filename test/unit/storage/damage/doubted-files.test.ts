// A log whose sync has failed: what is committed by the journal alone is in files that may not be believed, since the
// page cache may drop it, and is there after a reopening. Until then nobody is told that it is damaged, or not there.

import { describe, expect, test } from 'vitest';
import { BatchHeader, iterateBatches } from '../../../../src/record/index.ts';
import {
  DiskError,
  type LogConfig,
  loadDamage,
  type PartitionLog,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { openStore, patchFile, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const SEGMENT = `t-0/${'0'.repeat(20)}.log`;
const refused = { code: 'KAFKA_STORAGE_ERROR' };

async function world(config: LogConfig = testConfig, disk = new SimulatedDisk({ seed: 1 })) {
  const clock = new VirtualClock();
  // Without a tail in memory, which answers whatever the files hold.
  const store = await openStore(disk, { clock, tailBytesMax: 1 });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  const other = await store.openLog({ name: 't-1', topicId: 'id', config: testConfig });
  /** So many commits that the journal takes what comes next. */
  const useJournal = async () => {
    for (const pauseMs of [60_000, 0]) {
      for (let index = 0; index < 12; index++)
        await clock.until(other.append(testBatch(index)).committed);
      await clock.advance(pauseMs);
    }
  };
  const commit = (indexes: readonly number[]) =>
    clock.until(Promise.all(indexes.map((index) => log.append(testBatch(index)).committed)));
  return { disk, clock, log, commit, useJournal };
}

/** No sync of a segment succeeds; what is committed is so by the journal. Ends with the log failed. */
async function fail(
  { disk, clock, log, useJournal }: Awaited<ReturnType<typeof world>>,
  commit: () => Promise<unknown>,
): Promise<void> {
  await useJournal();
  disk.hook = (operation, path) => {
    if (operation === 'sync' && /^t-0\/.*\.log$/.test(path))
      throw new DiskError('io_error', path, 'no sync');
  };
  await commit();
  await clock.advance(60_000);
  disk.hook = () => {};
  expect(log.state).toBe('failed');
}

async function loaded(log: PartitionLog): Promise<number[]> {
  const seen: number[] = [];
  for await (const batch of log.batches(0)) seen.push(new BatchHeader(batch).baseOffset);
  return seen;
}

test('a reading of all batches costs no committed record', async () => {
  const opened = await world();
  const { disk, clock, log, commit } = opened;
  await fail(opened, () => commit([70, 71, 72]));
  expect(log.highWatermark).toBe(9);
  disk.evict();
  await expect(clock.until(loaded(log))).rejects.toMatchObject(refused);
  await clock.advance(1000);
  expect(await loadDamage(disk, 't-0')).toEqual([]);
  await clock.until(log.reopen());
  expect(await clock.until(readBaseOffsets(log))).toEqual([0, 3, 6]);
  expect(log.damaged).toEqual([]);
});

test('offsets behind a segment that was rolled are not missing', async () => {
  const opened = await world({ ...testConfig, segmentBytes: 300 });
  const { disk, clock, log, commit } = opened;
  await fail(opened, async () => {
    await commit([70]);
    await commit([71]);
  });
  expect([log.segmentCount(), log.highWatermark]).toEqual([2, 6]);
  disk.evict();
  await expect(clock.until(readBaseOffsets(log))).rejects.toMatchObject(refused);
  await expect(clock.until(loaded(log))).rejects.toMatchObject(refused);
  await clock.advance(1000);
  expect(log.damaged).toEqual([]);
  await clock.until(log.reopen());
  expect(await clock.until(readBaseOffsets(log))).toEqual([0, 3]);
  expect(log.damaged).toEqual([]);
});

test('a reopening that the disk refuses shows what may be believed, and takes nothing for damage', async () => {
  const opened = await world();
  const { disk, clock, log, commit } = opened;
  await commit([60, 61]);
  await clock.until(log.flush());
  await clock.advance(60_000);
  await fail(opened, () => commit([70, 71, 72]));
  const { highWatermark, damaged } = log;
  expect([highWatermark, damaged]).toEqual([15, []]);
  disk.evict();
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.startsWith('t-0/'))
      throw new DiskError('io_error', path, 'no write');
  };
  await expect(clock.until(log.reopen())).rejects.toMatchObject(refused);
  expect([log.highWatermark, log.damaged]).toEqual([15, []]);
  const read = (offset: number) =>
    clock.until(log.read({ offset, limit: 15, maxBytes: 1e6, minOneBatch: true }));
  const { records } = await read(0);
  expect([...iterateBatches(records as Buffer)].map((batch) => batch.baseOffset)).toEqual([0, 3]);
  await expect(read(6)).rejects.toMatchObject(refused);
  await expect(clock.until(loaded(log))).rejects.toMatchObject(refused);
  disk.hook = () => {};
  await clock.until(log.reopen());
  expect(await clock.until(readBaseOffsets(log))).toEqual([0, 3, 6, 9, 12]);
  expect(log.damaged).toEqual([]);
});

describe('searches by time', () => {
  async function doubted() {
    const opened = await world();
    const { clock, log, commit } = opened;
    await commit([0, 1, 2, 3, 4]);
    await clock.until(log.flush());
    await clock.advance(60_000);
    await fail(opened, () => commit([70]));
    expect(log.highWatermark).toBe(18);
    return opened;
  }

  test('answer what lies in the files that are believed', async () => {
    const { log, clock } = await doubted();
    expect(await clock.until(log.offsetForTimestamp(1020))).toMatchObject({ offset: 6 });
  });

  test('are refused where the answer may lie behind that', async () => {
    const { log, clock } = await doubted();
    await expect(clock.until(log.offsetForTimestamp(1700))).rejects.toMatchObject(refused);
    await expect(clock.until(log.maxTimestamp())).rejects.toMatchObject(refused);
  });
});

const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 10);
const flipped = (bytes: Buffer): Buffer => {
  bytes[bytes.length - 3]! ^= 1;
  return bytes;
};

test.each([
  ['found by the start', cut, 'unclean'],
  ['met by a reader', flipped, 'unclean'],
  ['met in the segment that is doubted', flipped, 'clean'],
] as const)(
  'nobody who comes to damage %s is sent over what is committed behind it',
  async (_, harm, stop) => {
    const disk = new SimulatedDisk({ seed: 1 });
    const before = await openStore(disk);
    const first = await before.openLog({ name: 't-0', topicId: 'id', config: testConfig });
    for (let index = 0; index < 5; index++) await first.append(testBatch(index)).committed;
    await before.close();
    if (stop === 'unclean') await disk.remove('clean-shutdown');
    await patchFile(disk, SEGMENT, harm);
    const opened = await world(testConfig, disk);
    const { log, clock, commit } = opened;
    expect([log.startOffset, log.endOffset]).toEqual([0, 15]);
    await fail(opened, () => commit([7]));
    expect(log.highWatermark).toBe(18);
    const read = (offset: number) =>
      clock.until(log.read({ offset, limit: 18, maxBytes: 1e6, minOneBatch: true }));
    const { records } = await read(12);
    const told = [...iterateBatches(records as Buffer)];
    expect(told.map((batch) => [batch.recordCount, batch.baseOffset, batch.lastOffset])).toEqual([
      [0, 12, 14],
    ]);
    await expect(read(15)).rejects.toMatchObject(refused);
    expect(log.damaged.map((range) => [range.firstOffset, range.lastOffset])).toEqual([[12, 14]]);
  },
);
