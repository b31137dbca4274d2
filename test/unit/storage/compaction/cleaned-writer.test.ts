import { expect, test } from 'vitest';
import { buildBatch } from '../../../../src/record/index.ts';
import { CleanedWriter } from '../../../../src/storage/compaction/cleaned-writer.ts';
import { DiskError, type DiskFile, MemoryDisk } from '../../../../src/storage/index.ts';

test('a file that cannot be emptied is closed with the rest', async () => {
  const disk = new RefusingDisk();
  await disk.makeDirectory('t-0');
  const target = { directory: 't-0', baseOffset: 0, indexIntervalBytes: 4096 };
  const writer = new CleanedWriter(disk, target);
  const batch = buildBatch([{ timestamp: 1, key: Buffer.from('key'), value: null }]);
  await expect(writer.write([batch])).rejects.toThrow('refused');
  expect(disk.openFiles).toBe(1);
  await writer.discard();
  expect(disk.openFiles).toBe(0);
});

/** Cuts no file. */
class RefusingDisk extends MemoryDisk {
  openFiles = 0;

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    this.openFiles++;
    file.truncate = async () => {
      throw new DiskError('io_error', path, 'refused');
    };
    const close = file.close.bind(file);
    file.close = async () => {
      this.openFiles--;
      await close();
    };
    return file;
  }
}
