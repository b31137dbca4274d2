// Producer state as bytes, kept by the log as `<offset>.snapshot`: the state after all batches
// below that offset.
//
//   byte 0  "TMPS"
//        4  uint16  version = 1
//        6  uint16  0
//        8  uint32  CRC-32C of byte 12 to the end
//       12  uint32  number of producers
//       16  producers, each:
//             int64 producer id, int16 epoch, int32 coordinator epoch,
//             int64 first offset of the open transaction (-1: none), int64 last seen (ms),
//             uint8 number of batches (0 to 5), then batches, oldest first, each:
//               int32 last sequence, int64 last offset, int32 last offset delta,
//               int64 timestamp (ms)
//
// Big-endian. Unlike Kafka's snapshot it keeps all five batches, so a batch sent again across a
// restart is recognised even when four others were stored after it.

import { crc32c } from '../base/crc32c.ts';
import { TidemarkError } from '../base/errors.ts';
import { readInt64, writeInt64 } from '../base/int64.ts';
import {
  BATCHES_REMEMBERED,
  type ProducerBatch,
  type ProducerEntry,
  ProducerStates,
} from './producer-state.ts';

const MAGIC = 'TMPS';
const VERSION = 1;
const CRC_AT = 8;
const COUNT_AT = 12;
const HEADER_BYTES = 16;
const PRODUCER_BYTES = 31;
const BATCH_BYTES = 24;
const SEQUENCES = 2 ** 31;

/** A snapshot that cannot be read; an older one or the log itself serves instead. */
export class ProducerSnapshotError extends TidemarkError<'bad_producer_snapshot'> {
  constructor(message: string) {
    super('bad_producer_snapshot', `the producer snapshot is unreadable: ${message}`);
  }
}

/** The bytes of a snapshot of all producers. */
export function encodeProducerSnapshot(states: ProducerStates): Buffer {
  let length = HEADER_BYTES;
  for (const entry of states.entries()) {
    length += PRODUCER_BYTES + entry.batches.length * BATCH_BYTES;
  }
  const bytes = Buffer.alloc(length);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt16BE(VERSION, 4);
  bytes.writeUInt32BE(states.size, COUNT_AT);
  let position = HEADER_BYTES;
  for (const entry of states.entries()) position = writeEntry(bytes, position, entry);
  bytes.writeUInt32BE(crc32c(bytes.subarray(COUNT_AT)), CRC_AT);
  return bytes;
}

function writeEntry(bytes: Buffer, start: number, entry: ProducerEntry): number {
  let position = writeInt64(bytes, start, entry.producerId);
  position = bytes.writeInt16BE(entry.epoch, position);
  position = bytes.writeInt32BE(entry.coordinatorEpoch, position);
  position = writeInt64(bytes, position, entry.transactionStartOffset);
  position = writeInt64(bytes, position, entry.lastSeenMs);
  position = bytes.writeUInt8(entry.batches.length, position);
  for (const batch of entry.batches) {
    position = bytes.writeInt32BE(batch.lastSequence, position);
    position = writeInt64(bytes, position, batch.lastOffset);
    position = bytes.writeInt32BE(batch.lastOffset - batch.baseOffset, position);
    position = writeInt64(bytes, position, batch.timestampMs);
  }
  return position;
}

/** Kafka's begins with its version as an int16. */
export function isKafkaSnapshot(bytes: Buffer): boolean {
  return bytes.length >= 2 && bytes.readInt16BE(0) === 1;
}

/** The producers of a snapshot. Throws {@link ProducerSnapshotError}. */
export function decodeProducerSnapshot(bytes: Buffer): ProducerStates {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 4) !== MAGIC) {
    throw new ProducerSnapshotError('it is none');
  }
  const version = bytes.readUInt16BE(4);
  if (version !== VERSION) throw new ProducerSnapshotError(`its version is ${version}`);
  if (crc32c(bytes.subarray(COUNT_AT)) !== bytes.readUInt32BE(CRC_AT)) {
    throw new ProducerSnapshotError('its checksum is wrong');
  }
  const states = new ProducerStates();
  const count = bytes.readUInt32BE(COUNT_AT);
  let position = HEADER_BYTES;
  for (let index = 0; index < count; index += 1) {
    if (bytes.length - position < PRODUCER_BYTES) throw new ProducerSnapshotError('it is cut off');
    const batchCount = bytes.readUInt8(position + PRODUCER_BYTES - 1);
    const end = position + PRODUCER_BYTES + batchCount * BATCH_BYTES;
    if (batchCount > BATCHES_REMEMBERED || end > bytes.length) {
      throw new ProducerSnapshotError('it is cut off');
    }
    states.restore(readEntry(bytes, position, batchCount));
    position = end;
  }
  if (position !== bytes.length) throw new ProducerSnapshotError('bytes follow its end');
  return states;
}

function readEntry(bytes: Buffer, position: number, batchCount: number): ProducerEntry {
  const batches: ProducerBatch[] = [];
  for (let index = 0; index < batchCount; index += 1) {
    batches.push(readBatch(bytes, position + PRODUCER_BYTES + index * BATCH_BYTES));
  }
  return {
    producerId: safeInt64(bytes, position),
    epoch: bytes.readInt16BE(position + 8),
    coordinatorEpoch: bytes.readInt32BE(position + 10),
    transactionStartOffset: safeInt64(bytes, position + 14),
    lastSeenMs: safeInt64(bytes, position + 22),
    batches,
  };
}

function readBatch(bytes: Buffer, position: number): ProducerBatch {
  const lastSequence = bytes.readInt32BE(position);
  const lastOffset = safeInt64(bytes, position + 4);
  const delta = bytes.readInt32BE(position + 12);
  const baseSequence = lastSequence - delta;
  return {
    baseSequence: baseSequence < 0 ? baseSequence + SEQUENCES : baseSequence,
    lastSequence,
    baseOffset: lastOffset - delta,
    lastOffset,
    timestampMs: safeInt64(bytes, position + 16),
  };
}

function safeInt64(bytes: Buffer, position: number): number {
  const value = readInt64(bytes, position);
  if (Number.isNaN(value)) throw new ProducerSnapshotError('a number is out of range');
  return value;
}
