// A file system of a few megabytes in memory (tmpfs), for tests of full disks. Mounting takes root: elsewhere the test
// is skipped and says so; with CI=true it fails.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';

export interface SmallDisk {
  readonly path: string;
  /** Takes up room. */
  fill(bytes: number): Promise<void>;
  /** Gives it back. */
  free(): void;
  remove(): void;
}

function mount(path: string, megabytes: number): string | undefined {
  const args = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path];
  const done = spawnSync('mount', args, { encoding: 'utf8' });
  if (done.status === 0) return undefined;
  return (done.stderr ?? String(done.error)).trim() || 'mount failed';
}

/** Throws when nothing may be mounted here. */
export function smallDisk(megabytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-small-disk-'));
  const problem = mount(path, megabytes);
  if (problem !== undefined) {
    rmSync(path, { recursive: true });
    throw new Error(problem);
  }
  const ballast = join(path, 'ballast');
  return {
    path,
    async fill(bytes) {
      const file = await open(ballast, 'w');
      const chunk = Buffer.alloc(1024 * 1024);
      try {
        for (let at = 0; at < bytes; at += chunk.length) await file.write(chunk);
      } finally {
        await file.close();
      }
    },
    free: () => rmSync(ballast),
    remove: () => {
      spawnSync('umount', [path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function cannotMount(): string | undefined {
  try {
    smallDisk(1).remove();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The `test` for tests that mount: see above. */
export function testWithMount(name: string, run: () => Promise<void>): void {
  const why = cannotMount();
  if (why === undefined) test(name, run);
  else if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(`needed in CI: ${why}`);
    });
  } else test.skip(`${name} (skipped: ${why})`, () => undefined);
}
