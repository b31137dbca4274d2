// One process for a data directory. On Linux the kernel keeps the lock: an abstract Unix socket named after the
// directory's device and inode, which vanishes with its process however that ends. Elsewhere an exclusively created
// lock file, whose process is looked for. Either way the file `lock` says who it is.

import * as fs from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { TidemarkError } from '../base/errors.ts';
import type { LockPort } from '../storage/index.ts';
import { makeDirectories } from './make-directories.ts';

const LOCK_FILE = 'lock';

export type LockMethod = 'socket' | 'file';

/** Directories that this very process holds, for the `file` method. */
const held = new Set<string>();

/** Makes the lock of a data directory; `acquire` makes the directory when it is missing. */
export function dataDirectoryLock(
  directory: string,
  method: LockMethod = process.platform === 'linux' ? 'socket' : 'file',
): LockPort {
  return method === 'socket' ? new SocketLock(directory) : new FileLock(directory);
}

async function lockedError(directory: string): Promise<TidemarkError<'data_directory_locked'>> {
  const pid = await holderOf(directory);
  const who = pid === null ? 'another process' : `process ${pid}`;
  return new TidemarkError(
    'data_directory_locked',
    `the data directory ${directory} is in use by ${who}: stop it first, or choose another directory with --data`,
  );
}

/** The process id in the lock file; null when there is none that can be read. */
async function holderOf(directory: string): Promise<number | null> {
  try {
    const pid = Number.parseInt(await fs.readFile(join(directory, LOCK_FILE), 'latin1'), 10);
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

class SocketLock implements LockPort {
  readonly #directory: string;
  #server: Server | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async acquire(): Promise<void> {
    await makeDirectories(this.#directory);
    const { dev, ino } = await fs.stat(this.#directory, { bigint: true });
    const { createHash } = process.getBuiltinModule('node:crypto');
    const identity = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 40);
    this.#server = await this.#listen(`\0tidemark-${identity}`);
    // The socket is the lock. On a full disk nobody learns our process id; that must not stop a start.
    await fs.writeFile(join(this.#directory, LOCK_FILE), `${process.pid}\n`).catch(() => {});
  }

  #listen(name: string): Promise<Server> {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    return new Promise((resolve, reject) => {
      const refused = (error: NodeJS.ErrnoException): void => {
        if (error.code === 'EADDRINUSE') lockedError(this.#directory).then(reject, reject);
        else reject(error);
      };
      server.once('error', refused);
      server.listen({ path: name }, () => {
        server.off('error', refused);
        // After this only a failed accept can come here: the name stays ours.
        server.on('error', () => {});
        resolve(server);
      });
    });
  }

  async release(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    // It says who holds the lock and is none itself: a disk that will not let it go must not keep the lock.
    await fs.rm(join(this.#directory, LOCK_FILE), { force: true }).catch(() => {});
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }
}

class FileLock implements LockPort {
  readonly #directory: string;
  #path: string | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async acquire(): Promise<void> {
    await makeDirectories(this.#directory);
    const path = join(await fs.realpath(this.#directory), LOCK_FILE);
    for (;;) {
      try {
        await fs.writeFile(path, `${process.pid}\n`, { flag: 'wx' });
        held.add(path);
        this.#path = path;
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const pid = await holderOf(this.#directory);
      const ours = pid === process.pid;
      if (ours ? held.has(path) : pid !== null && isAlive(pid)) {
        throw await lockedError(this.#directory);
      }
      // Left by a process that is gone.
      await fs.rm(path, { force: true });
    }
  }

  async release(): Promise<void> {
    const path = this.#path;
    if (path === null) return;
    this.#path = null;
    held.delete(path);
    await fs.rm(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, but there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
