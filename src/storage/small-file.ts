// Files that are read and written whole: checkpoints, markers, metadata, snapshots.

import { type Disk, DiskError } from './disk.ts';

/** Larger than any file this is meant for; a longer one is damage. */
const BYTES_MAX = 64 * 1024 * 1024;

/** Directory part of a path; '.' for a name at the top. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '.' : path.slice(0, slash);
}

/** All bytes of a file; null when it is missing, unreadable or absurdly long. */
export async function readSmallFile(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    const file = await disk.open(path, 'read');
    try {
      const size = await file.size();
      if (size > BYTES_MAX) return null;
      const bytes = Buffer.allocUnsafe(size);
      const count = await file.read(bytes, 0);
      return bytes.subarray(0, count);
    } finally {
      await file.close();
    }
  } catch (error) {
    // What cannot be read is treated as missing: everything in such files can be rebuilt.
    if (error instanceof DiskError) return null;
    throw error;
  }
}

/** Writes a new file and syncs its bytes; its name still needs a sync of the directory. */
export async function writeSmallFile(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  const file = await disk.open(path, 'create');
  try {
    await file.truncate(0);
    await file.write([bytes], 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Replaces a file in one step: old or new, never a mix, and durable when this resolves. */
export async function replaceFile(disk: Disk, path: string, bytes: Buffer): Promise<void> {
  await writeSmallFile(disk, `${path}.tmp`, bytes);
  await disk.rename(`${path}.tmp`, path);
  await disk.syncDirectory(directoryOf(path));
}
