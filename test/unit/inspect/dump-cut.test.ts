// Files of a log that are cut, or are none, as `tidemark dump` shows them: what can be read, and where it ends.

import { expect, test } from 'vitest';
import { readSnapshot } from '../../../src/cli/inspect/facts.ts';
import { type DumpEntry, dumpFile } from '../../../src/inspect/index.ts';
import { encodeTransactionIndex, MemoryDisk } from '../../../src/storage/index.ts';

async function dumped(name: string, bytes: Buffer): Promise<DumpEntry[]> {
  const disk = new MemoryDisk();
  const file = await disk.open(name, 'create');
  if (bytes.length > 0) await file.write([bytes], 0);
  await file.close();
  const entries: DumpEntry[] = [];
  for await (const entry of dumpFile({ disk, path: name, records: true, readSnapshot })) {
    entries.push(entry);
  }
  return entries;
}

test('an index of aborted transactions that is cut tells so', async () => {
  const aborted = { version: 0, producerId: 1, firstOffset: 2, lastOffset: 3, lastStableOffset: 4 };
  const bytes = encodeTransactionIndex([aborted, aborted]);
  expect(await dumped('0.txnindex', bytes.subarray(0, 50))).toEqual([
    { kind: 'aborted-transaction', ...aborted },
    expect.objectContaining({ kind: 'damage', position: 34, bytes: 16 }),
  ]);
});

test.each(['00000000000000000003.snapshot', 'leader-epoch-checkpoint'])(
  '%s that is none is damage, and no end of the command',
  async (name) => {
    const entries = await dumped(name, Buffer.from('nonsense'));
    expect(entries).toEqual([expect.objectContaining({ kind: 'damage', position: 0, bytes: 8 })]);
  },
);

test.each(['deleted', '3.deleted', 'swap'])(
  'a log named .log.%s is shown as a log',
  async (suffix) => {
    const entries = await dumped(`00000000000000000000.log.${suffix}`, Buffer.from('nonsense'));
    expect(entries).toEqual([expect.objectContaining({ kind: 'damage', position: 0 })]);
  },
);
