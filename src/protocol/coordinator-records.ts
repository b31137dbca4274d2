// Which records `__consumer_offsets` holds: the int16 that begins a key is the type of the record.
// Values begin with their own version; read them with `decodeVersioned(type.value, …)`.

import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from './messages/consumer-group-records.ts';
import {
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  LegacyOffsetCommitValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from './messages/offset-records.ts';
import type { Fields, Infer, Input } from './schema/field.ts';
import type { Message } from './schema/message.ts';
import { Reader } from './schema/reader.ts';
import { Writer } from './schema/writer.ts';

/** A kind of record: its number, and the schemas of key (always version 0) and value. */
export interface CoordinatorRecordType<Key extends Fields = Fields, Value extends Fields = Fields> {
  readonly type: number;
  readonly key: Message<Key>;
  readonly value: Message<Value>;
}

function recordType<const Key extends Fields, const Value extends Fields>(
  type: number,
  key: Message<Key>,
  value: Message<Value>,
): CoordinatorRecordType<Key, Value> {
  return { type, key, value };
}

/** Record types of `__consumer_offsets`, by the names of Kafka's schemas. */
export const coordinatorRecordTypes = {
  /** Key form of Kafka before 0.9; its values are those of OffsetCommit. */
  LegacyOffsetCommit: recordType(0, LegacyOffsetCommitKey, LegacyOffsetCommitValue),
  OffsetCommit: recordType(1, OffsetCommitKey, OffsetCommitValue),
  GroupMetadata: recordType(2, GroupMetadataKey, GroupMetadataValue),
  ConsumerGroupMetadata: recordType(3, ConsumerGroupMetadataKey, ConsumerGroupMetadataValue),
  ConsumerGroupPartitionMetadata: recordType(
    4,
    ConsumerGroupPartitionMetadataKey,
    ConsumerGroupPartitionMetadataValue,
  ),
  ConsumerGroupMemberMetadata: recordType(
    5,
    ConsumerGroupMemberMetadataKey,
    ConsumerGroupMemberMetadataValue,
  ),
  ConsumerGroupTargetAssignmentMetadata: recordType(
    6,
    ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue,
  ),
  ConsumerGroupTargetAssignmentMember: recordType(
    7,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue,
  ),
  ConsumerGroupCurrentMemberAssignment: recordType(
    8,
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupCurrentMemberAssignmentValue,
  ),
  ConsumerGroupRegularExpression: recordType(
    16,
    ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue,
  ),
} as const;

type RecordTypes = typeof coordinatorRecordTypes;

/** A decoded key with the name of its record type. */
export type CoordinatorKey = {
  [Name in keyof RecordTypes]: {
    readonly name: Name;
    readonly key: Infer<RecordTypes[Name]['key']['fields']>;
  };
}[keyof RecordTypes];

const byType = new Map(
  Object.entries(coordinatorRecordTypes).map(([name, entry]) => [
    entry.type,
    { name, schema: entry.key as Message },
  ]),
);

/** Decodes a record key; null for a type that we do not know. Throws `ProtocolError`. */
export function decodeCoordinatorKey(buffer: Buffer): CoordinatorKey | null {
  const reader = new Reader(buffer);
  const known = byType.get(reader.int16());
  if (known === undefined) return null;
  return { name: known.name, key: known.schema.decode(reader, 0) } as CoordinatorKey;
}

/** Encodes a record key. Throws `ProtocolError`. */
export function encodeCoordinatorKey<Key extends Fields, Value extends Fields>(
  type: CoordinatorRecordType<Key, Value>,
  key: Input<Key>,
): Buffer {
  const writer = new Writer(128);
  writer.reserve(2);
  writer.putInt16(type.type);
  type.key.encode(writer, 0, key);
  return writer.toBuffer();
}
