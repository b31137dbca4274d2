// A batch with some of its records left out: their bytes are taken as they are, since what a record's deltas count from
// stays. What compaction does to most batches.

import { writeInt64 } from '../base/int64.ts';
import { type Codec, compress } from './codec/codec.ts';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  LOG_OVERHEAD,
  rewriteBatchCrc,
} from './header.ts';

/** Some records of a section, one after another as they lay in it. */
export interface RetainedRecords {
  readonly section: Buffer;
  readonly count: number;
  /** The latest of theirs, ms since the epoch; not looked at under `LogAppendTime`. */
  readonly maxTimestamp: number;
}

/** Collects which stretches of a section stay. */
export class Retained {
  readonly #section: Buffer;
  /** Start and end of each stretch in turn. */
  readonly #edges: number[] = [];
  #count = 0;
  #maxTimestamp = -1;

  constructor(section: Buffer) {
    this.#section = section;
  }

  get count(): number {
    return this.#count;
  }

  /** The record from `startAt` to `endAt`, after those before it, stays. */
  keep(startAt: number, endAt: number, timestamp: number): void {
    const edges = this.#edges;
    if (edges.at(-1) === startAt) edges[edges.length - 1] = endAt;
    else edges.push(startAt, endAt);
    this.#count += 1;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
  }

  records(): RetainedRecords {
    const pieces: Buffer[] = [];
    for (let at = 0; at < this.#edges.length; at += 2) {
      pieces.push(this.#section.subarray(this.#edges[at], this.#edges[at + 1]));
    }
    const section = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    return { section, count: this.#count, maxTimestamp: this.#maxTimestamp };
  }
}

/**
 * The batch with `retained`, records of its own, in the place of all: offsets, timestamps, producer fields and codec
 * stay. Throws KafkaError `UNSUPPORTED_COMPRESSION_TYPE` when the codec is missing or not prepared.
 */
export function replaceRecords(batch: Buffer, codec: Codec, retained: RetainedRecords): Buffer {
  const records = codec === 'none' ? retained.section : compress(codec, retained.section);
  const result = Buffer.allocUnsafe(BATCH_HEADER_BYTES + records.length);
  batch.copy(result, 0, 0, BATCH_HEADER_BYTES);
  records.copy(result, BATCH_HEADER_BYTES);
  result.writeInt32BE(result.length - LOG_OVERHEAD, BatchField.batchLength);
  result.writeInt32BE(retained.count, BatchField.recordCount);
  if (new BatchHeader(batch).timestampType === 'CreateTime') {
    writeInt64(result, BatchField.maxTimestamp, retained.maxTimestamp);
  }
  rewriteBatchCrc(result);
  return result;
}
