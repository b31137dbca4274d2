// The two indexes of one segment and its newest batch: in memory, in files, or in both. They change by the steps below
// alone. Always so:
//   nothing is taken from files over what is in memory, what the files are said to hold was in memory as it is, and
//   what they do not hold stays in memory.
// A step that would end this is refused with an AssertionError, and changes nothing. The files are never trusted: a
// look-up that they lead astray has the indexes rebuilt from the log.

import { assert } from '../../base/errors.ts';
import { Mutex } from '../../base/mutex.ts';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts';

export const NO_TIMESTAMP = -1;

/** The batch with a segment's largest timestamp; of several the first. */
export interface NewestBatch {
  /** -1 where no batch carries a time. */
  readonly maxTimestamp: number;
  /** Its last offset; the segment's base where there is none. */
  readonly maxTimestampOffset: number;
}

export interface IndexEntries {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
}

/** Entries up to a count, of which the files hold those up to another. */
export interface UnsavedEntries extends IndexEntries {
  readonly offsetsFrom: number;
  readonly offsetsTo: number;
  readonly timesFrom: number;
  readonly timesTo: number;
}

export class SegmentIndexes {
  readonly #baseOffset: number;
  #offsets = new OffsetIndex();
  #times = new TimeIndex();
  #inMemory = true;
  #finished = false;
  #lookedUp = false;
  #maxTimestamp = NO_TIMESTAMP;
  #maxTimestampOffset: number;
  #timesProven = true;
  #timesLoaded = false;
  #savedOffsets = 0;
  #savedTimes = 0;
  #bytesSinceEntry = 0;
  /** Writes of the files, one after the other. */
  readonly saving = new Mutex();

  /** Of a segment without batches. */
  constructor(baseOffset: number) {
    this.#baseOffset = baseOffset;
    this.#maxTimestampOffset = baseOffset;
  }

  /** Those of a segment that was found: in its files alone. `newest`: as it is known for sure; null: it is not. */
  static inFiles(baseOffset: number, newest: NewestBatch | null): SegmentIndexes {
    const indexes = new SegmentIndexes(baseOffset);
    indexes.#inMemory = false;
    indexes.#timesProven = newest !== null;
    if (newest !== null) indexes.#setNewest(newest);
    return indexes;
  }

  /** As {@link inFiles}, with a newest batch that was noted at an earlier time. */
  static noted(baseOffset: number, newest: NewestBatch): SegmentIndexes {
    const indexes = SegmentIndexes.inFiles(baseOffset, null);
    indexes.#setNewest(newest);
    return indexes;
  }

  /** Empty unless {@link inMemory}. */
  get offsets(): OffsetIndex {
    return this.#offsets;
  }

  /** Empty unless {@link inMemory}. */
  get times(): TimeIndex {
    return this.#times;
  }

