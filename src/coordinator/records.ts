// The records of `__consumer_offsets` that groups are kept in, between their bytes and their meaning, in the versions
// that Kafka 4.3 writes (org.apache.kafka.coordinator.group.GroupCoordinatorRecordHelpers).

import {
  coordinatorRecordTypes,
  decodeCoordinatorKey,
  decodeVersioned,
  encodeCoordinatorKey,
  encodeVersioned,
  GroupMetadataValue,
  OffsetCommitValue,
  ProtocolError,
} from '../protocol/index.ts';
import {
  type ConsumerRecord,
  decodeConsumerRecord,
  encodeConsumerRecord,
} from './group/consumer/records.ts';
import type { LogRecord } from './ports.ts';

export interface OffsetRecord {
  readonly kind: 'offset';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Null: the offset is forgotten. */
  readonly value: OffsetCommitValue | null;
}

export interface GroupMetadataRecord {
  readonly kind: 'group';
  readonly group: string;
  /** Null: the group is gone. */
  readonly value: GroupMetadataValue | null;
}

export type GroupRecord = OffsetRecord | GroupMetadataRecord | ConsumerRecord;

const groupValueVersion = 3;

/** Bytes of a record. Throws `ProtocolError` for a string longer than Kafka's format carries. */
export function encodeRecord(record: GroupRecord, timestampMs: number): LogRecord {
  if (record.kind === 'offset') {
    const { group, topic, partition, value } = record;
    // v1 alone has an expiry of its own (OffsetCommit v2 to v4 with a retention time).
    const version = value !== null && value.expireTimestamp !== -1 ? 1 : 4;
    return {
      key: encodeCoordinatorKey(coordinatorRecordTypes.OffsetCommit, { group, topic, partition }),
      value: value === null ? null : encodeVersioned(OffsetCommitValue, version, value),
      timestampMs,
    };
  }
  if (record.kind !== 'group') return { ...encodeConsumerRecord(record), timestampMs };
  const { group, value } = record;
  return {
    key: encodeCoordinatorKey(coordinatorRecordTypes.GroupMetadata, { group }),
    value: value === null ? null : encodeVersioned(GroupMetadataValue, groupValueVersion, value),
    timestampMs,
  };
}

/** Above a record's own bytes, what it may take in a batch, the batch's header included. */
const recordOverheadBytes = 128;

/** Whether the records fit one batch of `bytesMax` bytes, and each of their strings Kafka's format. */
export function fitBatch(records: readonly GroupRecord[], bytesMax: number): boolean {
  try {
    let bytes = 0;
    for (const record of records) {
      const { key, value } = encodeRecord(record, 0);
      bytes += key.length + (value?.length ?? 0) + recordOverheadBytes;
      if (bytes > bytesMax) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** Meaning of a record; null for types that belong to others or are newer than us. Throws `ProtocolError`. */
export function decodeRecord(record: LogRecord): GroupRecord | null {
  const decoded = decodeCoordinatorKey(record.key);
  if (decoded === null) return null;
  const { value } = record;
  switch (decoded.name) {
    // Same bytes; the old key type comes from logs of Kafka before 0.9.
    case 'LegacyOffsetCommit':
    case 'OffsetCommit':
      return {
        kind: 'offset',
        group: decoded.key.group,
        topic: decoded.key.topic,
        partition: decoded.key.partition,
        value: value === null ? null : decodeVersioned(OffsetCommitValue, value),
      };
    case 'GroupMetadata':
      return {
        kind: 'group',
        group: decoded.key.group,
        value: value === null ? null : decodeVersioned(GroupMetadataValue, value),
      };
    default:
      return decodeConsumerRecord(decoded, value);
  }
}
