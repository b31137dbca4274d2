// Files that are read and written whole: checkpoints, markers, metadata, snapshots.

import { Slots } from '../slots.ts';
import { type Disk, DiskError, type DiskFile } from './disk.ts';

/** Larger than any file this is meant for; a longer one is damage. */
const BYTES_MAX = 64 * 1024 * 1024;

/** Such files open at once on one disk: each log has a few, and thousands may want theirs in the same moment. */
const OPEN_MAX = 32;
const slots = new WeakMap<Disk, Slots>();

/** Opens a file for as long as `work` runs; waits while too many are open. Never to be nested. */
export function withFile<T>(
  disk: Disk,
  path: string,
  mode: 'read' | 'write' | 'create',
  work: (file: DiskFile) => Promise<T>,
): Promise<T> {
  let own = slots.get(disk);
  if (own === undefined) {
    own = new Slots(OPEN_MAX);
    slots.set(disk, own);
  }
  return own.run(async () => {
    const file = await disk.open(path, mode);
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  });
}

/** Directory part of a path; '.' for a name at the top. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '.' : path.slice(0, slash);
}

/** All bytes of a file; null when it is missing or absurdly long. Throws DiskError when it cannot be read. */
export async function readFileIfThere(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    return await withFile(disk, path, 'read', async (file) => {
      const size = await file.size();
      if (size > BYTES_MAX) return null;
      const bytes = Buffer.allocUnsafe(size);
      const count = await file.read(bytes, 0);
      return bytes.subarray(0, count);
    });
  } catch (error) {
    if (error instanceof DiskError && error.code === 'not_found') return null;
    throw error;
  }
}

/** As {@link readFileIfThere}, and null also when it cannot be read: for files that can be rebuilt from others. */
export async function readSmallFile(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    return await readFileIfThere(disk, path);
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}

/** Writes a new file and syncs its bytes; its name still needs a sync of the directory. */
export function writeSmallFile(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  return withFile(disk, path, 'create', async (file) => {
    await file.truncate(0);
    await file.write([bytes], 0);
    await file.datasync();
  });
}

/** Replaces a file in one step: old or new, never a mix, and durable when this resolves. */
export async function replaceFile(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  await writeSmallFile(disk, `${path}.tmp`, bytes);
  await disk.rename(`${path}.tmp`, path);
  await disk.syncDirectory(directoryOf(path));
}
