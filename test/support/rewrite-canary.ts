// A canary: a disk on which recovery's rewriting of what is above the mark becomes a mere sync of the pages that were
// read. That is enough unless a write-back has failed before. Histories that kill the process, let the write-back fail
// and then cut the power must find the loss.

import type { Disk, DiskFile } from '../../src/storage/index.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

const SUFFIX = '.rewrite';

/** Where copied bytes came from. */
interface Origin {
  readonly path: string;
  readonly position: number;
}

export function withoutRewrite(disk: SimulatedDisk): Disk {
  const origins = new Map<string, Origin>();
  let lastRead: Origin = { path: '', position: 0 };

  const watched = (file: DiskFile): DiskFile => ({
    path: file.path,
    descriptor: null,
    read(into, position) {
      lastRead = { path: file.path, position };
      return file.read(into, position);
    },
    write: (parts, position) => file.write(parts, position),
    datasync: () => file.datasync(),
    truncate: (bytes) => file.truncate(bytes),
    size: () => file.size(),
    close: () => file.close(),
  });

  const pretended = (path: string): DiskFile => ({
    path,
    descriptor: null,
    read: async () => 0,
    async write(_parts, position) {
      if (position === 0) origins.set(path, lastRead);
    },
    datasync: async () => {},
    truncate: async () => {},
    size: async () => 0,
    close: async () => {},
  });

  return {
    async open(path, mode) {
      if (path.endsWith(SUFFIX)) return pretended(path);
      const file = await disk.open(path, mode);
      return path.endsWith('.log') && mode === 'read' ? watched(file) : file;
    },
    async rename(from, to) {
      const origin = origins.get(from);
      if (!from.endsWith(SUFFIX) || origin === undefined) return disk.rename(from, to);
      const file = await disk.open(origin.path, 'write');
      await file.datasync();
      await file.close();
      if (origin.path !== to) disk.clone(origin.path, origin.position, to);
    },
    list: (directory) => disk.list(directory),
    makeDirectory: (path) => disk.makeDirectory(path),
    stat: (path) => disk.stat(path),
    remove: (path) => disk.remove(path),
    removeDirectory: (path) => disk.removeDirectory(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    freeBytes: () => disk.freeBytes(),
  };
}
