// Files beside the log that Apache Kafka writes and this folder only reads:
//
// `.snapshot`, schema-encoded (org.apache.kafka.storage.internals.log.ProducerStateManager):
//   int16 version = 1, uint32 CRC-32C of all after it, int32 count, then for each producer
//   int64 id, int16 epoch, int32 last sequence, int64 last offset, int32 offset delta, int64 timestamp,
//   int32 coordinator epoch, int64 first offset of the open transaction (-1: none)

import { crc32c } from '../base/crc32c.ts';

/** What a snapshot says of one producer; -1 where it says nothing. */
export interface ProducerFacts {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly timestamp: number;
  readonly coordinatorEpoch: number;
  readonly transactionStartOffset: number;
}

const SNAPSHOT_HEADER_BYTES = 10;
const SNAPSHOT_PRODUCER_BYTES = 46;

/** Whether the bytes may be Apache Kafka's snapshot, rather than one of our own. */
export function isKafkaSnapshot(bytes: Buffer): boolean {
  return bytes.length >= SNAPSHOT_HEADER_BYTES && bytes.readInt16BE(0) === 1;
}

/** Producers of Apache Kafka's snapshot. Throws an Error that says what is wrong with it. */
export function decodeKafkaSnapshot(bytes: Buffer): ProducerFacts[] {
  if (!isKafkaSnapshot(bytes)) throw new Error('it is no producer snapshot');
  if (crc32c(bytes.subarray(6)) !== bytes.readUInt32BE(2)) throw new Error('wrong checksum');
  const count = bytes.readInt32BE(6);
  if (bytes.length !== SNAPSHOT_HEADER_BYTES + count * SNAPSHOT_PRODUCER_BYTES) {
    throw new Error(`${bytes.length} bytes cannot hold ${count} producers`);
  }
  const producers: ProducerFacts[] = [];
  for (let index = 0; index < count; index++) {
    const at = SNAPSHOT_HEADER_BYTES + index * SNAPSHOT_PRODUCER_BYTES;
    producers.push({
      producerId: int64(bytes, at),
      producerEpoch: bytes.readInt16BE(at + 8),
      lastSequence: bytes.readInt32BE(at + 10),
      lastOffset: int64(bytes, at + 14),
      timestamp: int64(bytes, at + 26),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      transactionStartOffset: int64(bytes, at + 38),
    });
  }
  return producers;
}

/** An int64 as a number; what no safe integer holds becomes the nearest double. */
function int64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64BE(at));
}
