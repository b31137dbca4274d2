// The shared journal: batches of many logs in one file, so that one sync commits them all. A batch is first written
// to its segment (page cache), then to the journal; once the journal is synced it counts as committed. A checkpoint
// syncs the segments in the background and removes the journal file; after a crash, journal-replay.ts writes what the
// journal holds into the segments again.

import { asError } from '../../base/errors.ts';
import type { Clock, Logger, Random } from '../../base/ports.ts';
import type { Disk } from '../disk/disk.ts';
import type { TaskOwner } from '../tasks.ts';
import type { JournalEntry } from './journal-entry.ts';
import { type Generation, JournalFiles, type OpenGeneration } from './journal-files.ts';
import { ENTRY_KIND, encodeEntry, JOURNAL_HEADER_BYTES } from './journal-format.ts';
import { OldGenerations } from './journal-old.ts';
import { writeBack } from './journal-replay.ts';
import { Pace } from './pace.ts';

/** A checkpoint begins when the file is this long, */
const FILE_BYTES_MAX = 32 * 1024 * 1024;
/** or this long after its first entry. */
const CHECKPOINT_AFTER_MS = 15_000;
/** While entries come at least so often, the next file is made before it is needed. */
const BUSY_MS = 1000;
/** Files that wait for their checkpoint before no more is taken: this bounds what a start replays. */
const WAITING_FILES_MAX = 3;
/** Segment syncs at once during a checkpoint that somebody waits for. */
const CHECKPOINT_WIDTH = 2;
/**
 * One that nobody waits for takes about so long, however many segments: each of its syncs delays commits that reach the
 * disk meanwhile (one of a file that grows is a commit of the file system's own journal), a row of them all commits.
 */
const CHECKPOINT_MS = CHECKPOINT_AFTER_MS / 2;
/** And between two of few segments it rests no longer than this. */
const CHECKPOINT_REST_MS_MAX = 100;

