// Open files, shared and bounded: thousands of segments, a few hundred descriptors. A file in use is pinned and never
// closed; one with bytes that no sync has covered stays pinned too, because an error of a later write-back is
// reported only to descriptors that were open when it happened.

import { type Disk, DiskError, type DiskFile, isOutOfFiles } from './disk.ts';

/** A file that stays open until `release()`, which is called exactly once for each acquire. */
export interface PinnedFile {
  readonly file: DiskFile;
  release(): void;
}

class Entry {
  readonly path: string;
  pins = 0;
  /** Removed from the pool (file deleted or renamed): closed with its last pin. */
  detached = false;
  file: DiskFile | null = null;
  opening: Promise<DiskFile> | null = null;

  constructor(path: string) {
    this.path = path;
  }
}

/** Keeps up to `limit` files open, the least recently used unpinned ones going first. */
export class FilePool {
  readonly #disk: Disk;
  readonly #limit: number;
  /** In order of last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #pinned = 0;
  /** Detached with pins. */
  readonly #lingering = new Set<Entry>();
  #closing = new Set<Promise<void>>();
  #ended = false;
  /** Called when every open file is pinned and more are wanted: the owner of dirty files should sync some. */
  onPressure: () => void = () => {};

  constructor(disk: Disk, limit: number) {
    this.#disk = disk;
    this.#limit = limit;
  }

  /** Files open now. */
  get openFiles(): number {
    return this.#open;
  }

  /** Somebody waits for a file to be let go. */
  get crowded(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether files may be pinned for as long as a slow reader takes: half of them stay free for all else. */
  get roomy(): boolean {
    return this.#pinned * 2 < this.#limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * Opens (or finds) and pins. Throws DiskError: `not_found` for a missing file unless `create`, `io_error` after the
   * end.
   */
  async acquire(path: string, mode: 'write' | 'create' = 'write'): Promise<PinnedFile> {
    if (this.#ended) throw ended(path);
    const entry = this.#touch(path);
    this.#pin(entry);
    try {
      const file = entry.file ?? (await this.#openEntry(entry, mode));
      return { file, release: () => this.#unpin(entry) };
    } catch (error) {
      this.#unpin(entry);
      throw error;
    }
  }

  /** Pins a file that is open; null for any other. */
  acquireNow(path: string): PinnedFile | null {
    const { file } = this.#entries.get(path) ?? { file: null };
    if (file === null) return null;
    const entry = this.#touch(path);
    this.#pin(entry);
    return { file, release: () => this.#unpin(entry) };
  }

  /** Runs `work` with the file pinned. */
  async using<T>(path: string, work: (file: DiskFile) => Promise<T>): Promise<T> {
    const pinned = await this.acquire(path);
    try {
      return await work(pinned.file);
    } finally {
      pinned.release();
    }
  }

  /** Forgets a path whose file was deleted, renamed or replaced; whoever has it pinned goes on reading it. */
  detach(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    entry.detached = true;
    if (entry.pins === 0) this.#close(entry);
    else this.#lingering.add(entry);
  }

  /** Closes a file that nobody uses, for a descriptor that is wanted elsewhere; false when there is none. */
  async spareOne(): Promise<boolean> {
    if (!this.#evictOne()) return false;
    await Promise.all(this.#closing);
    return true;
  }

  /** Forgets all paths in a directory, which are to be other files'. */
  detachBelow(directory: string): void {
    for (const path of [...this.#entries.keys()]) {
      if (path.startsWith(`${directory}/`)) this.detach(path);
    }
  }

  /** Whether somebody still has a file pinned that had this path when it was detached. */
  lingers(path: string): boolean {
    for (const entry of this.#lingering) if (entry.path === path) return true;
    return false;
  }

  /** Closes every file, pinned or not, and opens none any more: the directory may be another process's then. */
  async close(): Promise<void> {
    this.#ended = true;
    const openings: (Promise<unknown> | null)[] = [];
    for (const entry of [...this.#entries.values(), ...this.#lingering]) {
      entry.detached = true;
      openings.push(entry.opening);
      this.#close(entry);
    }
    this.#entries.clear();
    for (const resume of this.#waiting.splice(0)) resume();
    await Promise.allSettled(openings);
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  #touch(path: string): Entry {
    let entry = this.#entries.get(path);
    if (entry === undefined) entry = new Entry(path);
    else this.#entries.delete(path);
    this.#entries.set(path, entry);
    return entry;
  }

  async #openEntry(entry: Entry, mode: 'write' | 'create'): Promise<DiskFile> {
    if (entry.opening === null) {
      entry.opening = this.#openFile(entry, mode).finally(() => {
        entry.opening = null;
      });
    }
    return entry.opening;
  }

  async #openFile(entry: Entry, mode: 'write' | 'create'): Promise<DiskFile> {
    for (;;) {
      while (!this.#ended && this.#open >= this.#limit && !this.#evictOne()) await this.#roomMade();
      if (this.#ended) throw ended(entry.path);
      this.#open++;
      try {
        const file = await this.#disk.open(entry.path, mode);
        entry.file = file;
        if (!this.#ended) return file;
      } catch (error) {
        this.#open--;
        // Others in the process hold descriptors; with none of our own left to close, it is a true failure.
        if (!isOutOfFiles(error) || !(await this.spareOne())) {
          // The room that it was given is the next one's.
          this.#waiting.shift()?.();
          throw error;
        }
        continue;
      }
      this.#close(entry);
    }
  }

  #roomMade(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.onPressure();
    });
  }

  #evictOne(): boolean {
    for (const entry of this.#entries.values()) {
      if (entry.pins > 0 || entry.file === null) continue;
      this.#entries.delete(entry.path);
      this.#close(entry);
      return true;
    }
    return false;
  }

  #pin(entry: Entry): void {
    if (entry.pins === 0) this.#pinned++;
    entry.pins++;
  }

  #unpin(entry: Entry): void {
    entry.pins--;
    if (entry.pins > 0) return;
    this.#pinned--;
    this.#lingering.delete(entry);
    if (entry.detached || entry.file === null) {
      if (this.#entries.get(entry.path) === entry) this.#entries.delete(entry.path);
      this.#close(entry);
    } else {
      this.#waiting.shift()?.();
    }
  }

  #close(entry: Entry): void {
    const { file } = entry;
    if (file === null) return;
    entry.file = null;
    this.#open--;
    this.#waiting.shift()?.();
    // A failed close tells nothing that the syncs before it did not: dirty files are never closed.
    const closing = file
      .close()
      .catch(() => {})
      .then(() => {
        this.#closing.delete(closing);
      });
    this.#closing.add(closing);
  }
}

function ended(path: string): DiskError {
  return new DiskError('io_error', path, 'the data directory was closed');
}
