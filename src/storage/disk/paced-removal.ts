// Removes files that nobody needs any more: a little later, one after the other over the whole store, never more than
// a step at once. Where the file system tells the device of all that it frees (ext4 mounted with `discard`), what comes
// back at once keeps the device busy, and every sync of a commit waits behind it (decision 33). A longer file is cut
// from its end, and each step is made durable: else they would all come back with the next commit of the file system's
// journal. A step each 100 ms is 335 MB/s at most; where room is short, nothing rests. Directories that the end of the
// store, or a crash, leaves go so, too, after the next start.
// Not paced: a file that a reader still has pinned, or that has another name, goes whole; so do the logs of up to a
// step that compaction replaces, what a pass that was given up had written (`.cleaned`), `.deleted` files that a log
// finds as it is opened, and directories that a start with little room finds.

import { Mutex } from '../../base/mutex.ts';
import { pause } from '../../base/pause.ts';
import type { Clock, Logger } from '../../base/ports.ts';
import type { TaskOwner } from '../tasks.ts';
import type { Disk } from './disk.ts';
import { DueWork } from './due-work.ts';
import type { FilePool } from './file-pool.ts';
import { nameBefore, setAsideName } from './gone-name.ts';
import { directoryOf } from './small-file.ts';

/** Its discards take a device 5 ms; indexes and logs of quiet partitions are shorter and are removed whole. */
const STEP_BYTES = 32 * 1024 * 1024;
const REST_MS = 100;
/** Comes and goes with each cut; a start takes away what a crash leaves of it. */
const CUT_FILE = 'cut.tmp';
/** With less room than this nothing waits: who writes faster than is deleted would fill the disk. */
const ROOM_BYTES_MIN = 8 * 1024 * 1024 * 1024;

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
  readonly logger: Logger;
  readonly tasks: TaskOwner;
  /** Bytes given back at once; default 32 MiB. */
  readonly stepBytes?: number | undefined;
}

/** Whether the disk has too little room for removals to wait; also when it does not tell. */
export async function isRoomShort(disk: Disk): Promise<boolean> {
  return (await disk.freeBytes('.').catch(() => 0)) < ROOM_BYTES_MIN;
}

export class PacedRemoval {
  readonly #options: PacedRemovalOptions;
  /** What is refused on the way to a removal is tried again, as removals are. */
  readonly due: DueWork;
  readonly #stepBytes: number;
  readonly #lane = new Mutex();
  readonly #end = new AbortController();
  /** Bytes given back since the last rest. */
  #given = 0;
  /** Where a name was removed last, which no sync has made durable; null when that was before the last rest. */
  #unsynced: string | null = null;
  #namesMade = 0;

  constructor(options: PacedRemovalOptions) {
    this.#options = options;
    this.due = new DueWork(options);
    this.#stepBytes = options.stepBytes ?? STEP_BYTES;
  }

  filesLater(gone: readonly GoneFile[], delayMs: number): void {
    this.#later(delayMs, 'removing deleted segments', () => this.#files(gone));
  }

  /** The directory of a log, which was `was`, and all in it. */
  directoryLater(path: string, was: string, delayMs: number): void {
    this.#later(delayMs, `removing ${path}`, () => this.#directory(path, was));
  }

  /** Renames a long file out of the way, to be removed later; false, and nothing done, for any other. */
  async setAside(path: string, delayMs: number): Promise<boolean> {
    const { disk } = this.#options;
    const status = await disk.stat(path);
    if (status === undefined || !this.#isLong(status)) return false;
    this.#namesMade += 1;
    const gone = setAsideName(path, this.#namesMade);
    await disk.rename(path, gone);
    this.filesLater([{ path: gone, was: path }], delayMs);
    return true;
  }

  /** Nothing is begun from now on; what is being done ends with its step. */
  close(): void {
    this.due.close();
    this.#end.abort();
  }

  #later(delayMs: number, what: string, work: () => Promise<void>): void {
    this.due.after(delayMs, what, () => this.#lane.run(work));
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
    await this.#makeRoom(left);
    if (this.#ended) return;
    await disk.remove(path);
    this.#unsynced = directoryOf(path);
  }

  /**
   * Answers how many bytes are left to remove: a step at most, or what the disk refuses to cut. Throws DiskError, and
   * cuts nothing, when the file's new name cannot be made durable: a power loss would bring back the old one, cut.
   */
  async #cut(path: string, bytes: number): Promise<number> {
    const { disk, logger } = this.#options;
    await disk.syncDirectory(directoryOf(path));
    let left = bytes;
    try {
      // Not one of the small files, of which few are open at once: this takes as long as the rests.
      const file = await disk.open(path, 'write');
      try {
        while (left > this.#stepBytes) {
          const end = Math.floor((left - 1) / this.#stepBytes) * this.#stepBytes;
          await this.#makeRoom(left - end);
          if (this.#ended) break;
          await file.truncate(end);
          left = end;
          await this.#commitCut(directoryOf(path));
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      const { message } = error as Error;
      logger.warn({ path, error: message }, `${path} cannot be cut, it goes whole: ${message}`);
    }
    return left;
  }

  /**
   * Makes a cut durable by a change of the directory that comes after it: a sync of the file would first write what of
   * its rest is in the page cache alone, for nothing (300 MB just written, `--flush os`: 304 MB to the device, 0.1 so).
   */
  async #commitCut(directory: string): Promise<void> {
    const { disk } = this.#options;
    const path = `${directory}/${CUT_FILE}`;
    await (await disk.open(path, 'create')).close();
    await disk.remove(path);
    await disk.syncDirectory(directory);
  }

  async #directory(path: string, was: string): Promise<void> {
    const { disk } = this.#options;
    if (this.#ended) return;
    const files: GoneFile[] = [];
    let bytes = 0;
    for (const name of await disk.list(path)) {
      const file = { path: `${path}/${name}`, was: `${was}/${nameBefore(name)}` };
      const status = await disk.stat(file.path);
      if (status?.kind !== 'file') continue;
      bytes += status.bytes;
      files.push(file);
    }
    if (bytes > this.#stepBytes) await this.#files(files);
    else await this.#makeRoom(bytes);
    if (this.#ended) return;
    await disk.removeDirectory(path);
    this.#unsynced = '.';
  }

  /** Rests before so many bytes are given back when they would make more than a step with those before. */
  async #makeRoom(bytes: number): Promise<void> {
    const { disk, clock } = this.#options;
    if (this.#given > 0 && this.#given + bytes > this.#stepBytes) {
      if (this.#unsynced !== null) await disk.syncDirectory(this.#unsynced).catch(() => {});
      this.#unsynced = null;
      this.#given = 0;
      if (!(await isRoomShort(disk))) await pause(clock, REST_MS, this.#end.signal);
    }
    this.#given += bytes;
  }
}
