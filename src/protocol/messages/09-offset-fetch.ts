// OffsetFetch: the stored positions of consumer groups.
// v2: response: errorCode; null asks for all topics.
// v3: response: throttleTimeMs.
// v4: the client, not the broker, waits out throttling (KIP-219).
// v5: response: committedLeaderEpoch; KIP-320.
// v6: flexible.
// v7: request: requireStable; positions of open transactions can be waited for (KIP-447).
// v8: request: no groupId, no topics, groups; response: no topics, no errorCode, groups; many
//   groups at once (KIP-709).
// v9: request: memberId, memberEpoch; members of the new protocol (KIP-848).
// v10: request: no name, topicId; response: no name, topicId; topics by id (KIP-848).

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  string,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const OffsetFetchRequest = message(
  'OffsetFetchRequest',
  { versions: [1, 10], flexible: 6 },
  {
    groupId: string({ until: 7 }),
    topics: nullableArray(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { until: 7, nullableSince: 2 },
    ),
    groups: array(
      {
        groupId: string(),
        memberId: nullableString({ since: 9, fallback: null, ignorable: true }),
        memberEpoch: int32({ since: 9, fallback: -1, ignorable: true }),
        topics: nullableArray({
          name: string({ until: 9, ignorable: true }),
          topicId: uuid({ since: 10, ignorable: true }),
          partitionIndexes: array(int32()),
        }),
      },
      { since: 8 },
    ),
    requireStable: bool({ since: 7, fallback: false }),
  },
);
export type OffsetFetchRequest = Infer<typeof OffsetFetchRequest.fields>;

export const OffsetFetchResponse = message(
  'OffsetFetchResponse',
  { versions: [1, 10], flexible: 6 },
  {
    throttleTimeMs: int32({ since: 3, ignorable: true }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, fallback: -1, ignorable: true }),
          metadata: nullableString(),
          errorCode: int16(),
        }),
      },
      { until: 7 },
    ),
    errorCode: int16({ since: 2, until: 7, fallback: 0, ignorable: true }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ until: 9, ignorable: true }),
          topicId: uuid({ since: 10, ignorable: true }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ fallback: -1, ignorable: true }),
            metadata: nullableString(),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ fallback: 0 }),
      },
      { since: 8 },
    ),
  },
);
export type OffsetFetchResponse = Infer<typeof OffsetFetchResponse.fields>;

export const OffsetFetch = api(9, 'OffsetFetch', OffsetFetchRequest, OffsetFetchResponse);
