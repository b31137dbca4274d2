// What a turn of the event loop appends is written in one call for each log and committed together.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { parseJournal } from '../../../../src/storage/commit/journal-format.ts';
import { DiskError, openLogStore } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { readBaseOffsets, testBatch, testConfig } from '../support.ts';

const config = { ...testConfig, segmentBytes: 1024 * 1024 };

async function open(disk: SimulatedDisk, logs: number) {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const store = await clock.until(
    openLogStore({ disk, root: 'test', clock, random, logger: silentLogger }),
  );
  const opened = Array.from({ length: logs }, (_, index) =>
    store.openLog({ name: `t-${index}`, topicId: 'id', config }),
  );
  return { clock, store, logs: await clock.until(Promise.all(opened)) };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Appends to each log, and waits until all is committed. */
function commit({ clock, logs }: Opened, from: number, count: number): Promise<unknown> {
  const tickets = [];
  for (let index = from; index < from + count; index++) {
    for (const log of logs) tickets.push(log.append(testBatch(index)).committed);
  }
  return clock.until(Promise.all(tickets));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index * 3);

test('one write a log and one sync in all', async () => {
  const disk = new SimulatedDisk({ seed: 1, writesNow: 1 });
  const world = await open(disk, 3);
  await commit(world, 0, 1);
  const seen: string[] = [];
  disk.hook = (operation, path) => seen.push(`${operation} ${path.replace(/0{5,}/, '')}`);
  const { syncs } = world.store.commits;
  await commit(world, 1, 5);
  expect(seen.filter((step) => step.includes('.log'))).toEqual(
    [0, 1, 2].map((index) => `write t-${index}/.log`),
  );
  expect(seen.filter((step) => step.startsWith('sync journal'))).toHaveLength(1);
  expect(world.store.commits.syncs - syncs).toBe(1);
  for (const log of world.logs)
    expect(await world.clock.until(readBaseOffsets(log))).toEqual(upTo(6));
});

test('commits of one log alone go to the journal, once there were a few', async () => {
  const disk = new SimulatedDisk({ seed: 5, writesNow: 1 });
  const world = await open(disk, 1);
  const syncs = { own: 0, journal: 0 };
  disk.hook = (operation, path) => {
    if (operation === 'sync' && path.startsWith('t-0/') && path.endsWith('.log')) syncs.own++;
    if (operation === 'sync' && path.endsWith('.journal')) syncs.journal++;
  };
  // A few now and then are not worth a second file.
  for (let index = 0; index < 5; index++) await commit(world, index, 1);
  expect(syncs).toEqual({ own: 5, journal: 0 });
  for (let index = 5; index < 50; index++) await commit(world, index, 1);
  expect(syncs.own + syncs.journal).toBe(50);
  expect(syncs.journal).toBeGreaterThan(35);

  const after = await open(disk.crash(), 1);
  for (const log of after.logs)
    expect(await after.clock.until(readBaseOffsets(log))).toEqual(upTo(50));
});

test('a disk that takes no writes within the turn gets them all the same, in order', async () => {
  const world = await open(new SimulatedDisk({ seed: 2, writesNow: 0.5 }), 2);
  for (let index = 0; index < 30; index++) await commit(world, index, 1);
  for (const log of world.logs)
    expect(await world.clock.until(readBaseOffsets(log))).toEqual(upTo(30));
});

test('a write that is refused within the turn fails its log, not the others', async () => {
  const disk = new SimulatedDisk({ seed: 3, writesNow: 1 });
  const { clock, store, logs } = await open(disk, 2);
  await commit({ clock, store, logs }, 0, 1);
  disk.hook = (operation, path) => {
    if (operation === 'write' && path.startsWith('t-0'))
      throw new DiskError('disk_full', path, 'no room');
  };
  const [first, second] = logs.map((log) => log.append(testBatch(1)));
  await expect(clock.until(first!.committed)).rejects.toThrow('no room');
  await clock.until(second!.committed);
  expect(logs.map((log) => log.state)).toEqual(['failed', 'open']);
});

test('a journal file is used again, and holds nothing of its first life when it is replayed', async () => {
  const disk = new SimulatedDisk({ seed: 4, writesNow: 1 });
  const world = await open(disk, 3);
  // The files are made at the first append, each in its time.
  await commit(world, 0, 1);
  await commit(world, 1, 3);
  expect(disk.paths().filter((path) => path.startsWith('journal/'))).toHaveLength(1);
  await world.clock.advance(16_000);
  expect(disk.paths().filter((path) => path.startsWith('journal/'))).toEqual(['journal/spare']);
  const before = disk.bytesOf('journal/spare');
  await commit(world, 4, 1);
  const [path = ''] = disk.paths().filter((name) => name.startsWith('journal/'));
  expect(path).toMatch(/\d{20}\.journal$/);
  expect(disk.bytesOf(path)).toBe(before);
  const file = await world.clock.until(disk.open(path, 'read'));
  const bytes = Buffer.alloc(before);
  await world.clock.until(file.read(bytes, 0));
  const entries = parseJournal(bytes, path);
  expect(entries.map(({ key }) => key).sort()).toEqual(['id t-0', 'id t-1', 'id t-2']);

  const after = await open(disk.crash(), 3);
  for (const log of after.logs)
    expect(await after.clock.until(readBaseOffsets(log))).toEqual(upTo(5));
});
