// Control records: the transaction markers that the broker writes into partitions.
//   key    int16 version, int16 type (0 abort, 1 commit)
//   value  int16 version, int32 coordinator epoch
// Source: ControlRecordType and EndTransactionMarker of kafka-clients.

import { buildBatch } from './builder.ts';
import { RecordError } from './record-error.ts';

const VERSION = 0;
const KEY_BYTES = 4;
const VALUE_BYTES = 6;

/**
 * `unknown` stands for a type newer than this code: such a record is skipped, as Kafka's readers
 * do.
 */
export type ControlRecordType = 'abort' | 'commit' | 'unknown';

/** Key of a control record. */
export function encodeControlKey(type: 'abort' | 'commit'): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeInt16BE(VERSION, 0);
  key.writeInt16BE(type === 'commit' ? 1 : 0, 2);
  return key;
}

/**
 * The type in a control record's key. Throws RecordError `corrupt_record` for a key that is none.
 */
export function decodeControlKey(key: Buffer | null): ControlRecordType {
  if (key === null || key.length < KEY_BYTES || key.readInt16BE(0) < 0) {
    throw corrupt('a control record without a valid key');
  }
  const type = key.readInt16BE(2);
  if (type === 0) return 'abort';
  return type === 1 ? 'commit' : 'unknown';
}

/** Value of an end-of-transaction marker. */
export function encodeEndTransactionMarker(coordinatorEpoch: number): Buffer {
  const value = Buffer.alloc(VALUE_BYTES);
  value.writeInt16BE(VERSION, 0);
  value.writeInt32BE(coordinatorEpoch, 2);
  return value;
}

/**
 * The coordinator epoch in a marker's value, later versions included. Throws RecordError
 * `corrupt_record`.
 */
export function decodeEndTransactionMarker(value: Buffer | null): number {
  if (value === null || value.length < VALUE_BYTES || value.readInt16BE(0) < 0) {
    throw corrupt('an end-of-transaction marker without a valid value');
  }
  return value.readInt32BE(2);
}

/** What the transaction coordinator knows when a transaction ends in a partition. */
export interface EndTransaction {
  readonly type: 'abort' | 'commit';
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
  /** Default 0: the log assigns it. */
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
}

/** The batch of one marker, as Kafka's MemoryRecords.withEndTransactionMarker makes it. */
export function buildEndTransactionBatch(end: EndTransaction): Buffer {
  const record = {
    timestamp: end.timestamp,
    key: encodeControlKey(end.type),
    value: encodeEndTransactionMarker(end.coordinatorEpoch),
  };
  const { producerId, producerEpoch, baseOffset = 0, partitionLeaderEpoch = -1 } = end;
  return buildBatch([record], {
    baseOffset,
    partitionLeaderEpoch,
    producer: { producerId, producerEpoch, baseSequence: -1 },
    transactional: true,
    control: true,
    capacity: 128,
  });
}

function corrupt(message: string): RecordError {
  return new RecordError('corrupt_record', message, { offset: -1, position: -1 });
}
