// Indexes below the recovery point are written before it is: but a write that the disk refused may have taken them back.

import { expect, test, vi } from 'vitest';
import { DiskError, MemoryDisk } from '../../../../src/storage/index.ts';
import { MarkTable } from '../../../../src/storage/metadata/marks.ts';
import { parseMarks } from '../../../../src/storage/metadata/marks-format.ts';
import { TaskOwner } from '../../../../src/storage/tasks.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { openStore, patchFile, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const STEM = 't-0/00000000000000000000';
const BATCHES = 400;
const config = { ...testConfig, segmentBytes: 1024 * 1024 };

async function contents(disk: MemoryDisk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

async function open(disk: MemoryDisk) {
  const store = await openStore(disk);
  return { store, log: await store.openLog({ name: 't-0', topicId: 'id', config }) };
}

/** A log that stopped cleanly; then marks as they are after a crash: there is nothing to scan, the end is the recovery point. */
async function crashedAtItsEnd(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { store, log } = await open(disk);
  for (let index = 0; index < BATCHES; index++) log.append(testBatch(index));
  await log.flush();
  await store.close();
  await disk.remove('clean-shutdown');
  const loaded = parseMarks(await contents(disk, 'marks'));
  for (const [name, mark] of loaded.marks) loaded.marks.set(name, { ...mark, clean: false });
  const { logger } = capturedLog();
  const tasks = new TaskOwner(logger);
  const table = new MarkTable({ disk, clock: new VirtualClock(), logger, tasks, loaded });
  await table.rewrite();
  await table.close();
  return disk;
}

test.each([
  ['emptied', 0],
  ['cut to their first entry', 1],
])('indexes that were %s are made anew by the next start', async (_how, entries) => {
  const disk = await crashedAtItsEnd();
  const whole = await contents(disk, `${STEM}.index`);
  expect(whole.length).toBeGreaterThan(100 * 8);
  await patchFile(disk, `${STEM}.index`, (bytes) => bytes.subarray(0, entries * 8));
  await patchFile(disk, `${STEM}.timeindex`, (bytes) => bytes.subarray(0, entries * 12));

  const { store, log } = await open(disk);
  expect(await readBaseOffsets(log)).toHaveLength(BATCHES);
  // Something must have been written, or a close has nothing to do.
  await log.append(testBatch(BATCHES)).committed;
  await store.close();
  const anew = await contents(disk, `${STEM}.index`);
  expect(anew.subarray(0, whole.length).equals(whole)).toBe(true);
});

test('a disk that refuses to write the indexes after a recovery takes nothing away from those that are there', async () => {
  const disk = await crashedAtItsEnd();
  const index = await contents(disk, `${STEM}.index`);
  const times = await contents(disk, `${STEM}.timeindex`);
  const opened = disk.open.bind(disk);
  vi.spyOn(disk, 'open').mockImplementation(async (path, mode) => {
    const file = await opened(path, mode);
    if (!path.endsWith('index')) return file;
    vi.spyOn(file, 'write').mockRejectedValue(new DiskError('disk_full', path, 'no space left'));
    return file;
  });
  const { store, log } = await open(disk);
  await log.append(testBatch(BATCHES)).committed;
  await store.close();
  vi.restoreAllMocks();
  expect((await contents(disk, `${STEM}.index`)).subarray(0, index.length).equals(index)).toBe(
    true,
  );
  expect((await contents(disk, `${STEM}.timeindex`)).equals(times)).toBe(true);
});
