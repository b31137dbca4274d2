// A journal file counts until its name is gone for good: what may be replayed is voided before compaction changes files.

import { expect, test } from 'vitest';
import { type Disk, DiskError, MemoryDisk } from '../../../../src/storage/index.ts';
import { eventually } from '../../../support/eventually.ts';
import { journalEntries, journalOn, keyOf } from './journal-support.ts';

class Renames extends MemoryDisk {
  before: (from: string) => Promise<void> = () => Promise.resolve();

  override async rename(from: string, to: string): Promise<void> {
    await this.before(from);
    return super.rename(from, to);
  }
}

const owner = { syncDirty: () => Promise.resolve() };

const entries = async (disk: Disk): Promise<string[]> => (await journalEntries(disk)).flat();

test('while a file is being taken away it is still there: no compaction, and its entries are voided', async () => {
  const disk = new Renames(() => 0);
  const { journal, append } = await journalOn(disk);
  await append('t-0', owner);
  let begun = false;
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  disk.before = () => {
    begun = true;
    return held;
  };
  const checkpoint = journal.checkpoint();
  await eventually(() => expect(begun).toBe(true));
  let released: boolean | null = null;
  void journal.release(keyOf('t-0')).then((done) => {
    released = done;
  });
  await journal.forget(keyOf('t-0'));
  expect(await entries(disk)).toEqual(['batches id t-0', 'forget id t-0']);
  expect(released).not.toBe(true);
  goOn();
  await checkpoint;
  await eventually(() => expect(released).not.toBeNull());
  await journal.close();
  expect(await entries(disk)).toEqual([]);
});

test('a file that cannot be taken away is tried again, and until then what it holds can be voided', async () => {
  const disk = new Renames(() => 0);
  const { journal, append, clock } = await journalOn(disk);
  await append('t-0', owner);
  await append('t-1', owner);
  disk.before = (from) => Promise.reject(new DiskError('io_error', from, 'no rename'));
  await journal.checkpoint();
  expect(await journal.release(keyOf('t-1'))).toBe(true);
  await journal.forget(keyOf('t-0'));
  await journal.checkpoint();
  const left = ['batches id t-0', 'batches id t-1', 'forget id t-1', 'forget id t-0'];
  expect(await entries(disk)).toEqual(left);

  disk.before = () => Promise.resolve();
  await clock.advance(60_000);
  await eventually(async () => expect(await entries(disk)).toEqual([]));
  expect(await journal.release(keyOf('t-1'))).toBe(true);
  await journal.close();
});

test('a spare file that cannot be written keeps nobody from committing', async () => {
  const disk = new Renames(() => 0);
  const { journal, append } = await journalOn(disk);
  await append('t-0', owner);
  await journal.checkpoint();
  expect(await disk.list('journal')).toEqual(['spare']);
  disk.before = (from) => Promise.reject(new DiskError('io_error', from, 'no rename'));
  await append('t-0', owner);
  expect(await entries(disk)).toEqual(['batches id t-0']);
  disk.before = () => Promise.resolve();
  await journal.close();
});
