// A memory disk on which a test can make operations fail.

import { type Disk, DiskError, type DiskFile, MemoryDisk } from '../../../../src/storage/index.ts';

type Operation =
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'syncdir'
  | 'rename'
  | 'read'
  | 'open'
  | 'remove';

export class FaultyDisk extends MemoryDisk implements Disk {
  /** Operations on paths that this says yes to are refused. */
  refuse: (operation: Operation, path: string) => boolean = () => false;
  /** Files that were opened and not closed yet. */
  openFiles = 0;

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    this.#check('open', path);
    const file = await super.open(path, mode);
    this.openFiles++;
    const check = (operation: Operation): void => this.#check(operation, path);
    return {
      path: file.path,
      descriptor: file.descriptor,
      read: async (into, position) => {
        check('read');
        return await file.read(into, position);
      },
      write: async (parts, position) => {
        check('write');
        await file.write(parts, position);
      },
      datasync: async () => {
        check('datasync');
        await file.datasync();
      },
      truncate: async (bytes) => {
        check('truncate');
        await file.truncate(bytes);
      },
      size: () => file.size(),
      close: async () => {
        this.openFiles--;
        await file.close();
      },
    };
  }

  override async rename(from: string, to: string): Promise<void> {
    this.#check('rename', from);
    await super.rename(from, to);
  }

  override async remove(path: string): Promise<void> {
    this.#check('remove', path);
    await super.remove(path);
  }

  override async removeDirectory(path: string): Promise<void> {
    this.#check('remove', path);
    await super.removeDirectory(path);
  }

  override async syncDirectory(path: string): Promise<void> {
    this.#check('syncdir', path);
    await super.syncDirectory(path);
  }

  #check(operation: Operation, path: string): void {
    if (this.refuse(operation, path)) {
      throw new DiskError('io_error', path, `${operation} of ${path} was refused by the test`);
    }
  }
}

/** All bytes of a file. */
export async function readAll(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path, 'read');
  const bytes = Buffer.alloc(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}

/** Replaces a file's bytes. */
export async function writeAll(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const file = await disk.open(path, 'create');
  await file.truncate(0);
  await file.write([bytes], 0);
  await file.close();
}

/** A disk with the same files: what a second process finds when the first is gone without a word. */
export async function copyDisk(from: Disk): Promise<FaultyDisk> {
  const to = new FaultyDisk();
  const copy = async (directory: string): Promise<void> => {
    await to.makeDirectory(directory);
    for (const name of await from.list(directory)) {
      const path = directory === '.' ? name : `${directory}/${name}`;
      const status = await from.stat(path);
      if (status?.kind === 'directory') await copy(path);
      else await writeAll(to, path, await readAll(from, path));
    }
  };
  await copy('.');
  return to;
}
