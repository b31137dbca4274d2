// Checks of a data directory and its disk.

import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatByteSize } from '../../base/byte-size.ts';
import { textOfError } from '../../base/errors.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** What was learnt of the directory, for the other checks. */
export interface DataDirectoryReport {
  readonly checks: readonly Check[];
  /** Directories named like `<topic>-<partition>`. */
  readonly partitions: number;
}

/** Syncs to measure, and the size of what is synced. */
const SYNCS = 21;
const SYNC_BYTES = 16 * 1024;
const SLOW_SYNC_MS = 20;
const FREE_BYTES_FAIL = 256 * 1024 * 1024;
const FREE_BYTES_WARN = 2 * 1024 * 1024 * 1024;

/** Looks at the directory; when it does not exist, at whether it could be made. Leaves nothing behind. */
export async function checkDataDirectory(directory: string): Promise<DataDirectoryReport> {
  const existed = await exists(directory);
  try {
    if (!existed) await mkdir(directory, { recursive: true });
    else await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const why = textOfError(error);
    const advice = 'choose another directory with --data, or change its owner or mode';
    return { checks: [fail('data directory', why, advice)], partitions: 0 };
  }
  try {
    const partitions = await countPartitions(directory);
    const words = existed ? `${directory}, writable` : `${directory}, can be made`;
    const checks = [
      ok('data directory', words),
      await checkSpace(directory),
      await checkSync(directory),
    ];
    return { checks, partitions };
  } finally {
    if (!existed) await rmdir(directory).catch(() => {});
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function countPartitions(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && /-\d+$/.test(entry.name)).length;
}

async function checkSpace(directory: string): Promise<Check> {
  const { bavail, bsize, blocks } = await statfs(directory);
  const free = bavail * bsize;
  const found = `${formatByteSize(free)} free of ${formatByteSize(blocks * bsize)}`;
  if (free < FREE_BYTES_FAIL) return fail('disk space', found, 'free some, or move --data');
  if (free < FREE_BYTES_WARN) {
    return warn('disk space', found, 'set retention.bytes or retention.ms of large topics');
  }
  return ok('disk space', found);
}

/** What acks=all waits for: the time of a small write and its fdatasync. */
async function checkSync(directory: string): Promise<Check> {
  const path = join(directory, `.doctor-${process.pid}`);
  const file = await open(path, 'w');
  const times: number[] = [];
  try {
    const block = Buffer.alloc(SYNC_BYTES, 0x54);
    for (let round = 0; round < SYNCS; round++) {
      const started = performance.now();
      await file.write(block, 0, block.length, round * block.length);
      await file.datasync();
      times.push(performance.now() - started);
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  times.sort((a, b) => a - b);
  const median = times[SYNCS >> 1] ?? 0;
  const worst = times[SYNCS - 1] ?? 0;
  const found = `median ${median.toFixed(1)} ms, worst ${worst.toFixed(1)} ms (of ${SYNCS})`;
  return median > SLOW_SYNC_MS
    ? warn(
        'fdatasync',
        found,
        'each acks=all waits that long: a disk with a write cache that survives power cuts helps',
      )
    : ok('fdatasync', found);
}
