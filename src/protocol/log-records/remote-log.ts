// Records of `__remote_log_metadata` (KIP-405): which segments of which partitions lie in remote storage, and what
// becomes of them.

import {
  array,
  bool,
  int8,
  int32,
  int64,
  nullableBytes,
  string,
  struct,
  tagged,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const topicIdPartition = { name: string(), id: uuid(), partition: int32() } as const;
const remoteLogSegmentId = {
  topicIdPartition: struct(topicIdPartition),
  id: uuid(),
} as const;
const segment = {
  startOffset: int64(),
  endOffset: int64(),
  brokerId: int32(),
  maxTimestampMs: int64(),
  eventTimestampMs: int64(),
  segmentLeaderEpochs: array({ leaderEpoch: int32(), offset: int64() }),
  segmentSizeInBytes: int32(),
  customMetadata: nullableBytes({ fallback: null }),
  remoteLogSegmentState: int8(),
  txnIndexEmpty: tagged(0, bool()),
} as const;

export const RemoteLogSegmentMetadataRecord = message(
  'RemoteLogSegmentMetadataRecord',
  { versions: [0, 0], flexible: 0 },
  { remoteLogSegmentId: struct(remoteLogSegmentId), ...segment },
);

export const RemoteLogSegmentMetadataUpdateRecord = message(
  'RemoteLogSegmentMetadataUpdateRecord',
  { versions: [0, 0], flexible: 0 },
  {
    remoteLogSegmentId: struct(remoteLogSegmentId),
    brokerId: int32(),
    eventTimestampMs: int64(),
    customMetadata: nullableBytes({ fallback: null }),
    remoteLogSegmentState: int8(),
  },
);

export const RemotePartitionDeleteMetadataRecord = message(
  'RemotePartitionDeleteMetadataRecord',
  { versions: [0, 0], flexible: 0 },
  {
    topicIdPartition: struct(topicIdPartition),
    brokerId: int32(),
    eventTimestampMs: int64(),
    remotePartitionDeleteState: int8(),
  },
);

export const RemoteLogSegmentMetadataSnapshotRecord = message(
  'RemoteLogSegmentMetadataSnapshotRecord',
  { versions: [0, 0], flexible: 0 },
  { segmentId: uuid(), ...segment },
);
