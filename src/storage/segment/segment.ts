// One segment of a log: a `.log` file with batches in a row, and its indexes. This is its state in memory; the files
// are written by log-writer.ts and segment-files.ts. It changes by the steps below alone. Always so:
//   synced <= written <= size, nothing is written without a file, and what is finished is synced and stays as it is.
// A step that would end this is refused with an AssertionError, and changes nothing.

import { AssertionError, assert } from '../../base/errors.ts';
import { OFFSET_ENTRY_BYTES } from './offset-index.ts';
import { type NewestBatch, NO_TIMESTAMP, SegmentIndexes } from './segment-indexes.ts';
import { Stretches } from './stretches.ts';
import { TIME_ENTRY_BYTES } from './time-index.ts';

/** Indexes hold offsets relative to the segment's base in 32 bits. */
export const RELATIVE_OFFSET_MAX = 0x7fff_ffff;
export const NO_OFFSET = -1;

/** Kafka's file name of a segment: the base offset in 20 digits. */
export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, '0');
}

/** The base offset in a name such as `00000000000000000042.log`; -1 when it is none of ours. */
export function baseOffsetOf(fileName: string, suffix: string): number {
  if (!fileName.endsWith(suffix) || fileName.length !== 20 + suffix.length) return -1;
  const digits = fileName.slice(0, 20);
  if (!/^[0-9]{20}$/.test(digits)) return -1;
  const offset = Number(digits);
  return Number.isSafeInteger(offset) ? offset : -1;
}

/** What a log needs of a batch to place it. */
export interface BatchFacts {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: number;
  readonly maxTimestamp: number;
}

/** Limits that make a segment roll, from the topic's configs. */
export interface RollLimits {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentIndexBytes: number;
}

/** A segment file that was found or made, with all its bytes on the disk. */
export interface WholeFile {
  readonly baseOffset: number;
  readonly bytes: number;
  /** Clock time of its last write, ms. */
  readonly modifiedMs: number;
}

/** What a segment that a roll begins takes along. */
export interface RollFacts {
  /** Roll jitter, ms (segment.jitter.ms, drawn once). */
  readonly jitterMs: number;
  /** Producer state to be kept as `<base>.snapshot` when the file is made. */
  readonly snapshot: Buffer | null;
}

const plain: RollFacts = { jitterMs: 0, snapshot: null };

export class Segment {
  readonly baseOffset: number;
  /** Path without suffix, relative to the data directory. */
  readonly stem: string;
  /**
   * Clock time at which it was made, ms; of a file that was found, that of its last write. Rolling by time counts from
   * here where batches carry no time.
   */
  readonly createdMs: number;
  readonly jitterMs: number;
  /** Bytes of the file that this process wrote or whose checksums it compared. */
  readonly verified = new Stretches();
  #indexes: SegmentIndexes;
  #size = 0;
  #written = 0;
  #synced = 0;
  #writing = false;
  #modifiedMs: number;
  #created = false;
  #sealed = false;
  #firstTimestamp = NO_TIMESTAMP;
  #snapshot: Buffer | null;
  #nextBaseOffset = NO_OFFSET;
  #endProven = false;
  #removed = false;

  /** An empty one, whose file is to be made. */
  constructor(directory: string, baseOffset: number, createdMs: number, rolled = plain) {
    this.baseOffset = baseOffset;
    this.stem = `${directory}/${segmentName(baseOffset)}`;
    this.createdMs = createdMs;
    this.#modifiedMs = createdMs;
    this.jitterMs = rolled.jitterMs;
    this.#snapshot = rolled.snapshot;
    this.#indexes = new SegmentIndexes(baseOffset);
  }

  /** One whose file is there, and whose batches are still to be looked at, and tracked. */
  static scanned(directory: string, baseOffset: number, modifiedMs: number): Segment {
    const segment = new Segment(directory, baseOffset, modifiedMs);
    segment.#created = true;
    return segment;
  }

