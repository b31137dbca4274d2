// What goes wrong in a simulated run: the disk's failures, the network's, crashes at named points, jumps of the clock.

import type { SeededRandom } from '../../src/base/seeded-random.ts';
import { type Disk, DiskError, type DiskFile } from '../../src/storage/index.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/**
 * The name of an I/O point: the operation and the kind of file, with numbers and ids taken out. A crash can be
 * scheduled at each.
 */
export function pointName(operation: string, path: string): string {
  const kind = path
    .replace(/\.[0-9a-f]{32}-(delete|stray)/g, '.#-$1')
    .replace(/^[a-z0-9_-]+-\d+(?=[/.]|$)/, 'log')
    .replace(/\d+/g, '#');
  return `${operation} ${kind}`;
}

export type Trouble = 'none' | 'sync' | 'write' | 'read' | 'full' | 'meta';

/** Makes operations fail while it is told to. */
export class DiskTrouble {
  readonly #random: SeededRandom;
  #kind: Trouble = 'none';
  #chance = 0;
  failures = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get kind(): Trouble {
    return this.#kind;
  }

  begin(kind: Trouble, chance: number): void {
    this.#kind = kind;
    this.#chance = chance;
  }

  end(): void {
    this.#kind = 'none';
  }

  /** Called before each operation; throws in its place. */
  strike(operation: string, path: string): void {
    if (this.#kind === 'none' || !this.#hits(operation) || !this.#random.chance(this.#chance))
      return;
    this.failures += 1;
    if (this.#kind === 'full') {
      throw new DiskError('disk_full', path, `${path}: simulated: no space left`);
    }
    throw new DiskError('io_error', path, `${path}: simulated failure of a ${operation}`);
  }

  #hits(operation: string): boolean {
    switch (this.#kind) {
      case 'sync':
        return operation === 'sync';
      case 'read':
        return operation === 'read';
      case 'write':
      case 'full':
        return operation === 'write';
      case 'meta':
        return ['syncdir', 'rename', 'open', 'truncate', 'remove'].includes(operation);
      default:
        return false;
    }
  }
}

/** A disk over another: every call goes through, except for what `changes` puts in its place. */
export function wrapDisk(disk: Disk, changes: Partial<Disk>): Disk {
  return {
    open: (path, mode) => disk.open(path, mode),
    list: (directory) => disk.list(directory),
    makeDirectory: (path) => disk.makeDirectory(path),
    stat: (path) => disk.stat(path),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    removeDirectory: (path) => disk.removeDirectory(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    freeBytes: (path) => disk.freeBytes(path),
    ...changes,
  };
}

/** A disk whose files are changed by `wrap`. */
export function wrapFiles(disk: Disk, wrap: (file: DiskFile) => Partial<DiskFile>): Disk {
  return wrapDisk(disk, {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return {
        path: file.path,
        descriptor: file.descriptor,
        read: (into, position) => file.read(into, position),
        write: (parts, position) => file.write(parts, position),
        datasync: () => file.datasync(),
        truncate: (bytes) => file.truncate(bytes),
        size: () => file.size(),
        close: () => file.close(),
        ...wrap(file),
      };
    },
  });
}

/** Files whose loss or damage must never cost a record. */
const derived = /\.(?:index|timeindex|snapshot)$|leader-epoch-checkpoint$/;

/** Flips a bit of a file that can be made anew from the log; answers its path, or null when there is none. */
export function flipDerived(
  disk: SimulatedDisk,
  random: SeededRandom,
  stop: string,
): string | null {
  // A topic id without a checksum is put right from the marks, which are complete after a clean stop.
  const mayFlip = (path: string): boolean =>
    derived.test(path) || (stop === 'clean' && path.endsWith('/partition.metadata'));
  const paths = disk.paths().filter((path) => mayFlip(path) && disk.bytesOf(path) > 0);
  if (paths.length === 0) return null;
  const path = random.pick(paths);
  disk.flipBit(path, random.below(disk.bytesOf(path)), random.below(8));
  return path;
}
