// The key map of one compaction pass: key → offset of its last record, in typed arrays and an arena of chunks.
//
//   slots    hash (32 bits) and place of the entry + 1 (0: free), side by side; at most 4/5 full, linear probing
//   entries  | float64 last offset | uint16 length | key bytes |, never across chunks, or
//            | float64 last offset | 0xffff | SHA-256 of the key | for keys over 256 bytes
//
// The slot comes from a hash, equality from the bytes: keys that collide share nothing but a probe sequence,
// so no collision can drop a record. (Apache Kafka's SkimpyOffsetMap trusts a 16-byte hash alone.)
// Chunks and slots grow in small steps, so that a bound on memory is used up: more keys fit, fewer passes are needed.

import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
/** Loaded with the first long key. */
let crypto: typeof import('node:crypto') | null = null;

/** Maps key bytes to 64 bits; only slots depend on it. */
export type KeyHash = (key: Buffer) => bigint;

const LONG_KEY_BYTES = 256;
const DIGEST_MARK = 0xffff;
const ENTRY_HEAD_BYTES = 8 + 2;
const SLOT_WORDS = 2;
const SLOT_BYTES = SLOT_WORDS * 4;
const SLOTS_MIN = 128;
const LOAD_MAX = 0.8;
const GROWTH = 1.5;
const CHUNK_BYTES_MIN = 4096;
const CHUNK_BYTES_MAX = 1024 * 1024;
/** A copy or comparison of fewer bytes is quicker by hand than by a call. */
const BY_HAND_BYTES = 48;

/** Last offset per key within a fixed amount of memory. */
export class KeyMap {
  readonly #hash: KeyHash;
  readonly #bytesMax: number;
  readonly #chunkBits: number;
  readonly #chunkBytes: number;
  readonly #chunks: Buffer[] = [];
  /** Bytes used of the newest chunk. */
  #used = 0;
  #slots = new Uint32Array(SLOTS_MIN * SLOT_WORDS);
  #count = 0;
  readonly #bits = new BigUint64Array(1);
  readonly #words = new Uint32Array(this.#bits.buffer);

