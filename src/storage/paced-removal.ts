// Removes files that nobody needs any more: a little later, one after the other over the whole store, never more than
// a step at once. Where the file system tells the device of all that it frees (ext4 mounted with `discard`), or is slow
// to free extents, what comes back at once keeps the device busy, and every sync of a commit waits behind it (traced:
// 620 MB in requests of up to 126 MB for 80 ms; by steps, 19 times for 4 to 6 ms). A longer file is cut from its end,
// and each step is synced: else they would all come back with the next commit of the file system's journal. A step
// each 100 ms is 335 MB/s at most; where room is short, nothing rests. What the end of the store, or a crash, leaves is
// removed by the next start.

import { Mutex } from '../base/mutex.ts';
import { pause } from '../base/pause.ts';
import type { CancelTimer, Clock } from '../base/ports.ts';
import type { Disk } from './disk.ts';
import type { FilePool } from './file-pool.ts';
import { withFile } from './small-file.ts';
import type { TaskOwner } from './tasks.ts';

/** Its discards take a device 5 ms; indexes and logs of quiet partitions are shorter and are removed whole. */
const STEP_BYTES = 32 * 1024 * 1024;
const REST_MS = 100;
/** With less room than this nothing rests: who writes faster than is deleted would fill the disk. */
const ROOM_BYTES_MIN = 8 * 1024 * 1024 * 1024;

/** What {@link PacedRemoval.setAside} and retention put behind the name that readers may have pinned. */
const GONE_SUFFIX = /(\.\d+)?\.deleted$/;

/** A file with a new name, on its way out. */
export interface GoneFile {
  readonly path: string;
  /** Its path before, by which readers may still have it pinned. */
  readonly was: string;
}

export interface PacedRemovalOptions {
  readonly disk: Disk;
  readonly pool: FilePool;
  readonly clock: Clock;
  readonly tasks: TaskOwner;
  /** Bytes given back at once; default 32 MiB. */
  readonly stepBytes?: number | undefined;
}

export class PacedRemoval {
  readonly #options: PacedRemovalOptions;
  readonly #stepBytes: number;
  readonly #lane = new Mutex();
  readonly #end = new AbortController();
  readonly #timers = new Set<CancelTimer>();
  /** Bytes given back since the last rest. */
  #given = 0;
  #setAside = 0;

  constructor(options: PacedRemovalOptions) {
    this.#options = options;
    this.#stepBytes = options.stepBytes ?? STEP_BYTES;
  }

  filesLater(gone: readonly GoneFile[], delayMs: number): void {
    this.#later('removing deleted segments', delayMs, () => this.#files(gone));
  }

  /** The directory of a log, which was `was`, and all in it. */
  directoryLater(path: string, was: string, delayMs: number): void {
    this.#later(`removing ${path}`, delayMs, () => this.#directory(path, was));
  }

  /** Renames a long file out of the way, to be removed later; false, and nothing done, for any other. */
  async setAside(path: string, delayMs: number): Promise<boolean> {
    const { disk } = this.#options;
    const status = await disk.stat(path);
    if (status === undefined || !this.#isLong(status)) return false;
    // A name of its own: the next file of this path may be set aside before this one is removed. And not one of those
    // that tell a start that retention took the log's beginning.
    this.#setAside += 1;
    const gone = `${path}.${this.#setAside}.deleted`;
    await disk.rename(path, gone);
    this.filesLater([{ path: gone, was: path }], delayMs);
    return true;
  }

  /** Nothing is begun from now on; what is being done ends with its step. */
  close(): void {
    this.#end.abort();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #later(what: string, delayMs: number, work: () => Promise<void>): void {
    if (this.#ended) return;
    const { clock, tasks } = this.#options;
    const cancel = clock.setTimer(delayMs, () => {
      this.#timers.delete(cancel);
      tasks.start(what, () => this.#lane.run(work));
    });
    this.#timers.add(cancel);
  }

  get #ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** Also another name, a backup's, would lose what is cut off. */
  #isLong({ bytes, links }: { readonly bytes: number; readonly links?: number }): boolean {
    return bytes > this.#stepBytes && links === 1;
  }

  /** Throws the first error when all have been tried. */
  async #files(gone: readonly GoneFile[]): Promise<void> {
    const errors: unknown[] = [];
    for (const file of gone) await this.#file(file).catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  }

  async #file({ path, was }: GoneFile): Promise<void> {
    const { disk, pool } = this.#options;
    if (this.#ended) return;
    const status = await disk.stat(path);
    if (status === undefined) return;
    // Who still reads it, for longer than the delay, is to read it to the end.
    const cuts = this.#isLong(status) && !pool.lingers(was);
    const left = cuts ? await this.#cut(path, status.bytes) : status.bytes;
    if (this.#ended) return;
    await disk.remove(path);
    await this.#gave(left, path.slice(0, path.lastIndexOf('/')));
  }

  /** Answers how many bytes are left to remove: a step at most, or what the disk refuses to cut. */
  async #cut(path: string, bytes: number): Promise<number> {
    let left = bytes;
    const steps = withFile(this.#options.disk, path, 'write', async (file) => {
      while (left > this.#stepBytes && !this.#ended) {
        await file.truncate(left - this.#stepBytes);
        left -= this.#stepBytes;
        await file.datasync();
        await this.#rest();
      }
    });
    await steps.catch(() => {});
    return left;
  }

  async #directory(path: string, was: string): Promise<void> {
    const { disk } = this.#options;
    if (this.#ended) return;
    const files: GoneFile[] = [];
    let bytes = 0;
    for (const name of await disk.list(path)) {
      const file = { path: `${path}/${name}`, was: `${was}/${name.replace(GONE_SUFFIX, '')}` };
      const status = await disk.stat(file.path);
      if (status?.kind !== 'file') continue;
      bytes += status.bytes;
      files.push(file);
    }
    const long = bytes > this.#stepBytes;
    if (long) await this.#files(files);
    if (this.#ended) return;
    await disk.removeDirectory(path);
    if (!long) await this.#gave(bytes, '.');
  }

  /** Rests when many short files make a step. */
  async #gave(bytes: number, directory: string): Promise<void> {
    this.#given += bytes;
    if (this.#given < this.#stepBytes) return;
    this.#given = 0;
    await this.#options.disk.syncDirectory(directory).catch(() => {});
    await this.#rest();
  }

  async #rest(): Promise<void> {
    const { disk, clock } = this.#options;
    const room = await disk.freeBytes('.').catch(() => 0);
    if (room >= ROOM_BYTES_MIN) await pause(clock, REST_MS, this.#end.signal);
  }
}