  /** A finished one, with its indexes in files. `newest`: null where the files alone tell. */
  static finished(directory: string, file: WholeFile, newest: NewestBatch | null): Segment {
    const segment = Segment.#whole(directory, file);
    segment.#indexes = SegmentIndexes.inFiles(file.baseOffset, newest);
    segment.#sealed = true;
    return segment;
  }

  /** The last of a log that was stopped cleanly, with its indexes in files. */
  static resumed(
    directory: string,
    file: WholeFile,
    noted: NewestBatch & { readonly firstTimestamp: number },
  ): Segment {
    const segment = Segment.#whole(directory, file);
    segment.#indexes = SegmentIndexes.noted(file.baseOffset, noted);
    segment.#firstTimestamp = noted.firstTimestamp;
    return segment;
  }

  static #whole(directory: string, { baseOffset, bytes, modifiedMs }: WholeFile): Segment {
    const segment = Segment.scanned(directory, baseOffset, modifiedMs);
    segment.#size = bytes;
    segment.#written = bytes;
    segment.#synced = bytes;
    return segment;
  }

  get logPath(): string {
    return `${this.stem}.log`;
  }

  get indexes(): SegmentIndexes {
    return this.#indexes;
  }

  /** Bytes given out to appends. */
  get size(): number {
    return this.#size;
  }

  /** Bytes in the file. */
  get written(): number {
    return this.#written;
  }

  /** Bytes that a sync of this file is known to have covered. */
  get synced(): number {
    return this.#synced;
  }

  get dirty(): boolean {
    return this.#written > this.#synced;
  }

  /** A write to the file is under way. */
  get writing(): boolean {
    return this.#writing;
  }

  /** Clock time of the last write, ms; before there is one, when it was made. */
  get modifiedMs(): number {
    return this.#modifiedMs;
  }

  /** Whether the file exists and its name is durable. */
  get created(): boolean {
    return this.#created;
  }

  /** Whether log and indexes are finished and synced; never so for the active segment. */
  get sealed(): boolean {
    return this.#sealed;
  }

  get maxTimestamp(): number {
    return this.#indexes.maxTimestamp;
  }

  get maxTimestampOffset(): number {
    return this.#indexes.maxTimestampOffset;
  }

  /** Timestamp of the first batch, which rolling by time counts from; -1 where it is not known. */
  get firstTimestamp(): number {
    return this.#firstTimestamp;
  }

  /** What is to be written beside the file when that is made. */
  get snapshot(): Buffer | null {
    return this.#snapshot;
  }

  /** Where the one behind it begins; NO_OFFSET while it is the last. Once it is gone: where that began at the time. */
  get nextBaseOffset(): number {
    return this.#nextBaseOffset;
  }

  /** What is missing behind it was looked for. */
  get endProven(): boolean {
    return this.#endProven;
  }

  /** Taken out of the log, by retention or in an exchange for a compacted one. */
  get removed(): boolean {
    return this.#removed;
  }

  /** Takes the next batch into account, which lies at `size`: LogSegment.append of Kafka. Nothing is checked here. */
  track(batch: BatchFacts, intervalBytes: number): void {
    if (this.#size === 0) this.#firstTimestamp = batch.maxTimestamp;
    this.#indexes.track(batch, this.#size, intervalBytes);
    this.#size += batch.bytes;
  }

  /** Damage takes the next bytes. */
  pass(bytes: number): void {
    if (!(bytes >= 0) || this.#written > 0) throw this.#broken(`${bytes} damaged bytes`);
    this.#size += bytes;
  }

  /** What lies before `position` is not looked at: the indexes, which know of it, go on from there. */
  resumeAt(position: number): void {
    if (this.#size > 0 || this.#written > 0) throw this.#broken(`resumed at ${position}`);
    this.#size = position;
  }

  /** All that was found in the file is on the disk. */
  settled(): void {
    if (!this.#created || this.#written > 0) throw this.#broken('settled');
    this.#written = this.#size;
    this.#synced = this.#size;
  }

  /** Whether a batch of these dimensions has to go to a new segment (LogSegment.shouldRoll). */
  mustRollFor(batch: BatchFacts, limits: RollLimits, nowMs: number): boolean {
    if (batch.lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true;
    if (this.#size === 0) return false;
    if (this.#size + batch.bytes > limits.segmentBytes) return true;
    if (this.#indexFull(limits.segmentIndexBytes)) return true;
    const age =
      this.#firstTimestamp >= 0 && batch.maxTimestamp >= 0
        ? batch.maxTimestamp - this.#firstTimestamp
        : nowMs - this.createdMs;
    return age > limits.segmentMs - this.jitterMs;
  }

  #indexFull(bytesMax: number): boolean {
    const { offsets, times } = this.#indexes;
    return (
      offsets.count >= Math.floor(bytesMax / OFFSET_ENTRY_BYTES) ||
      times.count >= Math.floor(bytesMax / TIME_ENTRY_BYTES) - 1
    );
  }

  /** Its file is there, with a durable name, and the snapshot beside it. */
  made(): void {
    if (this.#created) throw this.#broken('made');
    this.#created = true;
    this.#snapshot = null;
  }

  /** A write of what comes next in the file begins. */
  writeBegins(): void {
    if (this.#writing || !this.#created || this.#sealed) throw this.#broken('being written');
    this.#writing = true;
  }

  /** It has ended, well or not. */
  writeEnds(): void {
    this.#writing = false;
  }

  /** The next bytes, from `from` up to `to`, are in the file since `nowMs`. */
  wrote(from: number, to: number, nowMs: number): void {
    const next = from === this.#written && to <= this.#size;
    if (!next || !this.#created || this.#sealed) throw this.#broken(`written ${from} to ${to}`);
    this.#written = to;
    this.#modifiedMs = nowMs;
    this.verified.add(from, to);
  }

  /** A sync that began when `bytes` were written has covered them. */
  syncedTo(bytes: number): void {
    if (bytes > this.#written) throw this.#broken(`synced to ${bytes}`);
    this.#synced = Math.max(this.#synced, bytes);
  }

  /** Log and indexes are finished and synced, and another segment follows. */
  seal(): void {
    const whole = this.#created && this.#synced === this.#size;
    if (!whole || this.#writing || this.#sealed) throw this.#broken('sealed');
    this.#sealed = true;
  }

  /** Lets the indexes of a finished segment go, if its files hold them. */
  dropIndexes(): void {
    if (this.#sealed) this.#indexes.drop();
  }

  /** The timestamp of its first batch was looked up. */
  learnFirstTimestamp(timestamp: number): void {
    assert(this.#firstTimestamp < 0, 'the first timestamp of a segment stays');
    this.#firstTimestamp = timestamp;
  }

  /** The one behind it begins there; NO_OFFSET: it is the last. */
  followedBy(baseOffset: number): void {
    const behind = baseOffset === NO_OFFSET || baseOffset > this.baseOffset;
    if (!behind || this.#removed) throw this.#broken(`followed by ${baseOffset}`);
    this.#nextBaseOffset = baseOffset;
  }

  /** What is missing behind it was looked for. */
  proveEnd(): void {
    const known = this.#nextBaseOffset !== NO_OFFSET && this.#written === this.#size;
    if (!known || this.#removed) throw this.#broken('its end looked at');
    this.#endProven = true;
  }

  /** It is taken out of the log. */
  remove(): void {
    if (this.#removed) throw this.#broken('removed');
    this.#removed = true;
  }

  #broken(what: string): AssertionError {
    const bytes = `size ${this.#size}, written ${this.#written}, synced ${this.#synced}`;
    const states = Object.entries({
      'with a file': this.#created,
      'being written': this.#writing,
      finished: this.#sealed,
      removed: this.#removed,
    });
    const is = states.flatMap(([name, holds]) => (holds ? [`, ${name}`] : []));
    return new AssertionError(`${this.stem}: ${what}, with ${bytes}${is.join('')}`);
  }
}
