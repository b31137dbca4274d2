// A log is deleted while somebody reads it, and its name is another topic's at once: neither has to do with the other.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import {
  type DiskFile,
  type LogConfig,
  MemoryDisk,
  openLogStore,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { readBaseOffsets, testBatch, testConfig, turns } from '../support.ts';

const SEGMENT = 't-0/00000000000000000000.log';
const wanted = { offset: 0, limit: 3, maxBytes: 10_000, minOneBatch: true };

/** Reads of the segment are held up. */
class SlowReads extends MemoryDisk {
  hold: Promise<void> = Promise.resolve();
  beforeRename: () => Promise<unknown> = () => Promise.resolve();
  beforeSync: () => Promise<unknown> = () => Promise.resolve();
  synced: string[] = [];

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    const read = file.read.bind(file);
    file.read = async (into, position) => {
      if (path === SEGMENT) await this.hold;
      return read(into, position);
    };
    const datasync = file.datasync.bind(file);
    file.datasync = async () => {
      this.synced.push(path);
      await this.beforeSync();
      return datasync();
    };
    return file;
  }

  override async rename(from: string, to: string): Promise<void> {
    if (from === 't-0') await this.beforeRename();
    return super.rename(from, to);
  }
}

async function twoBatches(config: LogConfig = testConfig) {
  const disk = new SlowReads(() => 0);
  const clock = new VirtualClock();
  const ports = { disk, clock, random: new SeededRandom(7) };
  const store = await openLogStore({
    ...ports,
    root: 'test',
    logger: silentLogger,
    tailBytesMax: 0,
  });
  const openLog = (topicId: string) => store.openLog({ name: 't-0', topicId, config });
  const log = await openLog('old');
  for (let index = 0; index < 2; index++) await log.append(testBatch(index)).committed;
  return { disk, clock, store, log, openLog };
}

test('a read under way leaves nothing open that the next topic of the name would write to', async () => {
  const { disk, store, log, openLog } = await twoBatches();
  let goOn = (): void => {};
  disk.hold = new Promise((resolve) => {
    goOn = resolve;
  });
  // Not up to the end: its end is looked for in the file, which is opened again then to be read.
  const reading = log.read(wanted);
  let renaming = false;
  disk.beforeRename = () => {
    renaming = true;
    return reading;
  };
  const deleting = store.deleteLog(log);
  await turns(() => renaming);
  goOn();
  expect((await reading).byteLength).toBeGreaterThan(0);
  await deleting;

  const next = await openLog('new');
  await next.append(testBatch(0)).committed;
  expect(await disk.stat(SEGMENT)).toMatchObject({ bytes: testBatch(0).byteLength });
  expect(await readBaseOffsets(next)).toEqual([0]);
  await store.close();
});

test('who still holds the old log is not given records of the new one', async () => {
  const { store, log, openLog } = await twoBatches();
  await store.deleteLog(log);
  const next = await openLog('new');
  for (let index = 5; index < 7; index++) await next.append(testBatch(index)).committed;
  await expect(log.read(wanted)).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  await expect(log.offsetForTimestamp(0)).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
  await store.close();
});

test('what nobody has synced is not synced to be deleted', async () => {
  const { disk, store, log } = await twoBatches({ ...testConfig, flushPolicy: 'os' });
  disk.synced = [];
  await store.deleteLog(log);
  expect(disk.synced.filter((path) => path.startsWith('t-0/'))).toEqual([]);
  await store.close();
});

test('who waits for a commit is told that the log is gone, and no other log waits for it', async () => {
  const { disk, store, log, openLog } = await twoBatches();
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  disk.beforeSync = () => held;
  const under = log.append(testBatch(2));
  await under.written;
  const behind = log.append(testBatch(3));
  const deleting = store.deleteLog(log);
  const gone = { code: 'UNKNOWN_TOPIC_OR_PARTITION' };
  await expect(under.committed).rejects.toMatchObject(gone);
  await expect(behind.written).rejects.toMatchObject(gone);
  goOn();
  await deleting;
  disk.beforeSync = () => Promise.resolve();
  const next = await openLog('new');
  await next.append(testBatch(0)).committed;
  expect(await readBaseOffsets(next)).toEqual([0]);
  await store.close();
});

test('retention that is at work has nothing to complain of', async () => {
  const { disk, clock, store, log } = await twoBatches();
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  disk.beforeSync = () => held;
  const { written, committed } = log.append(testBatch(2));
  await written;
  // It rolls, and waits for what it has rolled to be committed.
  const retention = log.applyRetention(clock.now() + 2 * testConfig.segmentMs);
  await turns();
  expect(log.segmentCount()).toBe(2);
  const deleting = store.deleteLog(log);
  await expect(committed).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
  goOn();
  expect(await retention).toBe(0);
  await deleting;
  await store.close();
});
