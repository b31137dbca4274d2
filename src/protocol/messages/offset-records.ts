// Records of `__consumer_offsets` that every group type uses, and those of classic groups. A key is
// an int16 record type and its fields, a value an int16 version and its fields; a null value is a
// tombstone. See ../coordinator-records.ts.
// OffsetCommitValue v1: expireTimestamp. v2: without it. v3: leaderEpoch. v4: flexible, topicId.
// GroupMetadataValue v1: rebalanceTimeout. v2: currentStateTimestamp. v3: groupInstanceId.
//   v4: flexible.

import {
  array,
  bytes,
  type Infer,
  int32,
  int64,
  NEVER,
  nullableString,
  string,
  tagged,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const memberMetadata = {
  memberId: string(),
  groupInstanceId: nullableString({ since: 3, fallback: null, ignorable: true }),
  clientId: string(),
  clientHost: string(),
  rebalanceTimeout: int32({ since: 1, fallback: -1, ignorable: true }),
  sessionTimeout: int32(),
  subscription: bytes(),
  assignment: bytes(),
} as const;

export const LegacyOffsetCommitKey = message(
  'LegacyOffsetCommitKey',
  { versions: [0, 0], flexible: NEVER },
  {
    group: string(),
    topic: string(),
    partition: int32(),
  },
);
export type LegacyOffsetCommitKey = Infer<typeof LegacyOffsetCommitKey.fields>;

export const LegacyOffsetCommitValue = message(
  'LegacyOffsetCommitValue',
  { versions: [0, 0], flexible: NEVER },
  {
    offset: int64(),
    metadata: string(),
    commitTimestamp: int64(),
  },
);
export type LegacyOffsetCommitValue = Infer<typeof LegacyOffsetCommitValue.fields>;

export const OffsetCommitKey = message(
  'OffsetCommitKey',
  { versions: [0, 0], flexible: NEVER },
  {
    group: string(),
    topic: string(),
    partition: int32(),
  },
);
export type OffsetCommitKey = Infer<typeof OffsetCommitKey.fields>;

export const OffsetCommitValue = message(
  'OffsetCommitValue',
  { versions: [0, 4], flexible: 4 },
  {
    offset: int64(),
    leaderEpoch: int32({ since: 3, fallback: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ since: 1, until: 1, fallback: -1, ignorable: true }),
    topicId: tagged(0, uuid({ since: 4, ignorable: true })),
  },
);
export type OffsetCommitValue = Infer<typeof OffsetCommitValue.fields>;

export const GroupMetadataKey = message(
  'GroupMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  {
    group: string(),
  },
);
export type GroupMetadataKey = Infer<typeof GroupMetadataKey.fields>;

export const GroupMetadataValue = message(
  'GroupMetadataValue',
  { versions: [0, 4], flexible: 4 },
  {
    protocolType: string(),
    generation: int32(),
    protocol: nullableString(),
    leader: nullableString(),
    currentStateTimestamp: int64({ since: 2, fallback: -1, ignorable: true }),
    members: array(memberMetadata),
  },
);
export type GroupMetadataValue = Infer<typeof GroupMetadataValue.fields>;
