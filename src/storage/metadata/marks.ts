// The durable marks: how far each log was committed, where it starts, and from where a recovery has to scan it.
// One file for all logs (marks-format.ts), appended to at most once a second with what changed, rewritten when it has
// grown.

import { asError } from '../../base/errors.ts';
import { Mutex } from '../../base/mutex.ts';
import { nextTurn } from '../../base/pause.ts';
import type { Clock, Logger } from '../../base/ports.ts';
import { type Disk, DiskError, type DiskFile } from '../disk/disk.ts';
import { readFileIfThere, writeSmallFile } from '../disk/small-file.ts';
import type { TaskOwner } from '../tasks.ts';
import {
  encodeMark,
  encodeRemoved,
  type LoadedMarks,
  type Mark,
  type MarkChange,
  parseMarks,
} from './marks-format.ts';

export const MARKS_FILE = 'marks';
/** Half of the second that a mark may be late: the other half is for the disk. */
const WRITE_EVERY_MS = 500;
/** Committed bytes without a mark after which marks are written at once: a recovery rewrites what is above them. */
const BYTES_BEHIND_MAX = 16 * 1024 * 1024;
const FILE_BYTES_MIN = 256 * 1024;
/** Marks brought up to date, or encoded, in one turn of the event loop: a thousand at once hold it for milliseconds. */
const MARKS_PER_TURN = 50;

/** A log that keeps a mark here. */
export interface MarkSource {
  /** Brings the mark up to what is committed now. */
  publishMark(): void;
  /** Syncs and moves the recovery point up, where enough was written since to be worth it. Never rejects. */
  advanceRecoveryPoint(): Promise<void>;
}

export interface MarkTableOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tasks: TaskOwner;
  readonly loaded: LoadedMarks;
}

/** The marks of all logs, in memory and on disk. */
export class MarkTable {
  readonly #options: MarkTableOptions;
  readonly #marks: Map<string, Mark>;
  readonly #changed = new Map<string, Mark | null>();
  /** Whether marks of the last run may be missing. */
  readonly lost: boolean;
  #file: DiskFile | null = null;
  #position = 0;
  #timer: (() => void) | null = null;
  /** The file may hold what is not so any more: only a new one will do. */
  #mustRewrite = false;
  #closed = false;
  readonly #lane = new Mutex();
  /** Logs whose marks in here are behind. */
  readonly #behind = new Set<MarkSource>();
  #bytesBehind = 0;
  #hurrying = false;
  /** Logs that were written to since their recovery points were looked at. */
  readonly #grown = new Set<MarkSource>();
  #advancing = false;

  constructor(options: MarkTableOptions) {
    this.#options = options;
    this.#marks = new Map(options.loaded.marks);
    this.lost = options.loaded.lost;
  }

  get(name: string): Mark | undefined {
    return this.#marks.get(name);
  }

  /** The mark of a log, or that of one of which nothing is known. */
  of(name: string, topicId: string): Mark {
    const found = this.#marks.get(name);
    if (found !== undefined && found.topicId === topicId) return found;
    return {
      name,
      topicId,
      mark: this.lost ? Number.POSITIVE_INFINITY : 0,
      startOffset: 0,
      recoveryOffset: 0,
      recoveryPosition: 0,
      maxTimestamp: -1,
      maxTimestampOffset: 0,
      firstTimestamp: -1,
      leaderEpoch: -1,
      epochsChecksum: null,
      clean: false,
    };
  }

  all(): IterableIterator<Mark> {
    return this.#marks.values();
  }

  /** Enters a log, or replaces what is known of it. */
  put(mark: Mark): void {
    this.#marks.set(mark.name, mark);
    this.#changed.set(mark.name, mark);
    this.#schedule();
  }

  update(name: string, change: MarkChange): void {
    const mark = this.#marks.get(name);
    if (mark !== undefined) this.put({ ...mark, ...change });
  }

  /** {@link MarkTable.update} with all of it, as each log does twice a second: spreads take several times as long. */
  replace(name: string, whole: Required<MarkChange>): void {
    const mark = this.#marks.get(name);
    if (mark === undefined) return;
    this.put({
      name,
      topicId: mark.topicId,
      mark: whole.mark,
      startOffset: whole.startOffset,
      recoveryOffset: whole.recoveryOffset,
      recoveryPosition: whole.recoveryPosition,
      maxTimestamp: whole.maxTimestamp,
      maxTimestampOffset: whole.maxTimestampOffset,
      firstTimestamp: whole.firstTimestamp,
      leaderEpoch: whole.leaderEpoch,
      epochsChecksum: whole.epochsChecksum,
      clean: whole.clean,
    });
  }

