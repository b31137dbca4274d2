// What the disk and the file system under a directory are, and how long their syncs take.

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const SYNCS_MAX = 300;
const PROBE_MS_MAX = 3000;
const BLOCK_BYTES = 4096;
/** No device that keeps data through a power cut was seen to sync faster than this, in microseconds. */
const TOO_FAST_US = 20;

/** A file system, as far as the system tells. */
export interface FileSystem {
  readonly type: string;
  /** The device or the source of the mount; null where it is not told. */
  readonly device: string | null;
  /** Data is in memory alone. */
  readonly inMemory: boolean;
  readonly network: boolean;
}

export interface SyncTimes {
  readonly count: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Faster than any device that really writes. */
  readonly tooFast: boolean;
}

/** Magic numbers of statfs(2), for systems without /proc. */
const types: Readonly<Record<number, string>> = {
  16914836: 'tmpfs',
  2240043254: 'ramfs',
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  2035054128: 'overlay',
  26985: 'nfs',
  16914839: '9p',
  1702057286: 'fuse',
  4283649346: 'cifs',
  4266872130: 'smb2',
};

const inMemory = new Set(['tmpfs', 'ramfs']);
const network = new Set(['nfs', 'nfs4', 'cifs', 'smb2', 'smb3', '9p']);

/** The file system that a directory is on. */
export async function fileSystemOf(directory: string): Promise<FileSystem> {
  const mount = await mountOf(directory);
  const type = mount?.type ?? types[(await statfs(directory)).type] ?? 'unknown';
  return {
    type,
    device: mount?.device ?? null,
    inMemory: inMemory.has(type),
    network: network.has(type),
  };
}

/** The mount with the longest path above the directory, from /proc/self/mountinfo (proc(5)). */
async function mountOf(directory: string): Promise<{ type: string; device: string } | null> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const path = `${resolve(directory)}/`;
  let best: { point: string; type: string; device: string } | null = null;
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ');
    const point = left?.split(' ')[4]?.replaceAll('\\040', ' ');
    const [type, device] = right?.split(' ') ?? [];
    if (point === undefined || type === undefined || device === undefined) continue;
    const inside = path.startsWith(point === '/' ? '/' : `${point}/`);
    if (inside && point.length >= (best?.point.length ?? 0)) best = { point, type, device };
  }
  return best;
}

/**
 * Appends and syncs small blocks, and times the syncs, without Node's thread pool, which would add its own time.
 * Leaves nothing behind.
 */
export function measureSyncs(directory: string, memory: boolean): SyncTimes {
  const path = join(directory, 'sync-probe');
  const file = openSync(path, 'w');
  const times: number[] = [];
  try {
    const block = Buffer.alloc(BLOCK_BYTES, 0x54);
    const started = performance.now();
    while (times.length < SYNCS_MAX && performance.now() - started < PROBE_MS_MAX) {
      writeSync(file, block, 0, block.length, times.length * BLOCK_BYTES);
      const before = performance.now();
      fdatasyncSync(file);
      times.push((performance.now() - before) * 1000);
    }
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number =>
    Math.round(times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0);
  const p50Us = at(0.5);
  const tooFast = !memory && p50Us < TOO_FAST_US;
  const maxUs = Math.round(times.at(-1) ?? 0);
  return { count: times.length, p50Us, p99Us: at(0.99), maxUs, tooFast };
}
