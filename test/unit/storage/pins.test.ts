// Descriptors of files that something is at work on must not be closed: the system gives their numbers to other files.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { nodeClock } from '../../../src/host/node-clock.ts';
import {
  type Disk,
  DiskError,
  type DiskFile,
  MemoryDisk,
  openLogStore,
} from '../../../src/storage/index.ts';
import { eventually } from '../../support/eventually.ts';
import { testBatch, testConfig } from './support.ts';

type Work = 'read' | 'write' | 'sync';

/** Segments of log files, on a disk that holds back what it is told to and hears of files closed under work. */
class WatchedDisk extends MemoryDisk {
  readonly violations: string[] = [];
  readonly #held = new Map<string, Promise<void>>();
  /** How an operation fails, when it does. */
  fails: (work: Work, path: string) => boolean = () => false;
  atWork: string[] = [];

  /** Work of this kind on this file begins and does not end until the answer is called. */
  hold(work: Work, path: string): () => void {
    let release = (): void => {};
    this.#held.set(`${work} ${path}`, new Promise((resolve) => (release = resolve)));
    return () => {
      this.#held.delete(`${work} ${path}`);
      release();
    };
  }

  /** Waits until this work is being done. */
  begun(name: string): Promise<void> {
    return eventually(() => expect(this.atWork).toContain(name));
  }

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    if (!path.endsWith('.log')) return file;
    let closed = false;
    const using = async <T>(work: Work, run: () => Promise<T>): Promise<T> => {
      const name = `${work} ${path}`;
      if (closed) this.violations.push(`${name} after the close`);
      this.atWork.push(name);
      await this.#held.get(name);
      if (closed) this.violations.push(`closed during ${name}`);
      this.atWork.splice(this.atWork.indexOf(name), 1);
      if (this.fails(work, path)) throw new DiskError('disk_full', path, 'no room');
      return run();
    };
    return {
      path,
      descriptor: null,
      read: (into, position) => using('read', () => file.read(into, position)),
      write: (parts, position) => using('write', () => file.write(parts, position)),
      datasync: () => using('sync', () => file.datasync()),
      truncate: (bytes) => file.truncate(bytes),
      size: () => file.size(),
      close: () => {
        if (closed) this.violations.push(`${path} closed twice`);
        closed = true;
        return file.close();
      },
    };
  }
}

const segment = (name: string): string => `${name}/00000000000000000000.log`;

async function world() {
  const disk = new WatchedDisk(() => 0);
  const random = new SeededRandom(7);
  const ports = {
    disk: disk as Disk,
    root: 'test',
    clock: nodeClock,
    random,
    logger: silentLogger,
  };
  // One file at a time, and nothing in memory: every read and every write needs its file.
  const store = await openLogStore({
    ...ports,
    openFilesMax: 1,
    tailBytesMax: 0,
  });
  const open = (name: string) => store.openLog({ name, topicId: name, config: testConfig });
  const first = await open('t-0');
  const second = await open('t-1');
  await first.append(testBatch(0)).committed;
  await second.append(testBatch(0)).committed;
  return { disk, store, first, second };
}

test('a write that fails during a sync: the file is let go once, so that readers keep it open', async () => {
  const { disk, store, first, second } = await world();
  const syncOn = disk.hold('sync', segment('t-0'));
  const refused = expect(first.append(testBatch(1)).committed).rejects.toThrow('no room');
  await disk.begun(`sync ${segment('t-0')}`);
  disk.fails = (work, path) => work === 'write' && path.startsWith('t-0/');
  await expect(first.append(testBatch(2)).written).rejects.toThrow('no room');
  await refused;
  syncOn();
  await eventually(() => expect(disk.atWork).toEqual([]));

  // A failed log serves what it has.
  const readOn = disk.hold('read', segment('t-0'));
  const read = first.read({
    offset: 0,
    limit: 3,
    maxBytes: 1000,
    minOneBatch: true,
  });
  await disk.begun(`read ${segment('t-0')}`);
  const other = second.append(testBatch(1)).committed;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(disk.violations).toEqual([]);
  readOn();
  expect((await read).byteLength).toBe(testBatch(0).byteLength);
  await other;
  expect(disk.violations).toEqual([]);
  await store.close();
  expect(disk.violations).toEqual([]);
});

test('a sync that fails during a write: the file stays open until the write is over', async () => {
  const { disk, store, first, second } = await world();
  const syncOn = disk.hold('sync', segment('t-0'));
  const writeOn = disk.hold('write', segment('t-0'));
  disk.fails = (work, path) => work === 'sync' && path.startsWith('t-0/');
  const refused = first.append(testBatch(1)).committed.catch((error: Error) => error.message);
  await disk.begun(`write ${segment('t-0')}`);
  writeOn();
  await disk.begun(`sync ${segment('t-0')}`);
  const writeOnAgain = disk.hold('write', segment('t-0'));
  const late = first.append(testBatch(2)).committed.catch((error: Error) => error.message);
  await disk.begun(`write ${segment('t-0')}`);
  syncOn();
  expect(await refused).toContain('no room');
  expect(await late).toContain('no room');
  const other = second.append(testBatch(1)).committed;
  await new Promise((resolve) => setTimeout(resolve, 20));
  const closing = store.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  writeOnAgain();
  await other;
  await closing;
  expect(disk.violations).toEqual([]);
});
