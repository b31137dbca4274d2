// The part of a data directory's lock that holds between containers: their abstract sockets have names of their own,
// but they see the same files. Whoever wants the directory puts a socket of its own, which listens already, into it,
// and only then looks for others': one that takes a connection belongs to a process that lives, one that refuses it was
// left behind and is removed.
//
// No step of this has to be undivided. Of two that start, the later one looked after the earlier one was to be seen, so
// they never both go on (both may give up: the abstract socket keeps that from those who share a network). Nor can a
// socket that somebody removes be another's by then: each has a name that was never there before.
//
// Not between machines that share a file system: a socket of another machine looks as if it had been left behind.

import * as fs from 'node:fs/promises';
import { connect, createServer, type ListenOptions, type Server } from 'node:net';
import { join } from 'node:path';

/** Hidden: it is no business of those who read the data. */
const PREFIX = '.lock.';
/** Not yet to be seen by others. */
const UNSEEN = '.new';

export class Announcement {
  readonly #directory: string;
  #name: string | null = null;
  #server: Server | null = null;
  #failure: Error | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Why others cannot see us: the directory takes no sockets, mostly. Null when they can. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Makes us seen, as far as the directory lets us; whether nobody else is there. Without it nothing is announced. */
  async make(): Promise<boolean> {
    const { O_RDONLY, O_DIRECTORY } = fs.constants;
    const directory = await fs.open(this.#directory, O_RDONLY | O_DIRECTORY);
    // However long the directory's own path is: a socket's may have 107 bytes.
    const within = `/proc/self/fd/${directory.fd}`;
    let alone = false;
    try {
      this.#failure = await this.#appear(within).then(
        () => null,
        (error: Error) => error,
      );
      alone = await this.#isAlone(within);
    } finally {
      if (!alone) await this.withdraw();
      await directory.close();
    }
    return alone;
  }

  /** Harmless when nothing is announced. */
  async withdraw(): Promise<void> {
    const [name, server] = [this.#name, this.#server];
    this.#name = null;
    this.#server = null;
    // One that cannot be removed is seen to be left behind.
    if (name !== null) await fs.rm(join(this.#directory, name), { force: true }).catch(() => {});
    if (server !== null) await closeServer(server);
  }

  async #appear(within: string): Promise<void> {
    const { randomBytes } = process.getBuiltinModule('node:crypto');
    const name = PREFIX + randomBytes(8).toString('hex');
    // Anyone may connect: nothing is said there.
    const anyone = { readableAll: true, writableAll: true };
    const server = await listenAt({ path: `${within}/${name}${UNSEEN}`, ...anyone });
    try {
      await fs.rename(`${within}/${name}${UNSEEN}`, `${within}/${name}`);
    } catch (error) {
      await closeServer(server);
      throw error;
    }
    this.#name = name;
    this.#server = server;
  }

  async #isAlone(within: string): Promise<boolean> {
    const names = await fs.readdir(within);
    const others = names.filter(
      (name) => name.startsWith(PREFIX) && !name.endsWith(UNSEEN) && name !== this.#name,
    );
    for (const name of others) {
      const code = await failureToConnect(`${within}/${name}`);
      if (code === 'ECONNREFUSED')
        await fs.rm(`${within}/${name}`, { force: true }).catch(() => {});
      // ENOENT: withdrawn meanwhile. Any other answer comes from a socket that somebody listens at.
      else if (code !== 'ENOENT') return false;
    }
    return true;
  }
}

/** Listens for this process alone (workers of node:cluster share what they listen at), and does not keep it alive. */
export function listenAt(options: ListenOptions): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options, exclusive: true }, () => {
      server.off('error', reject);
      // After this only a failed accept can come here: the name stays ours.
      server.on('error', () => {});
      resolve(server);
    });
  });
}

export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** The code of the error; null when the connection was taken. */
function failureToConnect(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });
}
