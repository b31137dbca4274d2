// The records of `__consumer_offsets` that consumer groups (KIP-848) are kept in, between their bytes and their
// meaning, in the versions that Kafka 4.3 writes. Types 3 to 8 and 16; type 4 (partition metadata) was given up by
// Kafka 4.1 for a hash in the group's record and is not read.

import {
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataValue,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataValue,
  type CoordinatorKey,
  coordinatorRecordTypes,
  decodeVersioned,
  encodeCoordinatorKey,
  encodeVersioned,
} from '../../../protocol/index.ts';

/** A change of one consumer group. `value` null is a tombstone. */
export type ConsumerRecord =
  | {
      readonly kind: 'consumer-group';
      readonly group: string;
      readonly value: ConsumerGroupMetadataValue | null;
    }
  | {
      readonly kind: 'consumer-member';
      readonly group: string;
      readonly member: string;
      readonly value: ConsumerGroupMemberMetadataValue | null;
    }
  | {
      readonly kind: 'consumer-target-epoch';
      readonly group: string;
      readonly value: ConsumerGroupTargetAssignmentMetadataValue | null;
    }
  | {
      readonly kind: 'consumer-target';
      readonly group: string;
      readonly member: string;
      readonly value: ConsumerGroupTargetAssignmentMemberValue | null;
    }
  | {
      readonly kind: 'consumer-current';
      readonly group: string;
      readonly member: string;
      readonly value: ConsumerGroupCurrentMemberAssignmentValue | null;
    }
  | {
      readonly kind: 'consumer-regex';
      readonly group: string;
      readonly regex: string;
      readonly value: ConsumerGroupRegularExpressionValue | null;
    };

const types = coordinatorRecordTypes;

/** Key and value as bytes. Throws `ProtocolError` for a string longer than Kafka's format carries. */
export function encodeConsumerRecord(record: ConsumerRecord): {
  readonly key: Buffer;
  readonly value: Buffer | null;
} {
  const { group: groupId } = record;
  switch (record.kind) {
    case 'consumer-group':
      return {
        key: encodeCoordinatorKey(types.ConsumerGroupMetadata, { groupId }),
        value: record.value && encodeVersioned(ConsumerGroupMetadataValue, 0, record.value),
      };
    case 'consumer-member':
      return {
        key: encodeCoordinatorKey(types.ConsumerGroupMemberMetadata, {
          groupId,
          memberId: record.member,
        }),
        value: record.value && encodeVersioned(ConsumerGroupMemberMetadataValue, 0, record.value),
      };
    case 'consumer-target-epoch':
      return {
        key: encodeCoordinatorKey(types.ConsumerGroupTargetAssignmentMetadata, { groupId }),
        value:
          record.value &&
          encodeVersioned(ConsumerGroupTargetAssignmentMetadataValue, 0, record.value),
      };
    case 'consumer-target':
      return {
        key: encodeCoordinatorKey(types.ConsumerGroupTargetAssignmentMember, {
          groupId,
          memberId: record.member,
        }),
        value:
          record.value &&
          encodeVersioned(ConsumerGroupTargetAssignmentMemberValue, 0, record.value),
      };
    case 'consumer-current':
      return {
        key: encodeCoordinatorKey(types.ConsumerGroupCurrentMemberAssignment, {
          groupId,
          memberId: record.member,
        }),
        value:
          record.value &&
          encodeVersioned(ConsumerGroupCurrentMemberAssignmentValue, 0, record.value),
      };
    case 'consumer-regex':
      return {
        key: encodeCoordinatorKey(types.ConsumerGroupRegularExpression, {
          groupId,
          regularExpression: record.regex,
        }),
        value:
          record.value && encodeVersioned(ConsumerGroupRegularExpressionValue, 0, record.value),
      };
  }
}

/** Meaning of a record; null when it is not about consumer groups. Throws `ProtocolError`. */
export function decodeConsumerRecord(
  key: CoordinatorKey,
  value: Buffer | null,
): ConsumerRecord | null {
  switch (key.name) {
    case 'ConsumerGroupMetadata':
      return {
        kind: 'consumer-group',
        group: key.key.groupId,
        value: value && decodeVersioned(ConsumerGroupMetadataValue, value),
      };
    case 'ConsumerGroupMemberMetadata':
      return {
        kind: 'consumer-member',
        group: key.key.groupId,
        member: key.key.memberId,
        value: value && decodeVersioned(ConsumerGroupMemberMetadataValue, value),
      };
    case 'ConsumerGroupTargetAssignmentMetadata':
      return {
        kind: 'consumer-target-epoch',
        group: key.key.groupId,
        value: value && decodeVersioned(ConsumerGroupTargetAssignmentMetadataValue, value),
      };
    case 'ConsumerGroupTargetAssignmentMember':
      return {
        kind: 'consumer-target',
        group: key.key.groupId,
        member: key.key.memberId,
        value: value && decodeVersioned(ConsumerGroupTargetAssignmentMemberValue, value),
      };
    case 'ConsumerGroupCurrentMemberAssignment':
      return {
        kind: 'consumer-current',
        group: key.key.groupId,
        member: key.key.memberId,
        value: value && decodeVersioned(ConsumerGroupCurrentMemberAssignmentValue, value),
      };
    case 'ConsumerGroupRegularExpression':
      return {
        kind: 'consumer-regex',
        group: key.key.groupId,
        regex: key.key.regularExpression,
        value: value && decodeVersioned(ConsumerGroupRegularExpressionValue, value),
      };
    default:
      return null;
  }
}
