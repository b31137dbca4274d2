// The durable marks: how far each log was committed, where it starts, and from where a recovery has to scan it.
// One file for all logs, appended to at most once a second with what changed, rewritten when it has grown.
//
// `<data>/marks`, entries in a row, all integers big-endian:
//   uint32 magic "TMMK", uint32 crc32c of all that follows, uint8 flags (1 removed, 2 closed cleanly, 4 the checksum of
//   the epochs is there),
//   uint8 0, uint16 identity length, int64 mark, int64 start offset, int64 recovery offset,
//   int64 largest timestamp of the active segment, int64 its offset, int64 timestamp of that segment's first batch,
//   uint32 recovery position in the segment that holds the recovery offset, int32 leader epoch,
//   uint32 crc32c of the leader epochs that began below the mark (with flag 4), identity (log-identity.ts)
// The last good entry of a log counts. An entry that is not whole is stepped over.

import { crc32c } from '../base/crc32c.ts';
import { readInt64, writeInt64 } from '../base/int64.ts';
import type { Clock, Logger } from '../base/ports.ts';
import { asError } from './committer.ts';
import { type Disk, DiskError, type DiskFile } from './disk.ts';
import { logIdentity, parseLogIdentity } from './log-identity.ts';
import { readFileIfThere, writeSmallFile } from './small-file.ts';
import type { TaskOwner } from './tasks.ts';

export const MARKS_FILE = 'marks';
const MAGIC = 0x544d4d4b;
const ENTRY_BYTES = 68;
const REMOVED = 1;
const CLEAN = 2;
const HAS_EPOCHS = 4;
const EPOCHS_BYTES = 4;
/** Logs whose recovery points move at the same time. */
const ADVANCING_MAX = 4;
/** Half of the second that a mark may be late: the other half is for the disk. */
const WRITE_EVERY_MS = 500;
/** Committed bytes without a mark after which marks are written at once: a recovery rewrites what is above them. */
const BYTES_BEHIND_MAX = 16 * 1024 * 1024;
const FILE_BYTES_MIN = 256 * 1024;

/** What is kept of one log. */
export interface Mark {
  readonly name: string;
  readonly topicId: string;
  /** Everything below was committed. */
  readonly mark: number;
  readonly startOffset: number;
  /** Below, segments and indexes are synced; `recoveryPosition` is where this offset begins in its segment. */
  readonly recoveryOffset: number;
  readonly recoveryPosition: number;
  readonly maxTimestamp: number;
  readonly maxTimestampOffset: number;
  readonly firstTimestamp: number;
  /** The newest leader epoch, in case its own file is lost. */
  readonly leaderEpoch: number;
  /** Of the epochs that began below the mark (`LeaderEpochs.checksumBelow`); null when it is not known. */
  readonly epochsChecksum: number | null;
  /** The log was closed and nothing was written since. */
  readonly clean: boolean;
}

export type MarkChange = Partial<Omit<Mark, 'name' | 'topicId'>>;

/** What the file said at the start. `lost`: it is missing or holds bytes that are no entries. */
export interface LoadedMarks {
  readonly marks: Map<string, Mark>;
  readonly lost: boolean;
  /** Why the disk did not give the file; null when it did, or has none. */
  readonly refused: DiskError | null;
}

function encode(mark: Mark, flags: number): Buffer {
  const identity = Buffer.from(logIdentity(mark), 'utf8');
  const { epochsChecksum } = mark;
  const fixed = epochsChecksum === null ? ENTRY_BYTES : ENTRY_BYTES + EPOCHS_BYTES;
  const bytes = Buffer.alloc(fixed + identity.length);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt8(epochsChecksum === null ? flags : flags | HAS_EPOCHS, 8);
  bytes.writeUInt16BE(identity.length, 10);
  writeInt64(bytes, 12, mark.mark);
  writeInt64(bytes, 20, mark.startOffset);
  writeInt64(bytes, 28, mark.recoveryOffset);
  writeInt64(bytes, 36, mark.maxTimestamp);
  writeInt64(bytes, 44, mark.maxTimestampOffset);
  writeInt64(bytes, 52, mark.firstTimestamp);
  bytes.writeUInt32BE(mark.recoveryPosition, 60);
  bytes.writeInt32BE(mark.leaderEpoch, 64);
  if (epochsChecksum !== null) bytes.writeUInt32BE(epochsChecksum, ENTRY_BYTES);
  identity.copy(bytes, fixed);
  bytes.writeUInt32BE(crc32c(bytes.subarray(8)), 4);
  return bytes;
}