  /** `bytesMax` bounds all arrays together; a map that may not grow refuses new keys. */
  constructor(options: { readonly bytesMax: number; readonly hash: KeyHash }) {
    this.#hash = options.hash;
    this.#bytesMax = options.bytesMax;
    const chunk = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, options.bytesMax / 64));
    this.#chunkBits = Math.floor(Math.log2(chunk));
    this.#chunkBytes = 2 ** this.#chunkBits;
  }

  /** Distinct keys held. */
  get size(): number {
    return this.#count;
  }

  /** Memory of the arrays in bytes. */
  get byteLength(): number {
    return this.#slots.byteLength + this.#chunks.length * this.#chunkBytes;
  }

  /**
   * Notes that `key` has a record at `offset`, later than any noted before. False when the map is full and does
   * not hold the key yet: the pass then ends before this record.
   */
  put(key: Buffer, offset: number): boolean {
    const long = key.length > LONG_KEY_BYTES;
    const bytes = long ? digestOf(key) : key;
    const mark = long ? DIGEST_MARK : key.length;
    const hash = this.#hashOf(bytes);
    const slot = this.#find(bytes, mark, hash);
    const place = this.#slots[slot + 1] as number;
    if (place > 0) {
      this.#chunkOf(place - 1).writeDoubleLE(offset, this.#positionOf(place - 1));
      return true;
    }
    if (this.#count + 1 > (this.#slots.length / SLOT_WORDS) * LOAD_MAX) {
      if (!this.#growSlots()) return false;
      return this.#insert(this.#find(bytes, mark, hash), hash, { bytes, mark, offset });
    }
    return this.#insert(slot, hash, { bytes, mark, offset });
  }

  /** Offset of the key's last record, or -1 when the map has not seen the key. */
  get(key: Buffer): number {
    const long = key.length > LONG_KEY_BYTES;
    const bytes = long ? digestOf(key) : key;
    const slot = this.#find(bytes, long ? DIGEST_MARK : key.length, this.#hashOf(bytes));
    const place = this.#slots[slot + 1] as number;
    if (place === 0) return -1;
    return this.#chunkOf(place - 1).readDoubleLE(this.#positionOf(place - 1));
  }

  #hashOf(bytes: Buffer): number {
    this.#bits[0] = this.#hash(bytes);
    // Slots go by the high bits; the product spreads whatever the hash is.
    return Math.imul(this.#words[0] as number, 0x9e3779b1) >>> 0;
  }

  #chunkOf(place: number): Buffer {
    return this.#chunks[place >>> this.#chunkBits] as Buffer;
  }

  #positionOf(place: number): number {
    return place & (this.#chunkBytes - 1);
  }

  /** Index of the words of the key's slot, or of the free one where it belongs. */
  #find(bytes: Buffer, mark: number, hash: number): number {
    const slots = this.#slots;
    let slot = firstSlot(hash, slots);
    for (;;) {
      const place = slots[slot + 1] as number;
      if (place === 0) return slot;
      if (slots[slot] === hash && this.#holds(place - 1, bytes, mark)) return slot;
      slot += SLOT_WORDS;
      if (slot === slots.length) slot = 0;
    }
  }

  #holds(place: number, bytes: Buffer, mark: number): boolean {
    const chunk = this.#chunkOf(place);
    const at = this.#positionOf(place) + 8;
    if (chunk.readUInt16LE(at) !== mark) return false;
    const { length } = bytes;
    if (length > BY_HAND_BYTES)
      return chunk.compare(bytes, 0, length, at + 2, at + 2 + length) === 0;
    for (let index = 0; index < length; index += 1) {
      if (chunk[at + 2 + index] !== bytes[index]) return false;
    }
    return true;
  }

  #insert(
    slot: number,
    hash: number,
    entry: { readonly bytes: Buffer; readonly mark: number; readonly offset: number },
  ): boolean {
    const { bytes, mark, offset } = entry;
    const size = ENTRY_HEAD_BYTES + bytes.length;
    if ((this.#chunks.length === 0 || this.#used + size > this.#chunkBytes) && !this.#addChunk()) {
      return false;
    }
    const number = this.#chunks.length - 1;
    const chunk = this.#chunks[number] as Buffer;
    const at = this.#used;
    chunk.writeDoubleLE(offset, at);
    chunk.writeUInt16LE(mark, at + 8);
    if (bytes.length > BY_HAND_BYTES) chunk.set(bytes, at + ENTRY_HEAD_BYTES);
    else {
      for (let index = 0; index < bytes.length; index += 1) {
        chunk[at + ENTRY_HEAD_BYTES + index] = bytes[index] as number;
      }
    }
    this.#used = at + size;
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = number * this.#chunkBytes + at + 1;
    this.#count += 1;
    return true;
  }

  #addChunk(): boolean {
    if (this.byteLength + this.#chunkBytes > this.#bytesMax) return false;
    this.#chunks.push(Buffer.allocUnsafeSlow(this.#chunkBytes));
    this.#used = 0;
    return true;
  }

  /** Both tables are there while one is copied into the other, and both count. */
  #growSlots(): boolean {
    const before = this.#slots;
    const count = Math.ceil((before.length / SLOT_WORDS) * GROWTH);
    if (this.byteLength + count * SLOT_BYTES > this.#bytesMax) return false;
    const slots = new Uint32Array(count * SLOT_WORDS);
    for (let from = 0; from < before.length; from += SLOT_WORDS) {
      const place = before[from + 1] as number;
      if (place === 0) continue;
      const hash = before[from] as number;
      let slot = firstSlot(hash, slots);
      while (slots[slot + 1] !== 0) {
        slot += SLOT_WORDS;
        if (slot === slots.length) slot = 0;
      }
      slots[slot] = hash;
      slots[slot + 1] = place;
    }
    this.#slots = slots;
    return true;
  }
}

/** Spreads hashes evenly over any number of slots. Answers the index of its words. */
function firstSlot(hash: number, slots: Uint32Array): number {
  return Math.floor((hash * (slots.length / SLOT_WORDS)) / 2 ** 32) * SLOT_WORDS;
}

function digestOf(key: Buffer): Buffer {
  crypto ??= load('node:crypto') as typeof import('node:crypto');
  return crypto.createHash('sha256').update(key).digest();
}
