// A program and whatever it starts, found again by a mark in their environments: a script around a broker, and what
// such a script leaves behind when it ends. A session of its own would be simpler, but where the kernel groups
// processes by session (`sched_autogroup_enabled`) it would have a share of the cores for itself, and its figures would
// show it.

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const NAME = 'TIDEMARK_BENCH_FAMILY';
const STOP_MS = 60_000;
/** What the kernel cannot end in that time it cannot end. */
const KILL_MS = 10_000;
const LOOK_MS = 20;
/** The state of a listening socket in `/proc/net/tcp`. */
const LISTENS = '0A';

const alive = new Set<Family>();

/** Ends all at once: what is left when this process ends. */
export function endFamilies(): void {
  for (const family of alive) family.signal('SIGKILL');
}

export class Family {
  readonly #id = randomUUID();
  readonly #seen = new Set<string>();

  constructor() {
    alive.add(this);
  }

  /** What its first process has to have in its environment. */
  get environment(): Readonly<Record<string, string>> {
    return { [NAME]: this.#id };
  }

  #members(): string[] {
    const mark = `${NAME}=${this.#id}`;
    return readdirSync('/proc').filter(
      (entry) => /^\d+$/.test(entry) && textOf(entry, 'environ').includes(mark),
    );
  }

  /** The id of its process that listens on a TCP port; undefined when none does. */
  listener(port: number): number | undefined {
    const sockets = listening(port);
    const pid = this.#members().find((member) => linksOf(member).some((link) => sockets.has(link)));
    return pid === undefined ? undefined : Number(pid);
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    for (const pid of this.#members()) {
      this.#seen.add(pid);
      try {
        process.kill(Number(pid), name);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** Ends those that still run, by SIGKILL in the end, and waits for it. */
  async end(name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.signal(name);
    const began = performance.now();
    const late = name === 'SIGKILL' ? 0 : STOP_MS;
    while ([...this.#seen].some(isRunning)) {
      const waited = performance.now() - began;
      if (waited > late + KILL_MS) return;
      if (waited > late) this.signal('SIGKILL');
      await sleep(LOOK_MS);
    }
    alive.delete(this);
  }
}

/**
 * One that ends has no environment any more while its sockets are still open, and its first thread may be gone while
 * others have them: it has ended when that is the only one left, and waits for its parent.
 */
function isRunning(pid: string): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).length;
    return threads > 1 || /^\d+ \(.*\) [^ZX]/s.test(textOf(pid, 'stat'));
  } catch {
    return false;
  }
}

/** Sockets that listen on the port, as links of open files name them. */
function listening(port: number): Set<string> {
  const address = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['tcp', 'tcp6'].flatMap((file) => textOf('net', file).split('\n'));
  return new Set(
    lines
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', , state]) => local.endsWith(address) && state === LISTENS)
      .map((fields) => `socket:[${fields[9]}]`),
  );
}

/** What the open files of a process are; what is closed meanwhile is none. */
function linksOf(pid: string): string[] {
  const read = <T>(work: () => T, none: T): T => {
    try {
      return work();
    } catch {
      return none;
    }
  };
  const folder = `/proc/${pid}/fd`;
  return read(() => readdirSync(folder), []).map((file) =>
    read(() => readlinkSync(`${folder}/${file}`), ''),
  );
}

/** Empty where it is another user's, or gone. */
function textOf(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
