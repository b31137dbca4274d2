// What retention by age reads to know how old finished segments are.

import { describe, expect, test } from 'vitest';
import type { BatchToAppend } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { batchOf, openStore, testBatch, testConfig } from '../support.ts';

const BATCHES = 100;
/** Of the newest record of {@link testBatch}. */
const timeOf = (index: number): number => 1000 + index * 10 + 2;

/** A log of several segments that was closed and opened again, and the time indexes that are read from now on. */
async function reopened(retentionMs: number) {
  const disk = new SimulatedDisk({ seed: 1 });
  const open = async () => {
    const store = await openStore(disk, { clock: new VirtualClock() });
    const config = { ...testConfig, retentionMs };
    return { store, log: await store.openLog({ name: 't-0', topicId: 'id', config }) };
  };
  const before = await open();
  for (let index = 0; index < BATCHES; index++) await before.log.append(testBatch(index)).committed;
  await before.store.close();
  const { log } = await open();
  const segments = (await disk.list('t-0')).filter((name) => name.endsWith('.log'));
  expect(segments.length).toBeGreaterThan(3);
  const starts = segments.map((name) => Number.parseInt(name, 10));
  const read = new Set<number>();
  disk.hook = (operation, path) => {
    if (operation === 'open' && path.endsWith('.timeindex')) read.add(Number(path.slice(4, 24)));
  };
  return { log, starts, read };
}

test('nothing where records may be of any age', async () => {
  const { log, read } = await reopened(-1);
  expect(await log.applyRetention(timeOf(BATCHES))).toBe(0);
  expect([...read]).toEqual([]);
});

test('the index of the first segment where that is young enough', async () => {
  const { log, read } = await reopened(1000);
  expect(await log.applyRetention(timeOf(BATCHES))).toBe(0);
  expect([...read]).toEqual([0]);
});

test('those of the segments that go, and of the first that stays', async () => {
  const { log, starts, read } = await reopened(1000);
  const [, , third] = starts as [number, number, number];
  // The newest of the second segment has just become too old.
  const newest = timeOf(third / 3 - 1);
  expect(await log.applyRetention(newest + 1001)).toBe(2);
  expect(log.startOffset).toBe(third);
  expect([...read]).toEqual(starts.slice(0, 3));
});

test('a record that is appended meanwhile stays', async () => {
  for (let ticks = 0; ticks < 60; ticks++) {
    const clock = new VirtualClock();
    const store = await openStore(new SimulatedDisk({ seed: 2 }), { clock });
    const config = { ...testConfig, retentionMs: 1000 };
    const log = await store.openLog({ name: 't-0', topicId: 'id', config });
    await clock.until(log.append(testBatch(0, 1)).committed);
    const retention = log.applyRetention(timeOf(0) + 1001);
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    await clock.until(log.append(testBatch(200, 1)).committed);
    await clock.until(retention);
    expect([ticks, log.startOffset <= 1]).toEqual([ticks, true]);
  }
});

describe('records without a time', () => {
  const HOUR = 3_600_000;

  function untimed(): BatchToAppend {
    return batchOf([{ timestamp: -1, key: null, value: Buffer.from('v') }]);
  }

  test('are as old as the last write of their segment', async () => {
    const clock = new VirtualClock();
    const store = await openStore(new SimulatedDisk({ seed: 1 }), { clock });
    const config = { ...testConfig, retentionMs: HOUR };
    const log = await store.openLog({ name: 't-0', topicId: 'id', config });
    await clock.until(log.append(untimed()).committed);
    await clock.advance(2 * HOUR);
    await clock.until(log.append(untimed()).committed);
    await clock.until(log.applyRetention(clock.now()));
    expect(log.startOffset).toBe(0);
    await clock.advance(HOUR + 1);
    await clock.until(log.applyRetention(clock.now()));
    expect(log.startOffset).toBe(2);
  });
});
