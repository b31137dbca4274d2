// A disk that refuses new journal files, or writes to one: commits do without, nothing of what was tried stays behind,
// and what a refused write left in the journal does no harm.

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import {
  DiskError,
  type DiskFile,
  MemoryDisk,
  openLogStore,
  type PartitionLog,
} from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../../support/captured-log.ts';
import { SimulatedDisk } from '../../../support/simulated-disk.ts';
import { readBaseOffsets, testBatch, testConfig } from '../support.ts';

const APPENDS = 30;
const NAMES = ['t-0', 't-1', 't-2'];
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

test.each([
  ['header', 1],
  ['directory', 1],
  ['header', 6],
  ['directory', 6],
] as const)('the %s of a new file; %i logs', async (refused, count) => {
  const disk = new Refusing();
  const { logger, lines } = capturedLog();
  const ports = { disk, clock: new VirtualClock(), random: new SeededRandom(7), logger };
  const store = await openLogStore({ ...ports, root: 'test' });
  const logs: PartitionLog[] = [];
  for (let log = 0; log < count; log++)
    logs.push(await store.openLog({ name: `t-${log}`, topicId: 'id', config }));
  const appended = async () => {
    for (let index = 0; index < APPENDS; index++)
      await Promise.all(logs.map((log) => log.append(testBatch(index)).committed));
  };
  disk.refused = refused;
  await appended();
  expect(disk.tries).toBeGreaterThan(1);
  expect(disk.tries).toBeLessThan((APPENDS * count) / 4);
  expect(disk.openInJournal).toBe(0);
  expect(await disk.list('journal')).toEqual([]);
  expect(lines.filter(({ message }) => message.includes('journal'))).toHaveLength(1);

  disk.refused = null;
  await appended();
  expect(disk.openInJournal).toBe(1);
  for (const log of logs) expect(await readBaseOffsets(log)).toHaveLength(2 * APPENDS);
  await store.close();
  expect(disk.openInJournal).toBe(0);
});

test.each(['write', 'sync'])(
  'a %s: what the journal holds then is replayed without harm',
  async (refused) => {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = new SimulatedDisk({ seed, writesNow: 0.5 });
      const { logger, lines } = capturedLog();
      const clock = new VirtualClock();
      const ports = { disk, clock, random: new SeededRandom(seed), logger };
      const store = await clock.until(openLogStore({ ...ports, root: 'test' }));
      // Segments roll on the way.
      const logs: PartitionLog[] = [];
      for (const name of NAMES)
        logs.push(await clock.until(store.openLog({ name, topicId: 'id', config: testConfig })));
      let commits = 0;
      const append = async (batches: number) => {
        for (let index = 0; index < batches; index++, commits++)
          await clock.until(
            Promise.all(logs.map((log) => log.append(testBatch(commits)).committed)),
          );
      };
      await append(3);
      let tries = 0;
      disk.hook = (operation, path) => {
        if (operation !== refused || !path.startsWith('journal/')) return;
        tries++;
        throw new DiskError('disk_full', path, 'no room');
      };
      await append(1);
      expect(tries).toBe(1);
      await append(seed % 7);
      disk.hook = () => {};
      await append(seed % 2 === 0 ? 30 : 0);
      expect(lines.filter(({ message }) => message.includes('journal'))).toHaveLength(1);
      const next = disk.crash(seed);
      const after = await openLogStore({
        ...ports,
        disk: next,
        clock: new VirtualClock(),
        root: 'test',
      });
      for (const name of NAMES) {
        const log = await after.openLog({ name, topicId: 'id', config: testConfig });
        expect(await readBaseOffsets(log), `seed ${seed}`).toHaveLength(commits);
        expect(log.damaged).toEqual([]);
      }
    }
  },
);