function decode(bytes: Buffer, at: number): { mark: Mark; flags: number; length: number } | null {
  if (at + ENTRY_BYTES > bytes.length || bytes.readUInt32BE(at) !== MAGIC) return null;
  const flags = bytes.readUInt8(at + 8);
  const fixed = (flags & HAS_EPOCHS) === 0 ? ENTRY_BYTES : ENTRY_BYTES + EPOCHS_BYTES;
  const length = fixed + bytes.readUInt16BE(at + 10);
  if (at + length > bytes.length) return null;
  if (crc32c(bytes.subarray(at + 8, at + length)) !== bytes.readUInt32BE(at + 4)) return null;
  const mark: Mark = {
    ...parseLogIdentity(bytes.toString('utf8', at + fixed, at + length)),
    mark: readInt64(bytes, at + 12),
    startOffset: readInt64(bytes, at + 20),
    recoveryOffset: readInt64(bytes, at + 28),
    recoveryPosition: bytes.readUInt32BE(at + 60),
    maxTimestamp: readInt64(bytes, at + 36),
    maxTimestampOffset: readInt64(bytes, at + 44),
    firstTimestamp: readInt64(bytes, at + 52),
    leaderEpoch: bytes.readInt32BE(at + 64),
    epochsChecksum: fixed === ENTRY_BYTES ? null : bytes.readUInt32BE(at + ENTRY_BYTES),
    clean: (flags & CLEAN) !== 0,
  };
  return { mark, flags, length };
}

/** Reads the marks out of a file's bytes. */
export function parseMarks(bytes: Buffer | null): LoadedMarks {
  const marks = new Map<string, Mark>();
  if (bytes === null) return { marks, lost: true, refused: null };
  let lost = false;
  let bad = false;
  for (let at = 0; at < bytes.length; ) {
    const entry = decode(bytes, at);
    if (entry === null) {
      bad = true;
      at++;
      continue;
    }
    // Bad bytes at the end are an append that a crash cut short; before a good entry they are damage.
    if (bad) lost = true;
    if ((entry.flags & REMOVED) !== 0) marks.delete(entry.mark.name);
    else marks.set(entry.mark.name, entry.mark);
    at += entry.length;
  }
  return { marks, lost, refused: null };
}

/** A log that keeps a mark here. */
export interface MarkSource {
  /** Brings the mark up to what is committed now. */
  publishMark(): void;
  /** Moves the recovery point up, where enough was written since to be worth it. Never rejects. */
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
  #lane: Promise<void> = Promise.resolve();
  /** Logs whose marks in here are behind. */
  readonly #behind = new Set<MarkSource>();
  #bytesBehind = 0;
  #hurrying = false;
  /** Logs that were written to since their recovery points were looked at. */
  readonly #grown = new Set<MarkSource>();

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
    return this.#inLane(() => this.#append());
  }

  /** Writes the whole table into a new file, which atomically replaces the old one. */
  rewrite(): Promise<void> {
    return this.#inLane(() => this.#rewrite());
  }

  /** Waits for what is under way and lets the file go; nothing is written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.();
    this.#timer = null;
    await this.#lane;
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
    const grown = [...this.#grown];
    this.#grown.clear();
    const advance = async (): Promise<void> => {
      for (let next = grown.pop(); next !== undefined; next = grown.pop()) {
        await next.advanceRecoveryPoint();
      }
    };
    await Promise.all(Array.from({ length: ADVANCING_MAX }, advance));
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
    const behind = [...this.#behind];
    this.#behind.clear();
    this.#bytesBehind = 0;
    for (const source of behind) source.publishMark();
    await this.flush();
  }

  #inLane(work: () => Promise<void>): Promise<void> {
    const done = this.#lane.then(work);
    this.#lane = done.catch(() => {});
    return done;
  }

  async #append(): Promise<void> {
    if (this.#mustRewrite) return this.#rewrite();
    if (this.#changed.size === 0) return;
    if (this.#file === null || this.#position > this.#bytesMax()) return this.#rewrite();
    const parts = Array.from(this.#changed, ([name, mark]) =>
      mark === null ? encodeRemoved(name) : encode(mark, mark.clean ? CLEAN : 0),
    );
    this.#changed.clear();
    try {
      await this.#file.write(parts, this.#position);
      await this.#file.datasync();
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
    const parts = [...this.#marks.values()].map((mark) => encode(mark, mark.clean ? CLEAN : 0));
    const bytes = Buffer.concat(parts);
    this.#changed.clear();
    try {
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

function encodeRemoved(name: string): Buffer {
  const nothing = { mark: 0, startOffset: 0, recoveryOffset: 0, recoveryPosition: 0 };
  const times = { maxTimestamp: -1, maxTimestampOffset: 0, firstTimestamp: -1 };
  const epochs = { leaderEpoch: -1, epochsChecksum: null };
  const mark = { name, topicId: '-', ...nothing, ...times, ...epochs, clean: false };
  return encode(mark, REMOVED);
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
