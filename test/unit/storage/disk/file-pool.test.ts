// Who waits for a descriptor is told, whatever becomes of the others; and nothing is opened after the end.

import { beforeEach, expect, test } from 'vitest';
import type { DiskFile } from '../../../../src/storage/disk/disk.ts';
import { FilePool } from '../../../../src/storage/disk/file-pool.ts';
import { MemoryDisk } from '../../../../src/storage/index.ts';

/** Files open now. */
let open: number;
/** What an opening waits for. */
let gate: Promise<void>;

class CountingDisk extends MemoryDisk {
  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    await gate;
    const file = await super.open(path, mode);
    open++;
    return Object.create(file, {
      close: {
        value: async () => {
          open--;
        },
      },
    }) as DiskFile;
  }
}

let pool: FilePool;

beforeEach(() => {
  open = 0;
  gate = Promise.resolve();
  pool = new FilePool(new CountingDisk(), 1);
});

const told = (work: Promise<unknown>) =>
  work.then(
    () => 'opened',
    (error: { code: string }) => error.code,
  );

test('a file that cannot be opened leaves its room to the next one that waits', async () => {
  const first = await pool.acquire('a', 'create');
  const missing = told(pool.acquire('missing'));
  const last = told(pool.acquire('b', 'create'));
  first.release();
  expect(await missing).toBe('not_found');
  expect(await last).toBe('opened');
});

test('who waits for room when the pool closes is told', async () => {
  await pool.acquire('a', 'create');
  const waiting = told(pool.acquire('b', 'create'));
  await pool.close();
  expect(await waiting).toBe('io_error');
  expect(open).toBe(0);
});

test('nothing is open after the end, also of what was about to be opened', async () => {
  let go = (): void => {};
  gate = new Promise((resolve) => {
    go = resolve;
  });
  const opening = told(pool.acquire('a', 'create'));
  const closed = pool.close();
  go();
  await closed;
  expect(await opening).toBe('io_error');
  expect(await told(pool.acquire('b', 'create'))).toBe('io_error');
  expect(open).toBe(0);
  expect(pool.openFiles).toBe(0);
});

test('a file that was forgotten while pinned is closed by the end, too', async () => {
  const pinned = await pool.acquire('a', 'create');
  pool.detach('a');
  await pool.close();
  expect(open).toBe(0);
  pinned.release();
  expect(pool.openFiles).toBe(0);
});
