// OffsetForLeaderEpoch: where a leader epoch ended, to find out about truncation (KIP-101).
// v2: fencing by leader epoch (KIP-320).
// v3: request: replicaId; -2 stands for any consumer (KIP-320).
// v4: flexible.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const OffsetForLeaderEpochRequest = message(
  'OffsetForLeaderEpochRequest',
  { versions: [2, 4], flexible: 4 },
  {
    replicaId: int32({ since: 3, fallback: -2, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ fallback: -1, ignorable: true }),
        leaderEpoch: int32(),
      }),
    }),
  },
);
export type OffsetForLeaderEpochRequest = Infer<typeof OffsetForLeaderEpochRequest.fields>;

export const OffsetForLeaderEpochResponse = message(
  'OffsetForLeaderEpochResponse',
  { versions: [2, 4], flexible: 4 },
  {
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ fallback: -1, ignorable: true }),
        endOffset: int64({ fallback: -1 }),
      }),
    }),
  },
);
export type OffsetForLeaderEpochResponse = Infer<typeof OffsetForLeaderEpochResponse.fields>;

export const OffsetForLeaderEpoch = api(
  23,
  'OffsetForLeaderEpoch',
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochResponse,
);
