// One process for a data directory. On Linux the kernel keeps the lock: an abstract Unix socket named after the
// directory's device and inode, which vanishes with its process however that ends. Such names belong to a network
// namespace, so that containers which share the directory do not see each other's; a socket in the directory itself
// keeps those apart (lock-announcement.ts). Where the directory takes none, the log says so and the first has to do.
// Elsewhere an exclusively created lock file, whose process is looked for. Either way the file `lock` says who it is.

import * as fs from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { TidemarkError } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/ports.ts';
import type { LockPort } from '../storage/index.ts';
import { Announcement, closeServer, listenAt } from './lock-announcement.ts';
import { makeDirectories } from './make-directories.ts';

const LOCK_FILE = 'lock';

export type LockMethod = 'socket' | 'file';

/** Directories that this very process holds, for the `file` method. */
const held = new Set<string>();

export interface LockOptions {
  readonly method?: LockMethod;
  /** Hears of it when other containers are not kept out. */
  readonly logger?: Logger;
}

/** Makes the lock of a data directory; `acquire` makes the directory when it is missing. */
export function dataDirectoryLock(directory: string, options: LockOptions = {}): LockPort {
  const { method = process.platform === 'linux' ? 'socket' : 'file', logger } = options;
  return method === 'socket'
    ? new SocketLock(directory, logger ?? silentLogger)
    : new FileLock(directory);
}

/** `where`: what has to be said of the place where the process runs. */
async function lockedError(
  directory: string,
  where = '',
): Promise<TidemarkError<'data_directory_locked'>> {
  const pid = await holderOf(directory);
  const who = (pid === null ? 'another process' : `process ${pid}`) + where;
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
  readonly #logger: Logger;
  #server: Server | null = null;
  readonly #announcement: Announcement;

  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
    this.#announcement = new Announcement(directory);
  }

  async acquire(): Promise<void> {
    await makeDirectories(this.#directory);
    const { dev, ino } = await fs.stat(this.#directory, { bigint: true });
    const { createHash } = process.getBuiltinModule('node:crypto');
    const identity = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 40);
    try {
      this.#server = await listenAt({ path: `\0tidemark-${identity}` });
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      throw taken ? await lockedError(this.#directory) : error;
    }
    try {
      await this.#keepContainersOut();
    } catch (error) {
      await this.#close();
      throw error;
    }
    // The socket is the lock. On a full disk nobody learns our process id; that must not stop a start.
    await fs.writeFile(join(this.#directory, LOCK_FILE), `${process.pid}\n`).catch(() => {});
  }

  async #keepContainersOut(): Promise<void> {
    const alone = await this.#announcement.make();
    if (!alone) throw await lockedError(this.#directory, ' of another container');
    const { failure } = this.#announcement;
    if (failure === null) return;
    this.#logger.warn(
      { directory: this.#directory, error: failure.message },
      'another container that shares the data directory would not be kept out: no socket can be made in it',
    );
  }

  async release(): Promise<void> {
    if (this.#server === null) return;
    // It says who holds the lock and is none itself: a disk that will not let it go must not keep the lock.
    await fs.rm(join(this.#directory, LOCK_FILE), { force: true }).catch(() => {});
    await this.#announcement.withdraw();
    await this.#close();
  }

  async #close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    await closeServer(server);
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
