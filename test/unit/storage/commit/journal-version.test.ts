// A start over the journal of a version to come: refused, with everything as it was.

import { expect, test } from 'vitest';
import { journalHeader } from '../../../../src/storage/commit/journal-format.ts';
import { type Disk, MemoryDisk } from '../../../../src/storage/index.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { writeAll } from '../../engine/support/faulty-disk.ts';
import { openStore } from '../support.ts';

const PATH = `journal/${'1'.padStart(20, '0')}.journal`;
const VERSION_AT = 4;

/** A data directory with one journal file that begins with `header`. */
async function leftWith(header: Buffer): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeDirectory('journal');
  await disk.makeDirectory('gone-0.1-delete');
  await writeAll(disk, 'clean-shutdown', Buffer.from('version: 1\n'));
  await writeAll(disk, PATH, header);
  return disk;
}

function openOver(disk: Disk) {
  const clock = new VirtualClock();
  return clock.until(openStore(disk, { clock }));
}

const names = async (disk: Disk) => [await disk.list('.'), await disk.list('journal')];

test('a journal of a newer version refuses the start in words, before anything is changed', async () => {
  const header = journalHeader(Buffer.alloc(8, 7));
  header.writeUInt32BE(2, VERSION_AT);
  const disk = await leftWith(Buffer.concat([header, Buffer.alloc(100, 9)]));
  const before = await names(disk);
  await expect(openOver(disk)).rejects.toMatchObject({
    code: 'journal_version',
    message: expect.stringMatching(/1\.journal has format version 2.*newer version once and stop/),
  });
  expect(await names(disk)).toEqual(before);
});

test('a header that a power cut tore, of a file without entries, is no obstacle', async () => {
  const header = journalHeader(Buffer.alloc(8, 7));
  for (let whole = 0; whole <= header.length; whole++) {
    const cutOff = header.subarray(0, whole);
    const zeros = Buffer.concat([cutOff, Buffer.alloc(header.length - whole)]);
    for (const torn of [cutOff, zeros]) {
      const disk = await leftWith(torn);
      const store = await openOver(disk);
      expect(await disk.list('journal')).toEqual([]);
      await store.close();
    }
  }
});
