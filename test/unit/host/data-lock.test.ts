import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { dataDirectoryLock, type LockMethod } from '../../../src/host/data-lock.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-lock-'));
  directories.push(directory);
  return directory;
}

const methods: LockMethod[] = process.platform === 'linux' ? ['socket', 'file'] : ['file'];

describe.each(methods)('the %s lock', (method) => {
  test('refuses a second holder and names the first', async () => {
    const directory = makeDirectory();
    const first = dataDirectoryLock(directory, method);
    await first.acquire();
    expect(readFileSync(join(directory, 'lock'), 'latin1')).toBe(`${process.pid}\n`);
    const second = dataDirectoryLock(directory, method);
    await expect(second.acquire()).rejects.toMatchObject({
      code: 'data_directory_locked',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await second.release();
    await first.release();
    await second.acquire();
    await second.release();
  });

  test('is free once its process was killed', async () => {
    const directory = makeDirectory();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    writeFileSync(join(directory, 'lock'), `${child.pid}\n`);
    const lock = dataDirectoryLock(directory, method);
    if (method === 'file') {
      await expect(lock.acquire()).rejects.toMatchObject({ code: 'data_directory_locked' });
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    await lock.acquire();
    await lock.release();
  });

  test('makes a missing directory', async () => {
    const lock = dataDirectoryLock(join(makeDirectory(), 'a', 'b'), method);
    await lock.acquire();
    await lock.release();
  });
});
