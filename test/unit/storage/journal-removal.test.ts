// A journal file counts until its name is gone for good: what may be replayed is voided before compaction changes files.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { type Disk, DiskError, MemoryDisk } from '../../../src/storage/index.ts';
import { Journal } from '../../../src/storage/journal.ts';
import { parseJournal } from '../../../src/storage/journal-format.ts';
import { logIdentity } from '../../../src/storage/log-identity.ts';
import { TaskOwner } from '../../../src/storage/tasks.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { eventually } from '../../support/eventually.ts';

const KIND_FORGET = 2;

class Renames extends MemoryDisk {
  before: (from: string) => Promise<void> = () => Promise.resolve();

  override async rename(from: string, to: string): Promise<void> {
    await this.before(from);
    return super.rename(from, to);
  }
}

function journalOn(disk: Disk) {
  const clock = new VirtualClock();
  const tasks = new TaskOwner(silentLogger);
  const ports = { disk, clock, random: new SeededRandom(7), logger: silentLogger, tasks };
  const journal = new Journal({ ...ports, dirtyLogsMax: 10, firstGeneration: 1, kept: [] });
  const owner = { syncDirty: () => Promise.resolve() };
  const append = (name: string) => {
    const parts = [Buffer.from(`batch of ${name}`)];
    const bytes = parts[0]?.length ?? 0;
    return journal.append([
      {
        owner,
        key: logIdentity({ name: name, topicId: 'id' }),
        segmentBase: 0,
        position: 0,
        parts,
        bytes,
      },
    ]);
  };
  return { journal, append, clock, tasks };
}

async function kinds(disk: Disk): Promise<string[]> {
  const found: string[] = [];
  for (const name of await disk.list('journal')) {
    if (!name.endsWith('.journal')) continue;
    const path = `journal/${name}`;
    const file = await disk.open(path, 'read');
    const bytes = Buffer.alloc(await file.size());
    await file.read(bytes, 0);
    for (const { kind, key } of parseJournal(bytes, path))
      found.push(`${kind === KIND_FORGET ? 'forget' : 'batches'} ${key}`);
  }
  return found;
}

test('while a file is being taken away it is still there: no compaction, and its entries are voided', async () => {
  const disk = new Renames(() => 0);
  const { journal, append } = journalOn(disk);
  await disk.makeDirectory('journal');
  await append('t-0');
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
  void journal.release(logIdentity({ name: 't-0', topicId: 'id' })).then((done) => {
    released = done;
  });
  await journal.forget(logIdentity({ name: 't-0', topicId: 'id' }));
  expect(await kinds(disk)).toEqual(['batches id t-0', 'forget id t-0']);
  expect(released).not.toBe(true);
  goOn();
  await checkpoint;
  await eventually(() => expect(released).not.toBeNull());
  await journal.close();
  expect(await kinds(disk)).toEqual([]);
});

test('a file that cannot be taken away is tried again, and until then what it holds can be voided', async () => {
  const disk = new Renames(() => 0);
  const { journal, append, clock } = journalOn(disk);
  await disk.makeDirectory('journal');
  await append('t-0');
  await append('t-1');
  disk.before = (from) => Promise.reject(new DiskError('io_error', from, 'no rename'));
  await journal.checkpoint();
  expect(await journal.release(logIdentity({ name: 't-1', topicId: 'id' }))).toBe(true);
  await journal.forget(logIdentity({ name: 't-0', topicId: 'id' }));
  await journal.checkpoint();
  const left = ['batches id t-0', 'batches id t-1', 'forget id t-1', 'forget id t-0'];
  expect(await kinds(disk)).toEqual(left);

  disk.before = () => Promise.resolve();
  await clock.advance(60_000);
  await eventually(async () => expect(await kinds(disk)).toEqual([]));
  expect(await journal.release(logIdentity({ name: 't-1', topicId: 'id' }))).toBe(true);
  await journal.close();
});

test('a spare file that cannot be written keeps nobody from committing', async () => {
  const disk = new Renames(() => 0);
  const { journal, append } = journalOn(disk);
  await disk.makeDirectory('journal');
  await append('t-0');
  await journal.checkpoint();
  expect(await disk.list('journal')).toEqual(['spare']);
  disk.before = (from) => Promise.reject(new DiskError('io_error', from, 'no rename'));
  await append('t-0');
  expect(await kinds(disk)).toEqual(['batches id t-0']);
  disk.before = () => Promise.resolve();
  await journal.close();
});
