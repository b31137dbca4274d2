// Records of `__share_group_state`: how far a share group is in a partition (KIP-932). The int16 that begins a key is
// the type of the record, a value begins with its version.

import { array, int8, int16, int32, int64, NEVER, string, tagged, uuid } from '../schema/field.ts';
import { message } from '../schema/message.ts';

const stateBatch = {
  firstOffset: int64(),
  lastOffset: int64(),
  deliveryState: int8(),
  deliveryCount: int16(),
} as const;

export const ShareSnapshotKey = message(
  'ShareSnapshotKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  },
);

export const ShareSnapshotValue = message(
  'ShareSnapshotValue',
  { versions: [0, 0], flexible: 0 },
  {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: tagged(0, int32({ fallback: -1 })),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array(stateBatch),
  },
);

export const ShareUpdateKey = message(
  'ShareUpdateKey',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    topicId: uuid(),
    partition: int32(),
  },
);

export const ShareUpdateValue = message(
  'ShareUpdateValue',
  { versions: [0, 0], flexible: 0 },
  {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: tagged(0, int32({ fallback: -1 })),
    stateBatches: array(stateBatch),
  },
);
