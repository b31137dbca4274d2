// One segment of a log: a `.log` file with batches in a row, and its indexes. This is its state in memory; the files
// are written by log-writer.ts and segment-files.ts.

import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import { Stretches } from './stretches.ts';
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts';

/** Indexes hold offsets relative to the segment's base in 32 bits. */
export const RELATIVE_OFFSET_MAX = 0x7fff_ffff;
const NO_TIMESTAMP = -1;
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

export class Segment {
  readonly baseOffset: number;
  /** Where the one behind it begins; NO_OFFSET while it is the last. Once it is gone: where that began at the time. */
  nextBaseOffset = NO_OFFSET;
  /** Path without suffix, relative to the data directory. */
  readonly stem: string;
  /** Clock time at which it was made, ms; rolling by time counts from here where batches carry no time. */
  readonly createdMs: number;
  /** Roll jitter of this segment, ms (segment.jitter.ms, drawn once). */
  jitterMs = 0;
  /** Bytes given out to appends. */
  size = 0;
  /** Bytes in the file, and bytes of them that a sync of this file is known to have covered. */
  written = 0;
  synced = 0;
  /** A write to the file is under way. */
  writing = false;
  /** Whether the file exists and its name is durable. */
  created = false;
  /** Whether log and indexes are finished and synced; never so for the active segment. */
  sealed = false;
  /** What is missing behind it was looked for. */
  endProven = false;
  /** Taken out of the log, by retention or in an exchange for a compacted one. */
  removed = false;
  maxTimestamp = NO_TIMESTAMP;
  maxTimestampOffset: number;
  /** Timestamp of the first batch, which rolling by time counts from. */
  firstTimestamp = NO_TIMESTAMP;
  /** Producer state to be kept as `<base>.snapshot` when the file is made. */
  snapshot: Buffer | null = null;
  /** In memory when `indexed`; else in the files alone. */
  offsets = new OffsetIndex();
  times = new TimeIndex();
  indexed = true;
  /** Something was looked up in them lately (loaded-indexes.ts). */
  lookedUp = false;
  /** Whether the times in memory are known to reach the newest record: made here, or checked against the headers. */
  timesProven = true;
  /** Whether entries in memory came from a file. */
  timesLoaded = false;
  /** Bytes of the file that this process wrote or whose checksums it compared. */
  readonly verified = new Stretches();
  /** Entries that the index files hold for sure. */
  savedOffsets = 0;
  savedTimes = 0;
  /** Writes of the index files, one after the other; never rejects. */
  saving: Promise<void> = Promise.resolve();
  #bytesSinceEntry = 0;

  constructor(directory: string, baseOffset: number, createdMs: number) {
    this.baseOffset = baseOffset;
    this.stem = `${directory}/${segmentName(baseOffset)}`;
    this.createdMs = createdMs;
    this.maxTimestampOffset = baseOffset;
  }

  get logPath(): string {
    return `${this.stem}.log`;
  }

  get dirty(): boolean {
    return this.written > this.synced;
  }

  /**
   * Takes the next batch into account: LogSegment.append of Kafka. `position` is `size` at that time. An index
   * entry is added once more than `intervalBytes` lie since the last one.
   */
  track(batch: BatchFacts, intervalBytes: number): void {
    if (this.size === 0) this.firstTimestamp = batch.maxTimestamp;
    const relative = batch.lastOffset - this.baseOffset;
    if (batch.maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = batch.maxTimestamp;
      this.maxTimestampOffset = batch.lastOffset;
    }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.offsets.append(relative, this.size);
      this.times.append(this.maxTimestamp, this.maxTimestampOffset - this.baseOffset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batch.bytes;
    this.size += batch.bytes;
  }

  /** Whether a batch of these dimensions has to go to a new segment (LogSegment.shouldRoll). */
  mustRollFor(batch: BatchFacts, limits: RollLimits, nowMs: number): boolean {
    if (batch.lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true;
    if (this.size === 0) return false;
    if (this.size + batch.bytes > limits.segmentBytes) return true;
    if (this.#indexFull(limits.segmentIndexBytes)) return true;
    const age =
      this.firstTimestamp >= 0 && batch.maxTimestamp >= 0
        ? batch.maxTimestamp - this.firstTimestamp
        : nowMs - this.createdMs;
    return age > limits.segmentMs - this.jitterMs;
  }

  #indexFull(bytesMax: number): boolean {
    return (
      this.offsets.count >= Math.floor(bytesMax / OFFSET_ENTRY_BYTES) ||
      this.times.count >= Math.floor(bytesMax / TIME_ENTRY_BYTES) - 1
    );
  }

  /** Bytes that its indexes take, in memory as in files. */
  get indexBytes(): number {
    return this.offsets.count * OFFSET_ENTRY_BYTES + this.times.count * TIME_ENTRY_BYTES;
  }

  /** Lets the indexes of a finished segment go if its files hold them: they are loaded again when they are needed. */
  dropIndexes(): void {
    const isSaved = this.savedOffsets >= this.offsets.count && this.savedTimes >= this.times.count;
    if (!this.sealed || !isSaved) return;
    this.indexed = false;
    this.offsets = new OffsetIndex();
    this.times = new TimeIndex();
  }

  /** The time index's closing entry: the segment's largest timestamp, which Kafka's tools expect. */
  finishTimes(): void {
    this.times.append(this.maxTimestamp, this.maxTimestampOffset - this.baseOffset);
  }
}
