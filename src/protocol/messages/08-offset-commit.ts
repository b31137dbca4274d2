// OffsetCommit: store the positions of a consumer group.
// v3: response: throttleTimeMs.
// v4: the client, not the broker, waits out throttling (KIP-219).
// v5: request: no retentionTimeMs; retention is the broker's business (KIP-211).
// v6: request: committedLeaderEpoch; KIP-320.
// v7: request: groupInstanceId; static membership (KIP-345).
// v8: flexible.
// v9: members of the new protocol may commit (KIP-848).
// v10: request: no name, topicId; response: no name, topicId; topics by id (KIP-848).

import { api } from '../schema/api.ts';
import {
  array,
  type Infer,
  int16,
  int32,
  int64,
  nullableString,
  string,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const OffsetCommitRequest = message(
  'OffsetCommitRequest',
  { versions: [2, 10], flexible: 8 },
  {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ fallback: -1, ignorable: true }),
    memberId: string({ ignorable: true }),
    groupInstanceId: nullableString({ since: 7, fallback: null }),
    retentionTimeMs: int64({ until: 4, fallback: -1, ignorable: true }),
    topics: array({
      name: string({ until: 9, ignorable: true }),
      topicId: uuid({ since: 10, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 6, fallback: -1, ignorable: true }),
        committedMetadata: nullableString(),
      }),
    }),
  },
);
export type OffsetCommitRequest = Infer<typeof OffsetCommitRequest.fields>;

export const OffsetCommitResponse = message(
  'OffsetCommitResponse',
  { versions: [2, 10], flexible: 8 },
  {
    throttleTimeMs: int32({ since: 3, ignorable: true }),
    topics: array({
      name: string({ until: 9, ignorable: true }),
      topicId: uuid({ since: 10, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
);
export type OffsetCommitResponse = Infer<typeof OffsetCommitResponse.fields>;

export const OffsetCommit = api(8, 'OffsetCommit', OffsetCommitRequest, OffsetCommitResponse);
