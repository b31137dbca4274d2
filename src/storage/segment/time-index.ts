// Sparse map from timestamps to offsets, one per segment (org.apache.kafka.storage.internals.log.TimeIndex).
//
// `.timeindex` entry, 12 bytes, big-endian, sorted by both fields:
//   0          8                 12
//   | timestamp | relative offset |
// It says: up to and including this offset, no record is newer than this timestamp. The offset is the last of the
// batch that brought the timestamp. The last entry of a finished segment is the segment's largest timestamp.

import { readInt64, writeInt64 } from '../../base/int64.ts';

export const TIME_ENTRY_BYTES = 12;
const CAPACITY_MIN = 16;

/** Entries of one time index, in memory. Offsets are relative to the segment's base offset. */
export class TimeIndex {
  #times = new Float64Array(0);
  #offsets = new Int32Array(0);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  timestampAt(entry: number): number {
    return this.#times[entry] as number;
  }

  offsetAt(entry: number): number {
    return this.#offsets[entry] as number;
  }

  /** Adds an entry if it is newer than the last one, as Kafka's `maybeAppend` does. */
  append(timestamp: number, relativeOffset: number): void {
    const count = this.#count;
    if (timestamp < 0 || (count > 0 && timestamp <= (this.#times[count - 1] as number))) return;
    if (count === this.#times.length) {
      const capacity = Math.max(CAPACITY_MIN, count * 2);
      const times = new Float64Array(capacity);
      const offsets = new Int32Array(capacity);
      times.set(this.#times);
      offsets.set(this.#offsets);
      this.#times = times;
      this.#offsets = offsets;
    }
    this.#times[count] = timestamp;
    this.#offsets[count] = relativeOffset;
    this.#count++;
  }

  /** The last entry older than `timestamp`; -1 when there is none. */
  before(timestamp: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] as number) < timestamp) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Keeps the first `count` entries. */
  truncate(count: number): void {
    if (count < this.#count) this.#count = count;
  }

  /** Entries from `entry` on as file bytes. */
  encode(entry = 0): Buffer {
    const bytes = Buffer.allocUnsafe((this.#count - entry) * TIME_ENTRY_BYTES);
    for (let at = entry, to = 0; at < this.#count; at++, to += TIME_ENTRY_BYTES) {
      writeInt64(bytes, to, this.#times[at] as number);
      bytes.writeInt32BE(this.#offsets[at] as number, to + 8);
    }
    return bytes;
  }

  /**
   * Reads file bytes as far as they make sense: entries that rise in time and do not fall in offset, offsets below
   * `offsetLimit` (relative). `complete` tells whether that was all of them.
   */
  static decode(bytes: Buffer, offsetLimit: number): { index: TimeIndex; complete: boolean } {
    const index = new TimeIndex();
    const total = Math.floor(bytes.length / TIME_ENTRY_BYTES);
    let offset = 0;
    let count = 0;
    for (; count < total; count++) {
      const timestamp = readInt64(bytes, count * TIME_ENTRY_BYTES);
      const nextOffset = bytes.readInt32BE(count * TIME_ENTRY_BYTES + 8);
      const newer = count === 0 ? timestamp >= 0 : timestamp > index.timestampAt(count - 1);
      if (!newer || nextOffset < offset || nextOffset >= offsetLimit) break;
      // Preallocated space is all zeros; an entry of time 0 at offset 0 says nothing worth keeping either.
      if (timestamp === 0 && nextOffset === 0) break;
      index.append(timestamp, nextOffset);
      offset = nextOffset;
    }
    const rest = bytes.subarray(count * TIME_ENTRY_BYTES);
    return { index, complete: rest.every((byte) => byte === 0) };
  }
}
