// `partition.metadata` names another topic: a stranger's directory is moved out of the way, one's own is kept when only
// that file is damaged.

import { expect, test } from 'vitest';
import { type Disk, DiskError, MemoryDisk } from '../../../../src/storage/index.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { openStore, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const name = 'orders-0';
const topicId = 'AAAAAAAAAAAAAAAAAAAAAA';
const other = 'AAAAAAAAAAAAAAAAAAAAAB';

async function filled(): Promise<Disk> {
  const disk = new MemoryDisk(() => 0);
  const store = await openStore(disk);
  const log = await store.openLog({ name, topicId, config: testConfig });
  await log.append(testBatch(0)).committed;
  await store.close();
  return disk;
}

async function rename(disk: Disk, id: string): Promise<void> {
  const file = await disk.open(`${name}/partition.metadata`, 'write');
  await file.truncate(0);
  await file.write([Buffer.from(`version: 0\ntopic_id: ${id}\n`)], 0);
  await file.close();
}

async function offsetsOf(disk: Disk, id: string): Promise<number[]> {
  const store = await openStore(disk, { logger: capturedLog().logger });
  try {
    return await readBaseOffsets(await store.openLog({ name, topicId: id, config: testConfig }));
  } finally {
    await store.close();
  }
}

test('the marks know the log: a flipped bit in its topic id loses nothing', async () => {
  const disk = await filled();
  await rename(disk, other);
  expect(await offsetsOf(disk, topicId)).toEqual([0]);
  // It is written anew.
  expect(await offsetsOf(disk, topicId)).toEqual([0]);
  expect((await disk.list('.')).filter((entry) => entry.endsWith('-stray'))).toEqual([]);
});

test('a topic id cut short is unreadable', async () => {
  const disk = await filled();
  await rename(disk, topicId.slice(0, 9));
  expect(await offsetsOf(disk, topicId)).toEqual([0]);
});

test("another topic's directory is never taken for this one's", async () => {
  const disk = await filled();
  expect(await offsetsOf(disk, other)).toEqual([]);
  expect((await disk.list('.')).filter((entry) => entry.endsWith('-stray'))).toHaveLength(1);
});

test('a directory that a first attempt could not make durable is so before the second one takes records', async () => {
  for (let seed = 0; seed < 16; seed++) {
    const disk = new SimulatedDisk({ seed });
    const store = await openStore(disk);
    disk.hook = (operation, path) => {
      if (operation === 'syncdir' && path === name) {
        throw new DiskError('io_error', path, 'refused by the test');
      }
    };
    await expect(store.openLog({ name, topicId, config: testConfig })).rejects.toThrow('refused');
    disk.hook = () => {};
    const log = await store.openLog({ name, topicId, config: testConfig });
    await log.append(testBatch(0)).committed;
    const next = disk.crash();
    expect(await next.list('.'), `seed ${seed}`).toContain(name);
    expect(await offsetsOf(next, topicId), `seed ${seed}`).toEqual([0]);
  }
});
