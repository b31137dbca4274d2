// The key map of one compaction pass: key → offset of its last record, in typed arrays and one arena.
//
//   table    slot → entry number + 1, 0 for free; a power of two, at most 3/4 full, linear probing
//   entries  hash (32 bits) | last offset | place of the key in the arena
//   arena    | uint16 length | key bytes |, or | 0xffff | SHA-256 of the key | for keys over 256 bytes
//
// The slot comes from a hash, equality from the bytes: keys that collide share nothing but a probe sequence,
// so no collision can drop a record. (Apache Kafka's SkimpyOffsetMap trusts a 16-byte hash alone.)

import { createHash } from 'node:crypto';

/** Maps key bytes to 64 bits; only slots depend on it. */
export type KeyHash = (key: Buffer) => bigint;

const LONG_KEY_BYTES = 256;
const DIGEST_MARK = 0xffff;
const ENTRY_BYTES = 4 + 8 + 4;
const SLOT_BYTES = 4;
const LOAD_MAX = 0.75;
const ENTRIES_MIN = 64;

/** Last offset per key within a fixed amount of memory. */
export class KeyMap {
  readonly #hash: KeyHash;
  readonly #bytesMax: number;
  #table = new Int32Array(128);
  #hashes = new Uint32Array(ENTRIES_MIN);
  #offsets = new Float64Array(ENTRIES_MIN);
  #places = new Uint32Array(ENTRIES_MIN);
  #arena = Buffer.allocUnsafe(4096);
  #arenaUsed = 0;
  #count = 0;

  /** `bytesMax` bounds all arrays together; a map that may not grow refuses new keys. */
  constructor(options: { readonly bytesMax: number; readonly hash: KeyHash }) {
    this.#hash = options.hash;
    this.#bytesMax = options.bytesMax;
  }

  /** Distinct keys held. */
  get size(): number {
    return this.#count;
  }

  /** Memory of the arrays in bytes. */
  get byteLength(): number {
    return this.#table.byteLength + this.#entryBytes() + this.#arena.byteLength;
  }

  /**
   * Notes that `key` has a record at `offset`, later than any noted before. False when the map is full and does
   * not hold the key yet: the pass then ends before this record.
   */
  put(key: Buffer, offset: number): boolean {
    const stored = storedForm(key);
    const hash = Number(BigInt.asUintN(32, this.#hash(stored.bytes)));
    const found = this.#find(stored, hash);
    if (found >= 0) {
      this.#offsets[found] = offset;
      return true;
    }
    if (!this.#reserve(stored.bytes.length + 2)) return false;
    this.#insert(stored, hash, offset);
    return true;
  }

  /** Offset of the key's last record, or -1 when the map has not seen the key. */
  get(key: Buffer): number {
    const stored = storedForm(key);
    const hash = Number(BigInt.asUintN(32, this.#hash(stored.bytes)));
    const entry = this.#find(stored, hash);
    return entry < 0 ? -1 : (this.#offsets[entry] ?? -1);
  }

  #find(key: StoredKey, hash: number): number {
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#table[slot] ?? 0) - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] === hash && this.#holds(entry, key)) return entry;
    }
  }

  #holds(entry: number, key: StoredKey): boolean {
    const place = this.#places[entry] ?? 0;
    if (this.#arena.readUInt16BE(place) !== key.mark) return false;
    const end = place + 2 + key.bytes.length;
    return this.#arena.compare(key.bytes, 0, key.bytes.length, place + 2, end) === 0;
  }

  #insert(key: StoredKey, hash: number, offset: number): void {
    const entry = this.#count;
    this.#count += 1;
    this.#hashes[entry] = hash;
    this.#offsets[entry] = offset;
    this.#places[entry] = this.#arenaUsed;
    this.#arena.writeUInt16BE(key.mark, this.#arenaUsed);
    this.#arena.set(key.bytes, this.#arenaUsed + 2);
    this.#arenaUsed += 2 + key.bytes.length;
    this.#place(entry, hash);
  }

  #place(entry: number, hash: number): void {
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = entry + 1;
  }

  /** Room for one more entry with `keyBytes` in the arena; false when that would pass the bound. */
  #reserve(keyBytes: number): boolean {
    const arena = grown(this.#arena.length, this.#arenaUsed + keyBytes);
    const entries = grown(this.#hashes.length, this.#count + 1);
    const slots = grown(this.#table.length, Math.ceil((this.#count + 1) / LOAD_MAX));
    const bytes = slots * SLOT_BYTES + entries * ENTRY_BYTES + arena;
    if (bytes > this.#bytesMax && bytes > this.byteLength) return false;
    if (arena !== this.#arena.length) this.#growArena(arena);
    if (entries !== this.#hashes.length) this.#growEntries(entries);
    if (slots !== this.#table.length) this.#growTable(slots);
    return true;
  }

  #growArena(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(bytes);
    this.#arena.copy(larger, 0, 0, this.#arenaUsed);
    this.#arena = larger;
  }

  #growEntries(entries: number): void {
    const hashes = new Uint32Array(entries);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const offsets = new Float64Array(entries);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const places = new Uint32Array(entries);
    places.set(this.#places);
    this.#places = places;
  }

  #growTable(slots: number): void {
    this.#table = new Int32Array(slots);
    for (let entry = 0; entry < this.#count; entry += 1) {
      this.#place(entry, this.#hashes[entry] ?? 0);
    }
  }

  #entryBytes(): number {
    return this.#hashes.byteLength + this.#offsets.byteLength + this.#places.byteLength;
  }
}

interface StoredKey {
  readonly mark: number;
  readonly bytes: Buffer;
}

function storedForm(key: Buffer): StoredKey {
  if (key.length <= LONG_KEY_BYTES) return { mark: key.length, bytes: key };
  return { mark: DIGEST_MARK, bytes: createHash('sha256').update(key).digest() };
}

/** The size after doubling often enough to hold `needed`. */
function grown(size: number, needed: number): number {
  let larger = size;
  while (larger < needed) larger *= 2;
  return larger;
}
