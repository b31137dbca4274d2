// The files of the journal: made, taken out of what a start replays, and used again.

import { crc32c } from '../../base/crc32c.ts';
import type { Logger, Random } from '../../base/ports.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import type { JournalOwner } from './journal-entry.ts';
import { JOURNAL_DIRECTORY, JOURNAL_HEADER_BYTES, journalHeader } from './journal-format.ts';

/** A file that is done with, kept for its blocks: a sync of bytes written over others is twice as fast. */
const SPARE = `${JOURNAL_DIRECTORY}/spare`;

/** One journal file, and why a start needs it. */
export class Generation {
  readonly path: string;
  /** Logs with entries here whose segments no sync has covered since. */
  readonly owners = new Map<string, JournalOwner>();
  /** Logs with entries here that are not void. */
  readonly names = new Set<string>();
  /** Logs whose segments would not take what is here of them: a start may need it until they are opened or deleted. */
  readonly heldBy = new Set<string>();
  /** Older files with entries that are void by what is written here. */
  readonly voids = new Set<Generation>();
  checkpointed = false;
  #gone = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Its name is gone for good. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Whether a start needs what is in it, once it is checkpointed. */
  get needed(): boolean {
    return this.heldBy.size > 0 || [...this.voids].some(({ gone }) => !gone);
  }

  /** A start needs nothing of the log any more. */
  disown(key: string): void {
    this.owners.delete(key);
    this.heldBy.delete(key);
  }

  /** What `older` holds of the log is void by an entry here. */
  void(key: string, older: Generation): void {
    older.disown(key);
    older.names.delete(key);
    if (older !== this) this.voids.add(older);
  }

  /** Its name is gone for good. Newer files may know it for long: it lets go of the older ones that it knows. */
  taken(): void {
    this.#gone = true;
    this.voids.clear();
  }

  /** Closes what is open of it; doing it again does nothing. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** One that takes, or took, entries in this run. */
export class OpenGeneration extends Generation {
  readonly file: DiskFile;
  readonly seed: number;
  position = JOURNAL_HEADER_BYTES;
  #closed = false;

  constructor(path: string, file: DiskFile, salt: Buffer) {
    super(path);
    this.file = file;
    this.seed = crc32c(salt);
  }

  /** Its descriptor is closed once: after that it may be another file's. */
  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.file.close();
  }
}

export interface JournalFilesOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly logger: Logger;
  readonly firstGeneration: number;
}

export class JournalFiles {
  readonly #options: JournalFilesOptions;
  #nextGeneration: number;

  constructor(options: JournalFilesOptions) {
    this.#options = options;
    this.#nextGeneration = options.firstGeneration;
  }

  /** The next file, without entries. Throws DiskError. */
  async make(): Promise<OpenGeneration> {
    const { disk, random } = this.#options;
    const name = `${String(this.#nextGeneration++).padStart(20, '0')}.journal`;
    const path = `${JOURNAL_DIRECTORY}/${name}`;
    const salt = random.bytes(8);
    const header = journalHeader(salt);
    const file = await this.#open(path, header);
    await this.#orDiscard(path, file, disk.syncDirectory(JOURNAL_DIRECTORY));
    return new OpenGeneration(path, file, salt);
  }

  /** Takes a file with entries that nobody needs out of what a start replays. Doing it again does no harm. */
  async retire(path: string): Promise<void> {
    const { disk } = this.#options;
    if ((await disk.stat(SPARE)) !== undefined) await disk.remove(path);
    else if ((await disk.stat(path)) !== undefined) await disk.rename(path, SPARE);
    await disk.syncDirectory(JOURNAL_DIRECTORY);
  }

  /** Removes what was kept to be used again. */
  removeSpare(): Promise<void> {
    return this.#options.disk.remove(SPARE);
  }

  /** A file that begins with `header` and has no entries of its salt. */
  async #open(path: string, header: Buffer): Promise<DiskFile> {
    const { disk, logger } = this.#options;
    if ((await disk.stat(SPARE)) !== undefined) {
      try {
        return await this.#reuse(path, header);
      } catch (error) {
        const { message } = error as Error;
        logger.warn({ path, error: message }, 'a used journal file cannot be used again');
        await disk.remove(SPARE);
      }
    }
    const file = await disk.open(path, 'create');
    await this.#orDiscard(path, file, file.write([header], 0));
    return file;
  }

  /** When what a new file needs fails, neither its descriptor nor, as far as the disk lets us, its name stays. */
  async #orDiscard(path: string, file: DiskFile, needed: Promise<void>): Promise<void> {
    try {
      await needed;
    } catch (error) {
      // It has no entries: a start does not mind it.
      await Promise.allSettled([file.close(), this.#options.disk.remove(path)]);
      throw error;
    }
  }

  /** The spare file under a new name. */
  async #reuse(path: string, header: Buffer): Promise<DiskFile> {
    const { disk } = this.#options;
    const file = await disk.open(SPARE, 'write');
    try {
      await file.write([header], 0);
      // The salt makes the old entries void: it must be there before the name that a start replays.
      await file.datasync();
    } finally {
      await file.close();
    }
    await disk.rename(SPARE, path);
    return disk.open(path, 'write');
  }
}
