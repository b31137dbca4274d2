// From batches as they lie in a log to batches that any broker takes from a producer: whole ones pass as they are,
// small ones, compacted ones and parts are put together anew.

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

/** From here on a batch is passed whole; smaller ones are put together, or a request would carry next to nothing. */
const WHOLE_BYTES_MIN = 32 * 1024;
/** Bytes, before compression, of batches that are put together. */
const PACKED_BYTES = 512 * 1024;

/** Whether a batch has all the records that its offsets promise; compaction and older clients leave gaps. */
export function isDense(header: BatchHeader): boolean {
  return header.recordCount === header.lastOffsetDelta + 1;
}

/** The records of a batch, whatever its codec. Throws RecordError for damage. */
export async function recordsOf(bytes: Buffer): Promise<Iterable<StoredRecord>> {
  const codec = codecOf(new BatchHeader(bytes).codecId);
  if (codec !== null && !isCodecReady(codec)) await prepareCodec(codec);
  return readRecords(bytes);
}

/** Packs the records of one partition, in order. */
export class BatchPacker {
  readonly #emit: (batch: PackedBatch) => Promise<void>;
  #builder: BatchBuilder | null = null;
  #codec: Codec = 'none';
  #lastOffset = -1;

  /** `emit` hears of every batch, and answers when it can take the next. */
  constructor(emit: (batch: PackedBatch) => Promise<void>) {
    this.#emit = emit;
  }

  /**
   * Takes the records of a batch that lie in the range. With the lease of the memory that the bytes lie in they may be
   * written into, and are passed on without a copy. Throws RecordError for damage.
   */
  async batch(bytes: Buffer, range: OffsetRange, lease: MemoryLease | null = null): Promise<void> {
    const header = new BatchHeader(bytes);
    const inside = header.baseOffset >= range.from && header.lastOffset < range.to;
    if (inside && bytes.length >= WHOLE_BYTES_MIN && isSendable(header)) {
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
      if (this.record(record, codec)) await this.flush();
    }
  }

  /** Takes a record. True: the batch is full, {@link flush} it before the next. */
  record(record: StoredRecord, codec: Codec = this.#codec): boolean {
    if (this.#builder === null) {
      this.#codec = codec;
      this.#builder = new BatchBuilder({ codec, capacity: PACKED_BYTES / 8 });
    }
    const { key, value, headers, timestamp } = record;
    this.#builder.append({ key, value, headers, timestamp });
    this.#lastOffset = record.offset;
    return this.#builder.byteLength >= PACKED_BYTES;
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
