// From batches as they lie in a log to batches that a topic takes from a producer: whole ones pass as they are; small
// ones, compacted ones, parts, and those that are larger than the topic allows are put together anew.

import type { MemoryLease } from '../../src/base/memory-pool.ts';
import {
  BATCH_HEADER_BYTES,
  BatchAttribute,
  BatchBuilder,
  BatchHeader,
  type Codec,
  codecOf,
  isCodecReady,
  NO_LEADER_EPOCH,
  prepareCodec,
  RecordError,
  readRecords,
  type StoredRecord,
  setAttributes,
} from '../../src/record/index.ts';

/** A batch to send. Its bytes belong to whoever takes it. */
export interface PackedBatch {
  readonly bytes: Buffer;
  readonly count: number;
  /** Offset of its last record where it came from. */
  readonly lastOffset: number;
  /** To be called when the bytes are not needed any more, if that is ever known. */
  readonly release: (() => void) | null;
}

/** Offsets of a partition, `from` up to and not including `to`. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/**
 * From here on a batch is passed whole; smaller ones are put together, or a request would carry next to nothing. With
 * 32 KiB a topic of 27 KB batches of lz4 was compressed anew, at five times the CPU time.
 */
const WHOLE_BYTES_MIN = 8 * 1024;
/** Bytes, before compression, of batches that are put together. */
const PACKED_BYTES = 512 * 1024;

/** Whether a batch has all the records that its offsets promise; compaction and older clients leave gaps. */
export function isDense(header: BatchHeader): boolean {
  return header.recordCount === header.lastOffsetDelta + 1;
}

/**
 * The records of a batch, whatever its codec: all of them, or for damage anywhere in it none, so that nobody leaves
 * half of a batch behind. Throws RecordError for damage.
 */
export async function recordsOf(bytes: Buffer): Promise<readonly StoredRecord[]> {
  const codec = codecOf(new BatchHeader(bytes).codecId);
  if (codec !== null && !isCodecReady(codec)) await prepareCodec(codec);
  return [...readRecords(bytes)];
}

/** Packs the records of one partition, in order. */
export class BatchPacker {
  readonly #emit: (batch: PackedBatch) => Promise<void>;
  readonly #bytesMax: number;
  readonly #packedBytes: number;
  #builder: BatchBuilder | null = null;
  #codec: Codec = 'none';
  #lastOffset = -1;

  /**
   * `emit` hears of every batch, and answers when it can take the next. No batch has more than `bytesMax` bytes, but
   * for one of a single record that has.
   */
  constructor(emit: (batch: PackedBatch) => Promise<void>, bytesMax: number) {
    this.#emit = emit;
    this.#bytesMax = bytesMax;
    // What does not shrink grows a little in every codec.
    this.#packedBytes = Math.min(PACKED_BYTES, Math.floor(bytesMax * 0.98));
  }

  /**
   * Takes the records of a batch that lie in the range, all or, for damage, none. With the lease of the memory that the
   * bytes lie in they may be written into, and are passed on without a copy. Throws RecordError for damage.
   */
  async batch(bytes: Buffer, range: OffsetRange, lease: MemoryLease | null = null): Promise<void> {
    const header = new BatchHeader(bytes);
    if (this.#passes(header, range)) {
      await this.flush();
      const { recordCount: count, lastOffset } = header;
      lease?.hold();
      const ours = asProduced(lease === null ? Buffer.from(bytes) : bytes);
      await this.#emit({ bytes: ours, count, lastOffset, release: lease?.drop ?? null });
      return;
    }
    const codec = codecOf(header.codecId) ?? 'none';
    for (const record of await recordsOf(bytes)) {
      if (record.offset < range.from || record.offset >= range.to) continue;
      const room = this.record(record, codec);
      if (room !== null) await room;
    }
  }

  #passes(header: BatchHeader, { from, to }: OffsetRange): boolean {
    const bytes = header.sizeInBytes;
    if (header.baseOffset < from || header.lastOffset >= to) return false;
    if (bytes > this.#bytesMax || !isSendable(header)) return false;
    return bytes >= Math.min(WHOLE_BYTES_MIN, this.#bytesMax / 2);
  }

  /** Takes a record. Null: there was room; else when there is. */
  record(record: StoredRecord, codec: Codec = this.#codec): Promise<void> | null {
    this.#builder ??= this.#begin(codec);
    const { key, value, headers, timestamp } = record;
    if (!this.#builder.tryAppend({ key, value, headers, timestamp }, this.#packedBytes)) {
      return this.flush().then(() => this.record(record, codec) ?? undefined);
    }
    this.#lastOffset = record.offset;
    return null;
  }

  #begin(codec: Codec): BatchBuilder {
    this.#codec = codec;
    return new BatchBuilder({ codec, capacity: PACKED_BYTES / 8 });
  }

  /** Emits what was put together so far. */
  async flush(): Promise<void> {
    const builder = this.#builder;
    if (builder === null) return;
    this.#builder = null;
    await prepareCodec(this.#codec);
    await this.#emit({
      bytes: builder.build(),
      count: builder.count,
      lastOffset: this.#lastOffset,
      release: null,
    });
  }
}

/** Under LogAppendTime the records' own times are not those that readers see. */
function isSendable(header: BatchHeader): boolean {
  return isDense(header) && header.timestampType === 'CreateTime' && !header.isControl;
}

/** Takes back the fields that brokers write. */
function asProduced(bytes: Buffer): Buffer {
  if (bytes.length < BATCH_HEADER_BYTES) {
    const place = { offset: -1, position: 0 };
    throw new RecordError('truncated_batch', 'the batch header is cut off', place);
  }
  const header = new BatchHeader(bytes);
  header.baseOffset = 0;
  header.partitionLeaderEpoch = NO_LEADER_EPOCH;
  // A committed transaction is over, and the horizon of tombstones is the other broker's affair.
  const attributes = header.attributes & BatchAttribute.codecMask;
  if (attributes !== header.attributes) setAttributes(bytes, attributes);
  return bytes;
}
