// A disk in memory that can be filled: writes that need room fail until it is freed.

import { type Disk, DiskError, type DiskFile, MemoryDisk } from '../storage/index.ts';

/** A {@link MemoryDisk} with a switch: `full`. */
export class FillableDisk extends MemoryDisk implements Disk {
  full = false;

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    const write = file.write.bind(file);
    file.write = async (parts, position) => {
      this.#needRoom(path);
      await write(parts, position);
    };
    return file;
  }

  override async freeBytes(): Promise<number> {
    return this.full ? 0 : super.freeBytes();
  }

  #needRoom(path: string): void {
    if (this.full) throw new DiskError('disk_full', path, `the disk is full: ${path}`);
  }
}
