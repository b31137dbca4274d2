// What `damaged-ranges` says of a place holds for the bytes that were there: not for those that a log which ends before
// it writes there later.

import { expect, test } from 'vitest';
import { iterateBatches } from '../../../../src/record/index.ts';
import {
  DAMAGE_FILE,
  DiskError,
  type DiskFile,
  loadDamage,
  MemoryDisk,
} from '../../../../src/storage/index.ts';
import { openStore, patchFile, readBaseOffsets, testBatch, testConfig } from '../support.ts';

const SEGMENT = 't-0/00000000000000000000.log';
const config = { ...testConfig, segmentBytes: 100_000 };

async function open(disk: MemoryDisk) {
  const store = await openStore(disk);
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  return { store, log };
}

/** Ten batches, of which the last is damaged, known and kept. */
async function damagedAtEnd(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const before = await open(disk);
  for (let index = 0; index < 10; index++) before.log.append(testBatch(index));
  await before.log.flush();
  await before.store.close();
  await patchFile(disk, SEGMENT, (bytes) => {
    const { position } = [...iterateBatches(bytes)].at(-1)!;
    bytes[position + 75] = bytes[position + 75]! ^ 4;
    return bytes;
  });
  const { log, store } = await open(disk);
  await readBaseOffsets(log);
  expect(log.damaged).toMatchObject([{ firstOffset: 27, lastOffset: 29 }]);
  await store.close();
  return disk;
}

test.each([
  ['the marks are', ['marks']],
  ['the marks and all segments are', ['marks', SEGMENT]],
])(
  'a log that ends sooner, since %s gone, keeps all that it takes from then on',
  async (_, gone) => {
    const disk = await damagedAtEnd();
    for (const path of [...gone, 'clean-shutdown']) await disk.remove(path);
    const { log, store } = await open(disk);
    const first = log.endOffset;
    expect(first).toBeLessThan(30);
    for (let index = 0; index < 20; index++) await log.append(testBatch(index)).committed;
    const all = await readBaseOffsets(log);
    expect(all.at(-1)).toBe(first + 57);
    await store.close();
    const next = await open(disk);
    expect(next.log.damaged).toEqual([]);
    expect(await readBaseOffsets(next.log)).toEqual(all);
    await next.store.close();
  },
);

/** What is in a file, to be put back later. */
async function copyOf(disk: MemoryDisk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

/** The list of damage cannot be written. */
class Refusing extends MemoryDisk {
  refuses = false;

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    if (this.refuses && mode === 'create' && path.includes(DAMAGE_FILE))
      throw new DiskError('disk_full', path, 'no room');
    return super.open(path, mode);
  }
}

test.each([
  ['goes', false],
  ['that can only be read goes', true],
])('damage across the end of a log that ends sooner %s up to there', async (_, refused) => {
  const disk = new Refusing();
  let { log, store } = await open(disk);
  for (let index = 0; index < 10; index++) log.append(testBatch(index));
  await log.flush();
  await store.close();
  const marks = await copyOf(disk, 'marks');
  ({ log, store } = await open(disk));
  for (let index = 10; index < 14; index++) log.append(testBatch(index));
  await log.flush();
  await store.close();
  await patchFile(disk, SEGMENT, (bytes) => {
    for (const { position } of [...iterateBatches(bytes)].slice(9, 12)) {
      bytes[position + 75] = bytes[position + 75]! ^ 4;
    }
    return bytes;
  });
  ({ log, store } = await open(disk));
  await readBaseOffsets(log);
  expect(log.damaged).toMatchObject([{ firstOffset: 27, lastOffset: 35 }]);
  await store.close();
  // The marks are those of before, as if the disk had refused later ones.
  await disk.remove('clean-shutdown');
  await patchFile(disk, 'marks', () => marks);
  disk.refuses = refused;
  ({ log, store } = await open(disk));
  expect(log.state).toBe(refused ? 'failed' : 'open');
  expect(log.damaged).toMatchObject([{ firstOffset: 27, lastOffset: 29 }]);
  disk.refuses = false;
  if (refused) await log.reopen();
  expect(log.endOffset).toBe(30);
  expect(log.damaged).toMatchObject([{ firstOffset: 27, lastOffset: 29 }]);
  expect(await loadDamage(disk, 't-0')).toEqual(log.damaged);
  for (let index = 0; index < 3; index++) await log.append(testBatch(index)).committed;
  expect((await readBaseOffsets(log)).slice(-3)).toEqual([30, 33, 36]);
  await store.close();
});

test('a log all of whose segments are gone tells the damage that its file keeps', async () => {
  const disk = await damagedAtEnd();
  for (const path of [SEGMENT, 'clean-shutdown']) await disk.remove(path);
  const { log, store } = await open(disk);
  expect(log.endOffset).toBe(30);
  const kept = await loadDamage(disk, 't-0');
  expect(kept.length).toBeGreaterThan(0);
  expect(log.damaged).toEqual(kept);
  await log.append(testBatch(0)).committed;
  expect(await readBaseOffsets(log, 30)).toEqual([30]);
  await store.close();
  const next = await open(disk);
  expect(next.log.damaged).toEqual(kept);
  await next.store.close();
});