export interface JournalOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tasks: TaskOwner;
  /** Dirty logs that a generation may gather before it is checkpointed: each holds a descriptor. */
  readonly dirtyLogsMax: number;
  readonly firstGeneration: number;
  /** Files of the last run that its replay left (journal-replay.ts), oldest first; they count as older files here. */
  readonly kept: readonly Generation[];
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #files: JournalFiles;
  readonly #pace: Pace;
  #current: OpenGeneration | null = null;
  /** The file after it, made while it is still written to. */
  #next: Promise<OpenGeneration> | null = null;
  #turning = false;
  #writtenMs = 0;
  #closed = false;
  #preparing = false;
  /** No file could be had, or written to; until one takes entries, that is not said again. */
  #refused = false;
  /** Generations under or after checkpoint. */
  readonly #old: OldGenerations;
  #cancelTimer: () => void = () => {};
  /** Appends and forgets run one after the other. */
  #lane: Promise<void> = Promise.resolve();
  /** How many of them are at work or wait: the first one begins at once. */
  #inLaneCount = 0;
  #checkpoints: Promise<void> = Promise.resolve();

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#files = new JournalFiles(options);
    this.#old = new OldGenerations(options, this.#files);
    this.#pace = new Pace(options.clock);
  }

  /** Checkpoints do not keep up: commits should do without the journal for a while. */
  get lagging(): boolean {
    return this.#old.count >= WAITING_FILES_MAX;
  }

  /** Whether a file is open for entries. */
  get ready(): boolean {
    return this.#current !== null;
  }

  /** Whether the disk refused what was last tried: nobody should wait for a new file. */
  get refuses(): boolean {
    return this.#refused;
  }

  /** Opens a file for entries to come, without anybody waiting for it; one that cannot be had is tried for again. */
  prepare(): void {
    if (this.#current !== null || this.#preparing) return;
    this.#preparing = true;
    const opened = this.#inLane(async () => {
      this.#current ?? (await this.#begin());
    });
    const settled = (): void => {
      this.#preparing = false;
    };
    void opened.then(settled, settled);
  }

  /**
   * Writes and syncs the entries. When it rejects, none of them may be taken for committed, though a start may find and
   * replay some: as others', they count as held until their file is gone.
   */
  append(entries: readonly JournalEntry[]): Promise<void> {
    return this.#inLane(() => {
      const generation = this.#current;
      if (generation !== null) return this.#add(generation, entries);
      return this.#begin().then((begun) => this.#add(begun, entries));
    });
  }

  /** The logs of the entries need the generation from now on. */
  #add(generation: OpenGeneration, entries: readonly JournalEntry[]): Promise<void> {
    let count = entries.length;
    for (const { parts } of entries) count += parts.length;
    const all = new Array<Buffer>(count);
    let at = 0;
    for (const entry of entries) {
      const { key, owner } = entry;
      generation.owners.set(key, owner);
      generation.names.add(key);
      all[at++] = encodeEntry(generation.seed, ENTRY_KIND.batches, key, entry);
      for (const part of entry.parts) all[at++] = part;
    }
    return this.#write(generation, all);
  }

  /** Voids what the journal holds of a log, durably, before its segments are rewritten or its offsets reused. */
  forget(key: string): Promise<void> {
    return this.#inLane(() => this.#void(key));
  }

  async #void(key: string): Promise<void> {
    const holding = this.#holding(key);
    if (holding.length === 0) return;
    const generation = this.#current ?? (await this.#begin());
    const entry = { segmentBase: 0, position: 0, parts: [], bytes: 0 };
    await this.#write(generation, [encodeEntry(generation.seed, ENTRY_KIND.forget, key, entry)]);
    for (const each of holding) generation.void(key, each);
    this.#old.removeSoon();
  }

  /** The log is deleted and appends no more: what is held of it keeps no file from now on. It is not void by that. */
  disown(key: string): Promise<void> {
    return this.#inLane(async () => {
      for (const each of this.#holding(key)) each.disown(key);
      this.#old.removeSoon();
    });
  }

  /** Files with entries of the log that are not void, oldest first. */
  #holding(key: string): Generation[] {
    const holding = this.#old.holding(key);
    if (this.#current?.names.has(key) === true) holding.push(this.#current);
    return holding;
  }

  /**
   * Writes what the journal holds of a log into its segments again: after a sync of theirs that failed, the page cache
   * may have dropped it. Nothing of the log may be at work on its segments. Throws DiskError.
   */
  async restore(key: string): Promise<void> {
    // What was on its way when the log failed is part of it.
    await this.#inLane(async () => {});
    return this.#old.undisturbed(async () => {
      const holding = this.#holding(key).map(({ path }) => path);
      if (holding.length > 0) await writeBack(this.#options.disk, holding, key);
    });
  }

  /**
   * Writes what a start could not into the segments of the logs of that name, after which the journal holds nothing of
   * them. Throws DiskError: the log must not be opened.
   */
  async writeBack(name: string): Promise<void> {
    for (const key of this.#old.heldBy(name)) {
      await this.restore(key);
      await this.forget(key);
      this.#options.logger.info({ log: name }, `what the journal held of ${name} is written back`);
    }
  }

  /** Syncs all segments that need the journal and empties it as far as they sync. */
  checkpoint(): Promise<void> {
    return this.#pace.hurry(async () => {
      await this.#inLane(async () => this.#startCheckpoint());
      await this.#checkpoints;
      await this.#old.removeFinished();
    });
  }

  /**
   * Empties the journal of what it holds of a log now, before its finished segments are rewritten: replayed, it would
   * write old bytes into new files. What stays in a file that others need is void. False when the log's own segments
   * would not sync. Rejects when it cannot be void, with DiskError, or the log fails.
   */
  async release(key: string): Promise<boolean> {
    if (this.#holding(key).length === 0) return true;
    await this.checkpoint();
    let released = true;
    await this.#inLane(async () => {
      const left = this.#old.holding(key);
      released = left.every(({ heldBy }) => !heldBy.has(key));
      if (left.length === 0 || !released) return;
      // What came since will be void, too: it has to be in the segments before.
      for (const { owners } of this.#holding(key)) await owners.get(key)?.syncDirty();
      await this.#void(key);
    });
    return released;
  }

  /** Starts a checkpoint without waiting: descriptors are short. */
  relieve(): void {
    this.#options.tasks.start('journal checkpoint', () => this.checkpoint());
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#discardNext();
    await this.checkpoint();
    this.#cancelTimer();
    await this.#old.close();
    await this.#files.removeSpare();
  }

  /** Removes the file that was made for entries that will not come. Throws DiskError. */
  async #discardNext(): Promise<void> {
    const next = await this.#next?.catch(() => null);
    this.#next = null;
    if (next === null || next === undefined) return;
    await next.close();
    await this.#files.retire(next.path);
  }

  #inLane(work: () => Promise<void>): Promise<void> {
    const idle = this.#inLaneCount === 0;
    this.#inLaneCount++;
    const done = idle ? work() : this.#lane.then(work);
    this.#lane = done.then(this.#left, this.#left);
    return done;
  }

  readonly #left = (): void => {
    this.#inLaneCount--;
  };

  async #begin(): Promise<OpenGeneration> {
    try {
      const generation = await this.#makeNext();
      this.#next = null;
      this.#current = generation;
      return generation;
    } catch (error) {
      throw this.#refuse(error);
    }
  }

  #refuse(error: unknown): Error {
    const cause = asError(error);
    if (!this.#refused) {
      this.#options.logger.warn({ error: cause.message }, 'commits do without the journal');
    }
    this.#refused = true;
    return cause;
  }

  /** What is being made already, or was, is the next file: entries are replayed in the order of their files. */
  #makeNext(): Promise<OpenGeneration> {
    if (this.#next !== null) return this.#next;
    const made = this.#files.make();
    this.#next = made;
    made.catch(() => {
      if (this.#next === made) this.#next = null;
    });
    return made;
  }

  /** Checkpoints the file at work; while commits keep coming they go on in a new one that is there before. */
  #turnOver(generation: OpenGeneration): void {
    if (this.#turning || this.#closed) return;
    this.#turning = true;
    const { clock, tasks } = this.#options;
    const busy = clock.monotonic() - this.#writtenMs <= BUSY_MS;
    tasks.start('journal checkpoint', async () => {
      try {
        // Where none can be had, whoever commits next is told.
        const made = busy ? await this.#makeNext().catch(() => null) : null;
        await this.#inLane(async () => {
          if (this.#closed || this.#current !== generation) return;
          this.#startCheckpoint();
          if (made !== null) await this.#begin();
        });
      } finally {
        this.#turning = false;
      }
    });
  }

  async #write(generation: OpenGeneration, parts: readonly Buffer[]): Promise<void> {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    try {
      const { file, position } = generation;
      if (file.writeNow?.(parts, position) !== true) await file.write(parts, position);
      await file.datasync();
    } catch (error) {
      // What this file holds from here on is unknown, so nothing is added to it. What was synced before stays.
      this.#startCheckpoint();
      throw this.#refuse(error);
    }
    this.#refused = false;
    this.#writtenMs = this.#options.clock.monotonic();
    if (generation.position === JOURNAL_HEADER_BYTES) this.#checkpointLater(generation);
    generation.position += bytes;
    const crowded = generation.owners.size > this.#options.dirtyLogsMax;
    if (crowded || generation.position > FILE_BYTES_MAX) this.#turnOver(generation);
  }

  #checkpointLater(generation: OpenGeneration): void {
    this.#cancelTimer();
    const { clock } = this.#options;
    this.#cancelTimer = clock.setTimer(CHECKPOINT_AFTER_MS, () => this.#turnOver(generation));
  }

  #startCheckpoint(): void {
    const generation = this.#current;
    if (generation === null) return;
    this.#current = null;
    this.#cancelTimer();
    this.#old.add(generation);
    this.#checkpoints = this.#checkpoints.then(() => this.#runCheckpoint(generation));
    this.#options.tasks.start('journal checkpoint', () => this.#checkpoints);
  }

  async #runCheckpoint(generation: Generation): Promise<void> {
    const owners = generation.owners.entries();
    const apart = Math.min(CHECKPOINT_REST_MS_MAX, CHECKPOINT_MS / generation.owners.size);
    const lane = async (_: unknown, number: number): Promise<void> => {
      // Lanes that rest take turns.
      await this.#rest(apart * number);
      for (const [key, owner] of owners) {
        try {
          await owner.syncDirty();
        } catch {
          // Its entries stay until it is reopened, deleted or replayed.
          if (generation.owners.has(key)) generation.heldBy.add(key);
        }
        await this.#rest(apart * CHECKPOINT_WIDTH);
      }
    };
    await Promise.all(Array.from({ length: CHECKPOINT_WIDTH }, lane));
    generation.owners.clear();
    generation.checkpointed = true;
    await this.#old.removeFinished();
  }

  /** Between two syncs of a checkpoint, unless another file waits for its own. */
  #rest(ms: number): Promise<void> {
    return this.#old.waiting > 1 ? Promise.resolve() : this.#pace.rest(ms);
  }
}
