// Gives records the offsets that they had. A broker numbers what it is sent one after the other, so a gap can only be
// filled: with records that say they are nothing, which compaction takes away, and before the first record also
// DeleteRecords.

import type { MemoryLease } from '../../src/base/memory-pool.ts';
import {
  BatchBuilder,
  BatchHeader,
  type Codec,
  codecOf,
  type StoredRecord,
} from '../../src/record/index.ts';
import {
  BatchPacker,
  isDense,
  type OffsetRange,
  type PackedBatch,
  recordsOf,
} from '../batches/packer.ts';

/** Key of the records that fill gaps. They have no value, so compaction removes all of them. */
export const FILLER_KEY = Buffer.from('tidemark.archive.filler');
/** Fillers of one batch: it expands to two megabytes, and travels as a few kilobytes. */
const FILLERS_MAX = 65_536;

export interface KeeperOptions {
  /** Hears where each batch has to land. */
  emit(batch: PackedBatch, baseOffset: number): Promise<void>;
  /** Throws when such a gap is not to be filled. */
  mayFill(from: number, to: number): void;
  /** See {@link BatchPacker}. */
  readonly bytesMax: number;
}

/** One partition whose next record has a known offset. */
export class OffsetKeeper {
  readonly #emit: KeeperOptions['emit'];
  readonly #mayFill: KeeperOptions['mayFill'];
  readonly #packer: BatchPacker;
  #next: number;
  /** Fillers so far. */
  fillers = 0;

  constructor(next: number, { emit, mayFill, bytesMax }: KeeperOptions) {
    this.#next = next;
    this.#emit = emit;
    this.#mayFill = mayFill;
    this.#packer = new BatchPacker(
      (batch) => emit(batch, batch.lastOffset + 1 - batch.count),
      bytesMax,
    );
  }

  /** As {@link BatchPacker.batch}. */
  async batch(bytes: Buffer, range: OffsetRange, lease: MemoryLease | null): Promise<void> {
    const from = Math.max(range.from, this.#next);
    const header = new BatchHeader(bytes);
    const { nextOffset } = header;
    if (nextOffset <= from) return;
    const whole = from === this.#next && header.baseOffset === from && header.lastOffset < range.to;
    if (whole && isDense(header)) {
      await this.#packer.batch(bytes, { from, to: range.to }, lease);
      this.#next = nextOffset;
      return;
    }
    const codec = codecOf(header.codecId) ?? 'none';
    for (const record of await recordsOf(bytes)) {
      if (record.offset >= from && record.offset < range.to) await this.record(record, codec);
    }
  }

  async record(record: StoredRecord, codec: Codec): Promise<void> {
    if (record.offset < this.#next) return;
    if (record.offset > this.#next) await this.fill(record.offset, record.timestamp);
    const room = this.#packer.record(record, codec);
    if (room !== null) await room;
    this.#next = record.offset + 1;
  }

  flush(): Promise<void> {
    return this.#packer.flush();
  }

  /** The end of what it has. */
  get next(): number {
    return this.#next;
  }

  /** Fills up to an offset. */
  async fill(to: number, timestamp: number): Promise<void> {
    if (this.#next >= to) return;
    this.#mayFill(this.#next, to);
    await this.#packer.flush();
    while (this.#next < to) {
      const count = Math.min(FILLERS_MAX, to - this.#next);
      const base = this.#next;
      await this.#emit(
        { bytes: fillers(count, timestamp), count, lastOffset: base + count - 1, release: null },
        base,
      );
      this.#next += count;
      this.fillers += count;
    }
  }
}

function fillers(count: number, timestamp: number): Buffer {
  const builder = new BatchBuilder({
    codec: count > 8 ? 'gzip' : 'none',
    capacity: 40 * count + 64,
  });
  for (let at = 0; at < count; at++) builder.append({ key: FILLER_KEY, value: null, timestamp });
  return builder.build();
}
