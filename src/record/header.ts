// The 61 bytes at the head of a record batch, format v2 (KIP-98;
// org.apache.kafka.common.record.DefaultRecordBatch).
//
//   byte  0  int64  base offset                    not under the CRC
//         8  int32  batch length: bytes after this field
//        12  int32  partition leader epoch         not under the CRC
//        16  int8   magic = 2
//        17  uint32 CRC-32C of byte 21 to the end
//        21  int16  attributes: bits 0–2 codec, 3 timestamp type, 4 transactional, 5 control,
//                    6 delete horizon
//        23  int32  last offset delta
//        27  int64  base timestamp (of the first record; with bit 6 the delete horizon)
//        35  int64  max timestamp
//        43  int64  producer id, -1 for none
//        51  int16  producer epoch
//        53  int32  base sequence
//        57  int32  record count
//        61         records, compressed together
//
// Everything here works on the bytes in place; nothing is copied or decoded.

import { crc32c, crc32cParts, crc32cReplaced } from '../base/crc32c.ts';
import { readInt64, writeInt64 } from '../base/int64.ts';
import { RecordError } from './record-error.ts';

/** Bytes of a batch before its records. */
export const BATCH_HEADER_BYTES = 61;
/** Bytes of base offset and batch length, which the batch length does not count. */
export const LOG_OVERHEAD = 12;
/** The one message format that Tidemark stores. */
export const MAGIC_V2 = 2;
/** Where the part of a batch begins that its CRC covers. */
export const CRC_COVERS_FROM = 21;

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_TIMESTAMP = -1;
export const NO_LEADER_EPOCH = -1;

/** The byte place of every header field. */
export const BatchField = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

/** Bits of the attributes field. */
export const BatchAttribute = {
  codecMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const;

export type TimestampType = 'CreateTime' | 'LogAppendTime';

/**
 * A view of one batch header inside a buffer. Moving it with {@link at} allows one object for a
 * whole scan. The 61 header bytes must lie in `buffer`; reading beyond it throws Node's RangeError.
 * A 64-bit field beyond the safe integers throws {@link RecordError} `unsafe_integer` when read.
 */
export class BatchHeader {
  buffer: Buffer;
  position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  /** Points the view at another place and returns it. */
  at(buffer: Buffer, position: number): this {
    this.buffer = buffer;
    this.position = position;
    return this;
  }

  get baseOffset(): number {
    return this.#int64('base offset', BatchField.baseOffset);
  }

  /** Bytes after the length field, as on the wire. */
  get batchLength(): number {
    return this.buffer.readInt32BE(this.position + BatchField.batchLength);
  }

  /** Bytes of the whole batch. */
  get sizeInBytes(): number {
    return this.batchLength + LOG_OVERHEAD;
  }

  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(this.position + BatchField.partitionLeaderEpoch);
  }

  get magic(): number {
    return this.buffer.readInt8(this.position + BatchField.magic);
  }

  /** The stored checksum, a uint32. */
  get crc(): number {
    return this.buffer.readUInt32BE(this.position + BatchField.crc);
  }

  get attributes(): number {
    return this.buffer.readInt16BE(this.position + BatchField.attributes);
  }

  /** Number of the compression codec, 0 to 7; `codecOf` in codec/ gives the name. */
  get codecId(): number {
    return this.attributes & BatchAttribute.codecMask;
  }

  get isCompressed(): boolean {
    return this.codecId !== 0;
  }

  get timestampType(): TimestampType {
    return this.#has(BatchAttribute.logAppendTime) ? 'LogAppendTime' : 'CreateTime';
  }

  get isTransactional(): boolean {
    return this.#has(BatchAttribute.transactional);
  }

  get isControl(): boolean {
    return this.#has(BatchAttribute.control);
  }

  /**
   * When tombstones and markers of this batch may go, ms since the epoch; null when not set
   * (KIP-534).
   */
  get deleteHorizonMs(): number | null {
    return this.#has(BatchAttribute.deleteHorizon) ? this.baseTimestamp : null;
  }

  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.position + BatchField.lastOffsetDelta);
  }

  /** Offset of the last record (or of the last one before compaction). */
  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }

  /** What a log ending with this batch continues with. */
  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  get baseTimestamp(): number {
    return this.#int64('base timestamp', BatchField.baseTimestamp);
  }

  get maxTimestamp(): number {
    return this.#int64('max timestamp', BatchField.maxTimestamp);
  }

  /** -1 for a producer that is not idempotent. */
  get producerId(): number {
    return this.#int64('producer id', BatchField.producerId);
  }

  get hasProducerId(): boolean {
    return this.buffer.readInt32BE(this.position + BatchField.producerId) >= 0;
  }

  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.position + BatchField.producerEpoch);
  }

  get baseSequence(): number {
    return this.buffer.readInt32BE(this.position + BatchField.baseSequence);
  }

  /** Sequence of the last record; wraps from 2³¹−1 to 0, -1 when there is none. */
  get lastSequence(): number {
    const base = this.baseSequence;
    return base === NO_SEQUENCE ? NO_SEQUENCE : addSequence(base, this.lastOffsetDelta);
  }

  /** Records in the batch; a compacted batch has fewer than its offset range. */
  get recordCount(): number {
    return this.buffer.readInt32BE(this.position + BatchField.recordCount);
  }

  /** Not under the CRC: the bytes stay valid. */
  set baseOffset(offset: number) {
    writeInt64(this.buffer, this.position + BatchField.baseOffset, offset);
  }

  /** Not under the CRC: the bytes stay valid. */
  set partitionLeaderEpoch(epoch: number) {
    this.buffer.writeInt32BE(epoch, this.position + BatchField.partitionLeaderEpoch);
  }

  #has(bit: number): boolean {
    return (this.attributes & bit) !== 0;
  }

  #int64(name: string, field: number): number {
    const value = readInt64(this.buffer, this.position + field);
    if (Number.isNaN(value)) {
      const offset = readInt64(this.buffer, this.position + BatchField.baseOffset);
      const place = { offset, position: this.position + field };
      throw new RecordError('unsafe_integer', `the batch's ${name} is not a safe integer`, place);
    }
    return value;
  }
}

