// The aborted transactions of a log, as its `.txnindex` files tell them.

import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/ports.ts';
import { encodeTransactionIndex, MemoryDisk } from '../../../../src/storage/index.ts';
import { AbortedTransactions } from '../../../../src/storage/segment/transaction-index.ts';
import { writeFile } from '../../inspect/directory.ts';

type Facts = readonly [first: number, last: number, stable: number];

async function load(...files: (readonly Facts[] | Buffer)[]): Promise<AbortedTransactions | null> {
  const disk = new MemoryDisk();
  await disk.makeDirectory('t-0');
  for (const [base, file] of files.entries()) {
    const entries = (facts: readonly Facts[]) =>
      facts.map(([firstOffset, lastOffset, lastStableOffset]) => {
        return { version: 0, producerId: 1, firstOffset, lastOffset, lastStableOffset };
      });
    const bytes = Buffer.isBuffer(file) ? file : encodeTransactionIndex(entries(file));
    await writeFile(disk, `t-0/${String(base).padStart(20, '0')}.txnindex`, bytes);
  }
  const bases = [...files.keys()];
  return AbortedTransactions.load({ disk, name: 't-0', logger: silentLogger }, bases);
}

const within = (aborted: AbortedTransactions | null, from: number, below: number) =>
  aborted?.within(from, below).map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset]);

test('those that reach into a stretch are found, also one that began long before and ends long after', async () => {
  const aborted = await load(
    [
      [2, 4, 0],
      [6, 8, 0],
    ],
    [
      [0, 20, 21],
      [30, 31, 32],
    ],
  );
  expect(within(aborted, 0, 100)).toHaveLength(4);
  expect(within(aborted, 5, 6)).toEqual([[0, 20]]);
  expect(within(aborted, 4, 7)).toEqual([
    [2, 4],
    [6, 8],
    [0, 20],
  ]);
  expect(within(aborted, 21, 30)).toEqual([]);
  expect(within(aborted, 32, 100)).toEqual([]);
});

test('a file that is too long for what it is counts as damage, not as none', async () => {
  const long = Buffer.alloc(64 * 1024 * 1024 + 1);
  await expect(load(long)).rejects.toMatchObject({ name: 'DiskError', code: 'io_error' });
});

test('entries that are none, and a last one that is cut off, are left out', async () => {
  const good = encodeTransactionIndex([
    { version: 0, producerId: 1, firstOffset: 2, lastOffset: 4, lastStableOffset: 5 },
  ]);
  const garbage = Buffer.alloc(34, 0xff);
  const aborted = await load(Buffer.concat([garbage, good, good.subarray(0, 20)]));
  expect(within(aborted, 0, 100)).toEqual([[2, 4]]);
  expect(await load(Buffer.alloc(0), [])).toBeNull();
});
