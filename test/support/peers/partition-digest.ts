// The independent measure of a round trip: per partition, SHA-256 over everything a record carries, in order. Nothing
// of the project's own record code takes part.

import { createHash, type Hash } from 'node:crypto';
import type { InteropRecord, ReadRecord } from './interop-client.ts';

const SCRATCH_BYTES = 64 * 1024;

/** Feeds a hash through one scratch buffer, since an update per field would cost more than the hashing. */
class Hasher {
  readonly #hash: Hash = createHash('sha256');
  readonly #scratch = Buffer.allocUnsafe(SCRATCH_BYTES);
  #used = 0;

  number(value: number): void {
    this.#room(8);
    this.#used = this.#scratch.writeDoubleBE(value, this.#used);
  }

  bytes(value: Buffer | null): void {
    this.number(value === null ? -1 : value.length);
    if (value === null) return;
    if (value.length > SCRATCH_BYTES / 4) {
      this.#flush();
      this.#hash.update(value);
      return;
    }
    this.#room(value.length);
    value.copy(this.#scratch, this.#used);
    this.#used += value.length;
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.number(length);
    this.#room(length);
    this.#used += this.#scratch.write(value, this.#used);
  }

  end(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #room(bytes: number): void {
    if (this.#used + bytes > SCRATCH_BYTES) this.#flush();
  }

  #flush(): void {
    this.#hash.update(this.#scratch.subarray(0, this.#used));
    this.#used = 0;
  }
}

/** What one partition held, as far as a test compares it. */
export interface PartitionSummary {
  readonly count: number;
  /** Over key, value and headers, in order. */
  readonly content: string;
  /** Over the timestamps, in order. */
  readonly timestamps: string;
}

/** Collects the summaries of all partitions of a topic. */
export class TopicDigest {
  /** Key and value bytes of all records. */
  bytes = 0;
  count = 0;
  readonly #partitions: { count: number; content: Hasher; timestamps: Hasher }[];

  constructor(partitions: number) {
    this.#partitions = Array.from({ length: partitions }, () => ({
      count: 0,
      content: new Hasher(),
      timestamps: new Hasher(),
    }));
  }

  /** A record about to be sent; its partition follows from the key. */
  sent(record: InteropRecord): void {
    this.#add(partitionOfKey(record.key, this.#partitions.length), record);
  }

  /** A record read back. Throws unless offsets run from 0 without gap in each partition. */
  read(record: ReadRecord): void {
    const expected = this.#partitions[record.partition]?.count;
    if (record.offset !== expected) {
      throw new Error(
        `partition ${record.partition}: offset ${record.offset} where ${expected} was due`,
      );
    }
    this.#add(record.partition, record);
  }

  summaries(): PartitionSummary[] {
    return this.#partitions.map((partition) => ({
      count: partition.count,
      content: partition.content.end(),
      timestamps: partition.timestamps.end(),
    }));
  }

  #add(index: number, record: InteropRecord): void {
    const partition = this.#partitions[index];
    if (partition === undefined) throw new Error(`no partition ${index}`);
    partition.count += 1;
    partition.content.bytes(record.key);
    partition.content.bytes(record.value);
    partition.content.number(record.headers.length);
    for (const [name, value] of record.headers) {
      partition.content.text(name);
      partition.content.text(value);
    }
    partition.timestamps.number(record.timestamp ?? -1);
    this.count += 1;
    this.bytes += record.key.length + (record.value?.length ?? 0);
  }
}

/** Where Java's default partitioner puts a key: murmur2 (seed 0x9747b28c) without its sign bit, modulo. */
export function partitionOfKey(key: Buffer, partitions: number): number {
  const m = 0x5bd1e995;
  let h = (0x9747b28c ^ key.length) | 0;
  let at = 0;
  for (; at + 4 <= key.length; at += 4) {
    let k = Math.imul(key.readInt32LE(at), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = key.length - at;
  if (rest > 2) h ^= key.readUInt8(at + 2) << 16;
  if (rest > 1) h ^= key.readUInt8(at + 1) << 8;
  if (rest > 0) h = Math.imul(h ^ key.readUInt8(at), m);
  h = Math.imul(h ^ (h >>> 13), m);
  h ^= h >>> 15;
  return (h & 0x7fffffff) % partitions;
}