/** `sequence + increment` where sequences run from 0 to 2³¹−1 and then from 0 again (KIP-98). */
export function addSequence(sequence: number, increment: number): number {
  const sum = sequence + increment;
  return sum > 0x7fff_ffff ? sum - 0x8000_0000 : sum;
}

/** Batch bytes in one piece or several; the 61 header bytes lie whole in the first piece. */
export type BatchBytes = Buffer | readonly Buffer[];

/** First piece of a batch, which holds its header. */
export function headOf(bytes: BatchBytes): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return bytes[0] ?? Buffer.alloc(0);
}

/** The CRC-32C that the bytes of one whole batch should carry. */
export function computeBatchCrc(bytes: BatchBytes): number {
  if (Buffer.isBuffer(bytes)) return crc32c(bytes.subarray(CRC_COVERS_FROM));
  const crc = crc32c(headOf(bytes).subarray(CRC_COVERS_FROM));
  return crc32cParts(bytes.slice(1), crc);
}

/** Writes the CRC that the bytes of one whole batch need after a field under it changed. */
export function rewriteBatchCrc(bytes: BatchBytes): void {
  headOf(bytes).writeUInt32BE(computeBatchCrc(bytes), BatchField.crc);
}

/**
 * What `message.timestamp.type=LogAppendTime` does to a batch: max timestamp is the broker's time,
 * the timestamp type says so, and readers use it for every record. The CRC as with {@link setProducerState}.
 */
export function setMaxTimestampAndLogAppendTime(bytes: BatchBytes, nowMs: number): void {
  changeHeader(bytes, (head) => {
    const attributes = head.readInt16BE(BatchField.attributes) | BatchAttribute.logAppendTime;
    head.writeInt16BE(attributes, BatchField.attributes);
    writeInt64(head, BatchField.maxTimestamp, nowMs);
  });
}

/** Producer identity of a batch; all -1 for a producer that is not idempotent. */
export interface ProducerState {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/**
 * Gives a finished batch another producer state, as a client does on retry with a new epoch. The CRC follows from the
 * one before, without a look at the records: that of a damaged batch stays wrong.
 */
export function setProducerState(bytes: BatchBytes, state: ProducerState): void {
  changeHeader(bytes, (head) => {
    writeInt64(head, BatchField.producerId, state.producerId);
    head.writeInt16BE(state.producerEpoch, BatchField.producerEpoch);
    head.writeInt32BE(state.baseSequence, BatchField.baseSequence);
  });
}

/** Sets the attributes of a finished batch; the CRC as with {@link setProducerState}. */
export function setAttributes(bytes: BatchBytes, attributes: number): void {
  changeHeader(bytes, (head) => head.writeInt16BE(attributes, BatchField.attributes));
}

/** Sets the largest timestamp of a finished batch, in milliseconds; the CRC as with {@link setProducerState}. */
export function setMaxTimestamp(bytes: BatchBytes, timestamp: number): void {
  changeHeader(bytes, (head) => writeInt64(head, BatchField.maxTimestamp, timestamp));
}

function changeHeader(bytes: BatchBytes, change: (head: Buffer) => void): void {
  const head = headOf(bytes);
  const covered = head.subarray(CRC_COVERS_FROM, BATCH_HEADER_BYTES);
  const was = crc32c(covered);
  change(head);
  const following = lengthOf(bytes) - BATCH_HEADER_BYTES;
  const crc = head.readUInt32BE(BatchField.crc);
  const changed = crc32cReplaced(crc, { was, is: crc32c(covered), following });
  head.writeUInt32BE(changed, BatchField.crc);
}

function lengthOf(bytes: BatchBytes): number {
  if (Buffer.isBuffer(bytes)) return bytes.length;
  return bytes.reduce((sum, piece) => sum + piece.length, 0);
}
