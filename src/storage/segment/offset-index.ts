// Sparse map from offsets to file positions, one per segment (org.apache.kafka.storage.internals.log.OffsetIndex).
//
// `.index` entry, 8 bytes, big-endian, sorted by both fields:
//   0                4          8
//   | relative offset | position |
// The offset is the LAST of a batch, relative to the segment's base; the position is where that batch begins.
// One Int32Array with the pairs in a row: half the memory of objects' pointers alone, and no garbage.

export const OFFSET_ENTRY_BYTES = 8;
const CAPACITY_MIN = 16;

/** Entries of one offset index, in memory. Offsets are relative to the segment's base offset. */
export class OffsetIndex {
  #pairs = new Int32Array(0);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  offsetAt(entry: number): number {
    return this.#pairs[entry * 2] as number;
  }

  positionAt(entry: number): number {
    return this.#pairs[entry * 2 + 1] as number;
  }

  /** Adds an entry; the caller keeps offsets and positions rising. */
  append(relativeOffset: number, position: number): void {
    const at = this.#count * 2;
    if (at === this.#pairs.length) {
      const grown = new Int32Array(Math.max(CAPACITY_MIN, at * 2));
      grown.set(this.#pairs);
      this.#pairs = grown;
    }
    this.#pairs[at] = relativeOffset;
    this.#pairs[at + 1] = position;
    this.#count++;
  }

  /** The last entry whose offset is at or below `relativeOffset`; -1 when there is none. */
  floor(relativeOffset: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pairs[middle * 2] as number) <= relativeOffset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The last entry whose position is at or below `position`; -1 when there is none. */
  floorPosition(position: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#pairs[middle * 2 + 1] as number) <= position) low = middle + 1;
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
    const bytes = Buffer.allocUnsafe((this.#count - entry) * OFFSET_ENTRY_BYTES);
    for (let at = entry * 2, to = 0; at < this.#count * 2; at++, to += 4) {
      bytes.writeInt32BE(this.#pairs[at] as number, to);
    }
    return bytes;
  }

  /**
   * Reads file bytes as far as they make sense: entries that rise, positions below `bytesMax`. `complete` tells
   * whether that was all of them. (Kafka preallocates index files, so trailing zeros are not a fault.)
   */
  static decode(bytes: Buffer, bytesMax: number): { index: OffsetIndex; complete: boolean } {
    const index = new OffsetIndex();
    const total = Math.floor(bytes.length / OFFSET_ENTRY_BYTES);
    const pairs = new Int32Array(total * 2);
    let offset = -1;
    let position = -1;
    let count = 0;
    for (; count < total; count++) {
      const nextOffset = bytes.readInt32BE(count * 8);
      const nextPosition = bytes.readInt32BE(count * 8 + 4);
      if (nextOffset <= offset || nextPosition <= position || nextPosition >= bytesMax) break;
      offset = pairs[count * 2] = nextOffset;
      position = pairs[count * 2 + 1] = nextPosition;
    }
    index.#pairs = pairs;
    index.#count = count;
    const rest = bytes.subarray(count * OFFSET_ENTRY_BYTES);
    return { index, complete: rest.every((byte) => byte === 0) };
  }
}
