// A log whose segments would not sync keeps the journal files that it needs, and nobody else from anything.

import { beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { loadXxHash64 } from '../../../../src/base/xxhash.ts';
import {
  type BatchToAppend,
  DiskError,
  MemoryDisk,
  openLogStore,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { batchOf, compactionInPlace, readBaseOffsets, testConfig } from '../support.ts';
import { journalEntries, journalOn, keyOf } from './journal-support.ts';

beforeAll(() => loadXxHash64());

/** A log as the journal sees it. */
class Owner {
  /** Bytes that the journal alone holds. */
  dirty = false;
  fails = false;
  duringSync: () => Promise<void> = () => Promise.resolve();

  async syncDirty(): Promise<void> {
    if (this.fails) throw new DiskError('io_error', 't', 'no sync');
    this.dirty = false;
    await this.duringSync();
  }
}

async function journalOfTwo() {
  const disk = new MemoryDisk(() => 0);
  const { journal, tasks, append: appendFor } = await journalOn(disk);
  const owners = new Map(['t-0', 't-1'].map((name) => [name, new Owner()]));
  const owner = (name: string) => owners.get(name) as Owner;
  const append = (name: string) => {
    owner(name).dirty = true;
    return appendFor(name, owner(name));
  };
  const files = async (): Promise<string[][]> => {
    await tasks.idle();
    return journalEntries(disk);
  };
  return { journal, append, owner, files };
}

test('what it holds of a log whose segments did sync is void once that log is released', async () => {
  const { journal, append, owner, files } = await journalOfTwo();
  owner('t-0').fails = true;
  await append('t-0');
  await append('t-1');
  expect(await journal.release(keyOf('t-1'))).toBe(true);
  expect(await files()).toEqual([['batches id t-0', 'batches id t-1'], ['forget id t-1']]);
  expect(await journal.release(keyOf('t-0'))).toBe(false);
});

test('what came since is in the segments before it is void with the rest', async () => {
  const { journal, append, owner, files } = await journalOfTwo();
  owner('t-0').fails = true;
  await append('t-0');
  await append('t-1');
  owner('t-1').duringSync = () => {
    owner('t-1').duringSync = () => Promise.resolve();
    return append('t-1');
  };
  expect(await journal.release(keyOf('t-1'))).toBe(true);
  const [, last] = await files();
  expect(last).toEqual(['batches id t-1', 'forget id t-1']);
  expect(owner('t-1').dirty).toBe(false);
});

test('a log that fails in that sync keeps what the journal holds of it', async () => {
  const { journal, append, owner, files } = await journalOfTwo();
  owner('t-0').fails = true;
  await append('t-0');
  await append('t-1');
  owner('t-1').duringSync = async () => {
    owner('t-1').fails = true;
    await append('t-1');
  };
  await expect(journal.release(keyOf('t-1'))).rejects.toThrow('no sync');
  expect((await files()).flat()).not.toContain('forget id t-1');
});

test('files that nobody needs go, though an older one is held: commits go on through the journal', async () => {
  const { journal, append, owner, files } = await journalOfTwo();
  owner('t-0').fails = true;
  await append('t-0');
  for (let count = 0; count < 5; count++) {
    await append('t-1');
    await journal.checkpoint();
  }
  expect(journal.lagging).toBe(false);
  expect(await files()).toEqual([['batches id t-0', 'batches id t-1']]);
});

test('a file that voids what an older one holds stays as long as that', async () => {
  const { journal, append, owner, files } = await journalOfTwo();
  owner('t-0').fails = true;
  await append('t-0');
  await append('t-1');
  await journal.checkpoint();
  await journal.forget(keyOf('t-1'));
  await journal.checkpoint();
  expect(await files()).toEqual([['batches id t-0', 'batches id t-1'], ['forget id t-1']]);
  await journal.forget(keyOf('t-0'));
  expect(await files()).toEqual([['forget id t-0']]);
  await journal.checkpoint();
  expect(await files()).toEqual([]);
});

const config = {
  ...testConfig,
  segmentBytes: 2000,
  cleanupCompact: true,
  cleanupDelete: false,
  damagedRecords: 'stop' as const,
};

function keyed(index: number): BatchToAppend {
  const value = Buffer.from(`${'v'.repeat(300)} ${index}`);
  return batchOf([{ timestamp: 1000 + index, key: Buffer.from('k'), value }]);
}

async function openOver(disk: SimulatedDisk) {
  const clock = new VirtualClock();
  const ports = { disk, root: 'test', clock, random: new SeededRandom(7), logger: silentLogger };
  const compaction = compactionInPlace(disk, clock);
  const store = await clock.until(openLogStore({ ...ports, compaction, tailBytesMax: 0 }));
  const hooks = { producerSnapshot: () => null };
  const openLog = (name: string) =>
    clock.until(store.openLog({ name, topicId: 'id', config, hooks }));
  return { store, clock, openLog };
}

test('logs beside one that failed are compacted, and a start replays nothing of them into their new files', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const disk = new SimulatedDisk({ seed, writesNow: 1 });
    const { store, clock, openLog } = await openOver(disk);
    const logs = [await openLog('t-0'), await openLog('t-1')] as const;
    const [good, failed] = logs;
    let count = 0;
    for (; count < 12; count++)
      await clock.until(Promise.all(logs.map((log) => log.append(keyed(count)).committed)));
    disk.hook = (operation, path) => {
      if (operation === 'sync' && path.startsWith('t-1/') && path.endsWith('.log'))
        throw new DiskError('io_error', path, 'no sync');
    };
    await clock.advance(30_000);
    expect(failed.state).toBe('failed');
    const before = good.sizeBytes();
    await clock.until(store.compaction?.run() ?? Promise.resolve());
    expect(good.sizeBytes()).toBeLessThan(before / 2);
    expect(store.compaction?.stats.failures).toBe(0);
    for (; count < 12 + seed; count++) await clock.until(good.append(keyed(count)).committed);
    const kept = await clock.until(readBaseOffsets(good));

    const after = await openOver(disk.crash(seed));
    const [again, other] = [await after.openLog('t-0'), await after.openLog('t-1')];
    expect(await after.clock.until(readBaseOffsets(again)), `seed ${seed}`).toEqual(kept);
    expect(again.damaged).toEqual([]);
    expect(await after.clock.until(readBaseOffsets(other))).toHaveLength(12);
  }
});
