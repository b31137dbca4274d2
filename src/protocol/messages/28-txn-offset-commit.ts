// TxnOffsetCommit: store group positions that take effect when the transaction commits.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: request: committedLeaderEpoch; KIP-320.
// v3: request: generationId, memberId, groupInstanceId; flexible; fencing by group membership
//   (KIP-447).
// v4: may answer TRANSACTION_ABORTABLE (KIP-890).
// v5: adds the offsets to the transaction by itself (KIP-890).

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, int64, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const TxnOffsetCommitRequest = message(
  'TxnOffsetCommitRequest',
  { versions: [0, 5], flexible: 3 },
  {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ since: 3, fallback: -1 }),
    memberId: string({ since: 3, fallback: '' }),
    groupInstanceId: nullableString({ since: 3, fallback: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 2, fallback: -1, ignorable: true }),
        committedMetadata: nullableString(),
      }),
    }),
  },
);
export type TxnOffsetCommitRequest = Infer<typeof TxnOffsetCommitRequest.fields>;

export const TxnOffsetCommitResponse = message(
  'TxnOffsetCommitResponse',
  { versions: [0, 5], flexible: 3 },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
);
export type TxnOffsetCommitResponse = Infer<typeof TxnOffsetCommitResponse.fields>;

export const TxnOffsetCommit = api(
  28,
  'TxnOffsetCommit',
  TxnOffsetCommitRequest,
  TxnOffsetCommitResponse,
);