  /** Whether they are in memory; else in the files alone. */
  get inMemory(): boolean {
    return this.#inMemory;
  }

  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }

  get maxTimestampOffset(): number {
    return this.#maxTimestampOffset;
  }

  /** Whether the times are known to reach the newest record: made here, or checked against the headers. */
  get timesProven(): boolean {
    return this.#timesProven;
  }

  /** Whether times in memory came from a file. */
  get timesLoaded(): boolean {
    return this.#timesLoaded;
  }

  /** Bytes that they take, in memory as in files. */
  get bytes(): number {
    return this.#offsets.count * OFFSET_ENTRY_BYTES + this.#times.count * TIME_ENTRY_BYTES;
  }

  /** Bytes of the longer of the two files, as far as that is known. */
  get savedBytesMax(): number {
    return Math.max(this.#savedOffsets * OFFSET_ENTRY_BYTES, this.#savedTimes * TIME_ENTRY_BYTES);
  }

  /**
   * The next batch lies at `position`: an entry is added once more than `intervalBytes` lie since the last one. Nothing
   * is checked here: this comes with every batch.
   */
  track(batch: TrackedBatch, position: number, intervalBytes: number): void {
    if (batch.maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = batch.maxTimestamp;
      this.#maxTimestampOffset = batch.lastOffset;
    }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.#offsets.append(batch.lastOffset - this.#baseOffset, position);
      this.#times.append(this.#maxTimestamp, this.#maxTimestampOffset - this.#baseOffset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batch.bytes;
  }

  /** The time index's closing entry: the segment's largest timestamp, which Kafka's tools expect. */
  finish(): void {
    assert(this.#inMemory, 'indexes that are finished are in memory');
    this.#finished = true;
    this.#closeTimes();
  }

  /** Something is looked up in them. */
  lookUp(): void {
    this.#lookedUp = true;
  }

  /** Whether something was looked up in them since this was asked last. */
  takeLookedUp(): boolean {
    const lookedUp = this.#lookedUp;
    this.#lookedUp = false;
    return lookedUp;
  }

  /** The files were read, and lead through the segment. */
  loaded({ offsets, times }: IndexEntries): void {
    assert(!this.#inMemory, 'nothing is loaded over indexes that are in memory');
    this.#offsets = offsets;
    this.#times = times;
    this.#savedOffsets = offsets.count;
    this.#savedTimes = times.count;
    this.#inMemory = true;
    this.#timesLoaded = true;
    if (!this.#timesProven) this.#adoptTimes();
  }

  /** The files, of which the beginning was read, lead up to where a recovery begins; `newest` is right up to there. */
  resumed(
    { offsets, times }: IndexEntries,
    saved: { readonly offsets: number; readonly times: number },
    newest: NewestBatch,
  ): void {
    assert(this.#offsets.count === 0 && this.#times.count === 0, 'a recovery begins once');
    assert(saved.offsets <= offsets.count, 'the files hold offsets that were read from them');
    assert(saved.times <= times.count, 'the files hold times that were read from them');
    this.#offsets = offsets;
    this.#times = times;
    this.#savedOffsets = saved.offsets;
    this.#savedTimes = saved.times;
    this.#timesLoaded = true;
    this.#setNewest(newest);
  }

  /** They do without entries, whatever the files hold: one read covers the segment. */
  leaveEmpty(): void {
    assert(!this.#inMemory, 'indexes that are in memory stay as they are');
    this.#inMemory = true;
  }

  /** They were made anew from the batches; whatever lies at or above `behind` was appended meanwhile. */
  rebuilt({ offsets, times }: IndexEntries, newest: NewestBatch, behind: number): void {
    this.#offsets = offsets;
    this.#times = times;
    const newerBehind =
      this.#maxTimestampOffset >= behind && this.#maxTimestamp > newest.maxTimestamp;
    if (!newerBehind) this.#setNewest(newest);
    this.#savedOffsets = 0;
    this.#savedTimes = 0;
    this.#inMemory = true;
    this.#timesProven = true;
    this.#timesLoaded = false;
    // The segment may have been rolled while its batches were walked through.
    if (this.#finished) this.#closeTimes();
  }

  /** The times were held against the headers. */
  proveTimes(): void {
    this.#timesProven = true;
  }

  /** What is to be written to the files now. */
  unsaved(): UnsavedEntries {
    const [offsets, times] = [this.#offsets, this.#times];
    return {
      offsets,
      times,
      offsetsFrom: this.#savedOffsets,
      offsetsTo: offsets.count,
      timesFrom: this.#savedTimes,
      timesTo: times.count,
    };
  }

  /** The files hold these entries. False, and nothing is saved, when the indexes were made anew meanwhile. */
  saved({ offsets, times, offsetsTo, timesTo }: UnsavedEntries): boolean {
    if (offsets !== this.#offsets || times !== this.#times) return false;
    assert(
      offsetsTo >= this.#savedOffsets && offsetsTo <= offsets.count,
      'offsets that are saved are in memory, and were not saved before',
    );
    assert(
      timesTo >= this.#savedTimes && timesTo <= times.count,
      'times that are saved are in memory, and were not saved before',
    );
    this.#savedOffsets = offsetsTo;
    this.#savedTimes = timesTo;
    return true;
  }

  /** Whether the files hold all of them. */
  get areSaved(): boolean {
    return this.#savedOffsets >= this.#offsets.count && this.#savedTimes >= this.#times.count;
  }

  /** Lets them go if the files hold them: they are loaded again when they are needed. */
  drop(): void {
    if (!this.areSaved) return;
    this.#inMemory = false;
    this.#offsets = new OffsetIndex();
    this.#times = new TimeIndex();
  }

  #setNewest({ maxTimestamp, maxTimestampOffset }: NewestBatch): void {
    this.#maxTimestamp = maxTimestamp;
    this.#maxTimestampOffset = maxTimestampOffset;
  }

  #closeTimes(): void {
    this.#times.append(this.#maxTimestamp, this.#maxTimestampOffset - this.#baseOffset);
  }

  /** The largest timestamp as the time index states it. */
  #adoptTimes(): void {
    const last = this.#times.count - 1;
    if (last < 0 || this.#times.timestampAt(last) <= this.#maxTimestamp) return;
    this.#maxTimestamp = this.#times.timestampAt(last);
    this.#maxTimestampOffset = this.#baseOffset + this.#times.offsetAt(last);
  }
}

/** What indexes need of a batch. */
interface TrackedBatch {
  readonly lastOffset: number;
  readonly bytes: number;
  readonly maxTimestamp: number;
}
