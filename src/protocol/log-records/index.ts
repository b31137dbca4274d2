// Records of Apache Kafka's internal logs that this broker has none of: `__cluster_metadata` (KRaft), share groups,
// streams groups, and `__remote_log_metadata`.
// Only who looks into files needs them, so they are not behind the door of protocol/, which every start opens.

import type { Fields, Infer } from '../schema/field.ts';
import type { Message } from '../schema/message.ts';
import { Reader } from '../schema/reader.ts';
import {
  BrokerRegistrationChangeRecord,
  FenceBrokerRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
} from './nodes.ts';
import {
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from './raft-control.ts';
import {
  RemoteLogSegmentMetadataRecord,
  RemoteLogSegmentMetadataSnapshotRecord,
  RemoteLogSegmentMetadataUpdateRecord,
  RemotePartitionDeleteMetadataRecord,
} from './remote-log.ts';
import {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from './security.ts';
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  ClientQuotaRecord,
  ConfigRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  NoOpRecord,
  ProducerIdsRecord,
  ZkMigrationStateRecord,
} from './settings.ts';
import {
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue,
} from './share-groups.ts';
import {
  ShareSnapshotKey,
  ShareSnapshotValue,
  ShareUpdateKey,
  ShareUpdateValue,
} from './share-state.ts';
import {
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from './streams-groups.ts';
import {
  ClearElrRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RemoveTopicRecord,
  TopicRecord,
} from './topics.ts';

/** A decoded message, and what it was decoded by. */
export interface Decoded {
  readonly schema: Message;
  readonly version: number;
  readonly value: Infer<Fields>;
}

/** By number (Kafka's MetadataRecordType); 6, 13 and 16 are free. */
export const metadataRecords: ReadonlyMap<number, Message> = new Map<number, Message>([
  [0, RegisterBrokerRecord],
  [1, UnregisterBrokerRecord],
  [2, TopicRecord],
  [3, PartitionRecord],
  [4, ConfigRecord],
  [5, PartitionChangeRecord],
  [7, FenceBrokerRecord],
  [8, UnfenceBrokerRecord],
  [9, RemoveTopicRecord],
  [10, DelegationTokenRecord],
  [11, UserScramCredentialRecord],
  [12, FeatureLevelRecord],
  [14, ClientQuotaRecord],
  [15, ProducerIdsRecord],
  [17, BrokerRegistrationChangeRecord],
  [18, AccessControlEntryRecord],
  [19, RemoveAccessControlEntryRecord],
  [20, NoOpRecord],
  [21, ZkMigrationStateRecord],
  [22, RemoveUserScramCredentialRecord],
  [23, BeginTransactionRecord],
  [24, EndTransactionRecord],
  [25, AbortTransactionRecord],
  [26, RemoveDelegationTokenRecord],
  [27, RegisterControllerRecord],
  [28, ClearElrRecord],
]);

/** By number, those of `__remote_log_metadata`. */
export const remoteLogRecords: ReadonlyMap<number, Message> = new Map<number, Message>([
  [0, RemoteLogSegmentMetadataRecord],
  [1, RemoteLogSegmentMetadataUpdateRecord],
  [2, RemotePartitionDeleteMetadataRecord],
  [3, RemoteLogSegmentMetadataSnapshotRecord],
]);

/** What comes before each such record has a version of its own. */
const FRAME_VERSION = 1;

/** A record's value in `__cluster_metadata`; null for one of a type that we do not know. Throws ProtocolError. */
export function decodeMetadataRecord(bytes: Buffer): Decoded | null {
  return decodeFramed(bytes, metadataRecords);
}

/** The same for `__remote_log_metadata`. */
export function decodeRemoteLogRecord(bytes: Buffer): Decoded | null {
  return decodeFramed(bytes, remoteLogRecords);
}

function decodeFramed(bytes: Buffer, table: ReadonlyMap<number, Message>): Decoded | null {
  const reader = new Reader(bytes);
  if (reader.unsignedVarint() !== FRAME_VERSION) return null;
  const schema = table.get(reader.unsignedVarint());
  if (schema === undefined) return null;
  const version = reader.unsignedVarint();
  return { schema, version, value: schema.decode(reader, version) };
}

/** By type of the control record's key (Kafka's ControlRecordType). */
export const raftControlRecords: ReadonlyMap<number, Message> = new Map<number, Message>([
  [2, LeaderChangeMessage],
  [3, SnapshotHeaderRecord],
  [4, SnapshotFooterRecord],
  [5, KRaftVersionRecord],
  [6, VotersRecord],
]);

/** A control record of KRaft; null for other types. Throws ProtocolError. */
export function decodeRaftControl(key: Buffer, value: Buffer): Decoded | null {
  const reader = new Reader(key);
  reader.int16();
  const schema = raftControlRecords.get(reader.int16());
  if (schema === undefined) return null;
  // The version is also the first field.
  const version = new Reader(value).int16();
  return { schema, version, value: schema.decode(new Reader(value), version) };
}

/** Key and value of a record type. */
type Pair = readonly [key: Message, value: Message];

/** By the int16 that begins a key of `__share_group_state`. */
export const shareStateRecords: ReadonlyMap<number, Pair> = new Map<number, Pair>([
  [0, [ShareSnapshotKey, ShareSnapshotValue]],
  [1, [ShareUpdateKey, ShareUpdateValue]],
]);

/** Those of share groups and of streams groups in `__consumer_offsets`. */
export const otherGroupRecords: ReadonlyMap<number, Pair> = new Map<number, Pair>([
  [10, [ShareGroupMemberMetadataKey, ShareGroupMemberMetadataValue]],
  [11, [ShareGroupMetadataKey, ShareGroupMetadataValue]],
  [12, [ShareGroupTargetAssignmentMetadataKey, ShareGroupTargetAssignmentMetadataValue]],
  [13, [ShareGroupTargetAssignmentMemberKey, ShareGroupTargetAssignmentMemberValue]],
  [14, [ShareGroupCurrentMemberAssignmentKey, ShareGroupCurrentMemberAssignmentValue]],
  [15, [ShareGroupStatePartitionMetadataKey, ShareGroupStatePartitionMetadataValue]],
  [17, [StreamsGroupMetadataKey, StreamsGroupMetadataValue]],
  [19, [StreamsGroupMemberMetadataKey, StreamsGroupMemberMetadataValue]],
  [20, [StreamsGroupTargetAssignmentMetadataKey, StreamsGroupTargetAssignmentMetadataValue]],
  [21, [StreamsGroupTargetAssignmentMemberKey, StreamsGroupTargetAssignmentMemberValue]],
  [22, [StreamsGroupCurrentMemberAssignmentKey, StreamsGroupCurrentMemberAssignmentValue]],
  [23, [StreamsGroupTopologyKey, StreamsGroupTopologyValue]],
]);

/**
 * A record of one of the two tables; `value` null: it is deleted. Null for a type that is not in it. Throws
 * ProtocolError.
 */
export function decodePair(
  table: ReadonlyMap<number, Pair>,
  key: Buffer,
  value: Buffer | null,
): { readonly key: Decoded; readonly value: Decoded | null } | null {
  const reader = new Reader(key);
  const pair = table.get(reader.int16());
  if (pair === undefined) return null;
  const [keySchema, valueSchema] = pair;
  const decodedKey = { schema: keySchema, version: 0, value: keySchema.decode(reader, 0) };
  if (value === null) return { key: decodedKey, value: null };
  const from = new Reader(value);
  const version = from.int16();
  const decoded = valueSchema.decode(from, version);
  return { key: decodedKey, value: { schema: valueSchema, version, value: decoded } };
}
