// A checkpoint keeps out of the way of commits: the next file is there before it is needed, and syncs of segments come
// one by one, unless somebody waits for them.

import { expect, test } from 'vitest';
import { Generation } from '../../../../src/storage/commit/journal-files.ts';
import { type Disk, MemoryDisk } from '../../../../src/storage/index.ts';
import { eventually } from '../../../support/eventually.ts';
import { journalOn, keyOf } from './journal-support.ts';

const LOGS = 50;

async function journalOfMany(disk: Disk, kept: readonly Generation[] = []) {
  const { journal, clock, append: appendFor } = await journalOn(disk, { dirtyLogsMax: 1000, kept });
  const synced: number[] = [];
  const syncDirty = async (): Promise<void> => {
    synced.push(clock.monotonic());
  };
  const owner = { syncDirty };
  const append = (log: number): Promise<void> => appendFor(`t-${log}`, owner);
  const appendToAll = async (): Promise<void> => {
    for (let log = 0; log < LOGS; log++) await append(log);
  };
  return { journal, clock, synced, append, appendToAll };
}

/** Making a file takes until the test says so. */
class SlowNames extends MemoryDisk {
  hold: Promise<void> = Promise.resolve();

  override async syncDirectory(directory: string): Promise<void> {
    await this.hold;
    return super.syncDirectory(directory);
  }
}

test('commits go on while the next file is made', async () => {
  const disk = new SlowNames(() => 0);
  const { journal, clock, append } = await journalOfMany(disk);
  await append(0);
  await clock.advance(14_900);
  await append(1);
  let goOn = (): void => {};
  disk.hold = new Promise((resolve) => {
    goOn = resolve;
  });
  await clock.advance(200);
  const files = async () =>
    (await disk.list('journal')).filter((name) => name.endsWith('.journal'));
  expect(await files()).toHaveLength(2);
  await append(2);
  goOn();
  await clock.advance(15_000);
  await append(3);
  await journal.close();
  expect(await files()).toEqual([]);
});

test('a checkpoint that nobody waits for rests between its syncs', async () => {
  const { journal, clock, synced, appendToAll } = await journalOfMany(new MemoryDisk(() => 0));
  await appendToAll();
  await clock.advance(23_000);
  expect(synced).toHaveLength(LOGS);
  expect(new Set(synced).size).toBeGreaterThan(LOGS / 2);
  await journal.close();
});

test('it rests beside a file that is held, which waits for no sync', async () => {
  const held = new Generation('held');
  held.checkpointed = true;
  held.heldBy.add('a log');
  const { journal, clock, synced, appendToAll } = await journalOfMany(new MemoryDisk(() => 0), [
    held,
  ]);
  await appendToAll();
  await clock.advance(23_000);
  expect(synced).toHaveLength(LOGS);
  expect(new Set(synced).size).toBeGreaterThan(LOGS / 2);
  await journal.close();
});

test('once somebody waits for it, it goes on without a rest', async () => {
  const { journal, clock, synced, appendToAll } = await journalOfMany(new MemoryDisk(() => 0));
  await appendToAll();
  await clock.advance(15_100);
  const before = synced.length;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(LOGS);
  // The clock stands still.
  expect(await journal.release(keyOf('t-7'))).toBe(true);
  expect(synced).toHaveLength(LOGS);
  await journal.close();
});

test('files that pile up are checkpointed without a rest', async () => {
  const { journal, clock, synced, append, appendToAll } = await journalOfMany(
    new MemoryDisk(() => 0),
  );
  await appendToAll();
  await clock.advance(14_900);
  await append(0);
  await clock.advance(200);
  const before = synced.length;
  expect(before).toBeLessThan(LOGS);
  void journal.checkpoint();
  await eventually(() => expect(synced).toHaveLength(LOGS));
  await journal.close();
});
