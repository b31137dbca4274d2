// Disks that misbehave in bounded ways, in front of the real one.

import { type Disk, DiskError, type DiskFile } from '../../src/storage/index.ts';

/** What a wrapped disk does before each call that changes something. */
interface Before {
  write(path: string, bytes: number): Promise<void>;
  sync(path: string): Promise<void>;
}

class WrappedFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #before: Before;

  constructor(file: DiskFile, before: Before) {
    this.#file = file;
    this.#before = before;
  }

  get path(): string {
    return this.#file.path;
  }

  get descriptor(): number | null {
    return this.#file.descriptor;
  }

  async write(parts: readonly Buffer[], position: number): Promise<void> {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    try {
      await this.#before.write(this.path, bytes);
    } catch (error) {
      // A full disk takes what still fits, as a real one does.
      const some = Buffer.concat(parts).subarray(0, Math.floor(bytes / 2));
      await this.#file.write([some], position);
      throw error;
    }
    await this.#file.write(parts, position);
  }

  async datasync(): Promise<void> {
    await this.#before.sync(this.path);
    await this.#file.datasync();
  }

  read(into: Buffer, position: number): Promise<number> {
    return this.#file.read(into, position);
  }

  truncate(bytes: number): Promise<void> {
    return this.#file.truncate(bytes);
  }

  size(): Promise<number> {
    return this.#file.size();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function wrap(disk: Disk, before: Before, freeBytes: () => Promise<number>): Disk {
  return {
    open: async (path, mode) => new WrappedFile(await disk.open(path, mode), before),
    list: (directory) => disk.list(directory),
    makeDirectory: (path) => disk.makeDirectory(path),
    stat: (path) => disk.stat(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    removeDirectory: (path) => disk.removeDirectory(path),
    syncDirectory: async (path) => {
      await before.sync(path);
      await disk.syncDirectory(path);
    },
    freeBytes,
  };
}

/** A disk with room for `bytes` more written bytes; {@link QuotaDisk.free} makes room again. */
export class QuotaDisk {
  readonly disk: Disk;
  #left: number;

  constructor(disk: Disk, bytes: number) {
    this.#left = bytes;
    const before: Before = {
      write: async (path, count) => {
        if (count > this.#left) {
          throw new DiskError('disk_full', path, `${path}: no space left (torture's own limit)`);
        }
        this.#left -= count;
      },
      sync: async () => {},
    };
    this.disk = wrap(disk, before, async () => this.#left);
  }

  free(bytes: number): void {
    this.#left = bytes;
  }
}

/** A disk whose writes take up to `writeMs` longer and whose syncs up to `syncMs`. */
export function slowDisk(
  disk: Disk,
  delays: { readonly writeMs: number; readonly syncMs: number; readonly random: () => number },
): Disk {
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, ms * delays.random());
    });
  const before: Before = {
    write: () => wait(delays.writeMs),
    sync: () => wait(delays.syncMs),
  };
  return wrap(disk, before, () => disk.freeBytes('.'));
}