  /** The log's mark is behind by `bytes` more; it is asked for the new one before the next write. */
  touch(source: MarkSource, bytes: number): void {
    this.#behind.add(source);
    this.#grown.add(source);
    this.#bytesBehind += bytes;
    this.#schedule();
    if (this.#bytesBehind >= BYTES_BEHIND_MAX) this.#hurry();
  }

  forget(source: MarkSource): void {
    this.#behind.delete(source);
    this.#grown.delete(source);
  }

  remove(name: string): void {
    const mark = this.#marks.get(name);
    if (mark === undefined) return;
    this.#marks.delete(name);
    this.#changed.set(name, null);
    this.#schedule();
  }

  /** Writes and syncs all changes so far. */
  flush(): Promise<void> {
    return this.#lane.run(() => this.#append());
  }

  /** Writes the whole table into a new file, which atomically replaces the old one. */
  rewrite(): Promise<void> {
    return this.#lane.run(() => this.#rewrite());
  }

  /** Waits for what is under way and lets the file go; nothing is written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.();
    this.#timer = null;
    await this.#lane.run(async () => {});
    await this.#file?.close();
    this.#file = null;
  }

  #schedule(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = this.#options.clock.setTimer(WRITE_EVERY_MS, () => {
      this.#timer = null;
      this.#options.tasks.start('writing the marks', () => this.#writeDue());
    });
  }

  async #writeDue(): Promise<void> {
    await this.#catchUp();
    // After the marks: these write more and may take longer than a mark may be late.
    await this.#advanceGrown();
  }

  /** One log after the other, however slow: a commit that reaches the disk meanwhile waits for what is under way. */
  async #advanceGrown(): Promise<void> {
    if (this.#advancing) return;
    this.#advancing = true;
    const grown = [...this.#grown];
    this.#grown.clear();
    try {
      for (const source of grown) await source.advanceRecoveryPoint();
    } finally {
      this.#advancing = false;
    }
    // Their time may have come and gone meanwhile.
    if (this.#grown.size > 0) this.#schedule();
  }

  /** Much was committed: the marks do not wait for their time. */
  #hurry(): void {
    if (this.#hurrying || this.#closed) return;
    this.#hurrying = true;
    this.#options.tasks.start('writing the marks', async () => {
      try {
        await this.#catchUp();
      } finally {
        this.#hurrying = false;
      }
    });
  }

  async #catchUp(): Promise<void> {
    this.#bytesBehind = 0;
    let left = this.#behind.size;
    // Logs that are forgotten meanwhile leave the set; those that commit again come behind.
    for (const source of this.#behind) {
      if (left-- <= 0) break;
      this.#behind.delete(source);
      source.publishMark();
      if (left > 0 && left % MARKS_PER_TURN === 0) await nextTurn(this.#options.clock);
    }
    await this.flush();
  }

  async #encoded(marks: Iterable<readonly [string, Mark | null]>): Promise<Buffer[]> {
    const parts: Buffer[] = [];
    for (const [name, mark] of marks) {
      parts.push(mark === null ? encodeRemoved(name) : encodeMark(mark));
      if (parts.length % MARKS_PER_TURN === 0) await nextTurn(this.#options.clock);
    }
    return parts;
  }

  async #append(): Promise<void> {
    if (this.#mustRewrite) return this.#rewrite();
    if (this.#changed.size === 0) return;
    if (this.#file === null || this.#position > this.#bytesMax()) return this.#rewrite();
    const file = this.#file;
    const changed = [...this.#changed];
    this.#changed.clear();
    try {
      const parts = await this.#encoded(changed);
      await file.write(parts, this.#position);
      await file.datasync();
      for (const part of parts) this.#position += part.length;
    } catch (error) {
      await this.#giveUpFile();
      // The table in memory is whole: the next attempt writes a new file.
      this.#mustRewrite = true;
      this.#schedule();
      throw asError(error);
    }
  }

  async #rewrite(): Promise<void> {
    const { disk } = this.#options;
    const marks = [...this.#marks];
    this.#changed.clear();
    try {
      const bytes = Buffer.concat(await this.#encoded(marks));
      await this.#giveUpFile();
      await writeSmallFile(disk, `${MARKS_FILE}.tmp`, bytes);
      await disk.rename(`${MARKS_FILE}.tmp`, MARKS_FILE);
      await disk.syncDirectory('.');
      this.#file = await disk.open(MARKS_FILE, 'write');
      this.#position = bytes.length;
      this.#mustRewrite = false;
    } catch (error) {
      // Removals too: the table in memory is whole.
      this.#mustRewrite = true;
      this.#schedule();
      throw asError(error);
    }
  }

  #bytesMax(): number {
    return Math.max(FILE_BYTES_MIN, this.#marks.size * 400);
  }

  async #giveUpFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close().catch(() => {});
  }
}

/** The marks that the last run left. */
export async function loadMarks(disk: Disk): Promise<LoadedMarks> {
  try {
    return parseMarks(await readFileIfThere(disk, MARKS_FILE));
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { marks: new Map(), lost: true, refused: error };
  }
}
