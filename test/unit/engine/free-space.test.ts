// The floor of free space: what is written between two looks at the disk must not carry it below.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { FreeSpace } from '../../../src/engine/free-space.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

const MEGABYTE = 1024 * 1024;
const FLOOR = 8 * MEGABYTE;

/** A disk on which each admitted byte is stored twice: in a segment and in the journal. */
function diskOf(megabytes: number) {
  const disk = { free: megabytes * MEGABYTE, asked: 0 };
  const clock = new VirtualClock();
  const space = new FreeSpace({
    freeBytes: () => {
      disk.asked++;
      return Promise.resolve(disk.free);
    },
    floorBytes: () => FLOOR,
    clock,
    logger: silentLogger,
  });
  return { disk, clock, space };
}

test('what is stored twice, in a segment and in the journal, leaves the floor alone', async () => {
  const { disk, clock, space } = diskOf(24);
  await clock.until(space.refresh());
  const bytes = MEGABYTE / 16;
  while (space.admits(bytes)) disk.free -= 2 * bytes;
  expect(disk.free).toBeGreaterThanOrEqual(FLOOR);
  space.close();
});

test('what turns out to be there is used: a refusal asks the disk again', async () => {
  const { clock, space } = diskOf(24);
  await clock.until(space.refresh());
  // Bytes that take no room at all, as when the journal's file is used again and the segment was deleted.
  let admitted = 0;
  for (let tries = 0; tries < 2000; tries++) {
    if (space.admits(MEGABYTE / 16)) admitted += MEGABYTE / 16;
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(admitted).toBeGreaterThan(60 * MEGABYTE);
  space.close();
});

/** How often the disk is asked while 200 MB are appended. */
async function questionsOf(megabytes: number): Promise<number> {
  const { disk, clock, space } = diskOf(megabytes);
  await clock.until(space.refresh());
  const before = disk.asked;
  for (let step = 0; step < 3200; step++) {
    if (space.admits(MEGABYTE / 16)) disk.free -= MEGABYTE / 8;
    await Promise.resolve();
    await Promise.resolve();
  }
  space.close();
  return disk.asked - before;
}

test('a disk with much room is seldom asked, one with little often', async () => {
  expect(await questionsOf(100_000)).toBeLessThanOrEqual(1);
  expect(await questionsOf(400)).toBeGreaterThan(20);
});
