// A disk that refuses new journal files: commits do without, and nothing of what was tried stays behind.

import { expect, test } from 'vitest';
import { DiskError, type DiskFile, MemoryDisk, openLogStore } from '../../../src/storage/index.ts';
import { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../support/captured-log.ts';
import { readBaseOffsets, testBatch, testConfig } from './support.ts';

const APPENDS = 30;
const config = { ...testConfig, segmentBytes: 1024 * 1024 };

class Refusing extends MemoryDisk {
  refused: 'header' | 'directory' | null = null;
  openInJournal = 0;
  tries = 0;

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    if (!path.startsWith('journal/')) return file;
    this.openInJournal++;
    const write = file.write.bind(file);
    file.write = async (parts, position) => {
      if (this.refused === 'header') this.#refuse(path);
      await write(parts, position);
    };
    file.close = async () => {
      this.openInJournal--;
    };
    return file;
  }

  override async syncDirectory(path: string): Promise<void> {
    if (this.refused === 'directory' && path === 'journal') this.#refuse(path);
    await super.syncDirectory(path);
  }

  #refuse(path: string): never {
    this.tries++;
    throw new DiskError('disk_full', path, 'no room');
  }
}

test.each(['header', 'directory'] as const)('the %s of a new file', async (refused) => {
  const disk = new Refusing();
  const { logger, lines } = capturedLog();
  const ports = { disk, clock: new VirtualClock(), random: new SeededRandom(7), logger };
  const store = await openLogStore({ ...ports, root: 'test' });
  const log = await store.openLog({ name: 't-0', topicId: 'id', config });
  const appended = async () => {
    for (let index = 0; index < APPENDS; index++) await log.append(testBatch(index)).committed;
  };
  disk.refused = refused;
  await appended();
  expect(disk.tries).toBeGreaterThan(1);
  expect(disk.tries).toBeLessThan(APPENDS / 4);
  expect(disk.openInJournal).toBe(0);
  expect(await disk.list('journal')).toEqual([]);
  expect(lines.filter(({ message }) => message.includes('journal'))).toHaveLength(1);

  disk.refused = null;
  await appended();
  expect(disk.openInJournal).toBe(1);
  expect(await readBaseOffsets(log)).toHaveLength(2 * APPENDS);
  await store.close();
  expect(disk.openInJournal).toBe(0);
});
