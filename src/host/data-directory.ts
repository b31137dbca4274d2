// Looks at a data directory before anything of it is opened: one that cannot be used, and one that is Apache Kafka's,
// is refused in words instead of being half taken over.

import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../base/errors.ts';
import { makeDirectories } from './make-directories.ts';

const CATALOGUE = 'catalogue';
const KAFKA_META = 'meta.properties';
const KAFKA_LOCK = '.lock';

/** What stands in the way, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'its file system is read-only',
  ENOTDIR: 'a part of the path is not a directory',
  ENOSPC: 'its disk is full',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'the path is too long',
};

/**
 * Makes the directory when it is missing. Throws TidemarkError `data_directory_unusable` when it cannot be written, and
 * `data_directory_foreign` when it is Apache Kafka's (it has `meta.properties` and no catalogue of ours) and `adopt`
 * is not set, or when a running Kafka holds it (its lock is in the kernel's list, on Linux). With `adopt` nothing is
 * made: a path that was mistyped would become an empty broker.
 */
export async function prepareDataDirectory(directory: string, adopt: boolean): Promise<void> {
  if (adopt && (await readdir(directory).catch(() => [])).length === 0) {
    throw unusable(directory, 'there is nothing in it to take over');
  }
  try {
    await makeDirectories(directory);
    if (!(await stat(directory)).isDirectory()) throw unusable(directory, 'it is a file');
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw unusable(directory, REASONS[code ?? ''] ?? message, error);
  }
  const meta = await readFile(join(directory, KAFKA_META), 'utf8').catch(() => null);
  if (meta === null) return;
  if (await isLocked(join(directory, KAFKA_LOCK))) {
    throw foreign(directory, meta, 'a running Kafka holds it: stop that first');
  }
  if (adopt || (await exists(join(directory, CATALOGUE)))) return;
  const step = 'take another directory, or a copy of this one with --adopt (option adopt: true)';
  throw foreign(directory, meta, `its partitions would be taken over and written to: ${step}`);
}

function unusable(directory: string, reason: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    'data_directory_unusable',
    `the data directory ${directory} cannot be used: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}

function foreign(directory: string, meta: string, why: string): TidemarkError {
  const cluster = /^cluster\.id=(.+)$/m.exec(meta)?.[1] ?? 'unknown';
  return new TidemarkError(
    'data_directory_foreign',
    `the data directory ${directory} is Apache Kafka's (cluster ${cluster}); ${why}`,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Whether some process holds a lock on the file: Linux lists them by inode. False where there is no such list. */
async function isLocked(path: string): Promise<boolean> {
  try {
    const { ino } = await stat(path);
    const locks = await readFile('/proc/locks', 'latin1');
    return locks.split('\n').some((line) => line.includes(`:${ino} `));
  } catch {
    return false;
  }
}
