// ListOffsets: the offset for a time, or for one of the special times below zero.
// v2: request: isolationLevel; response: throttleTimeMs; read_committed asks for the last stable
//   offset (KIP-98).
// v3: the client, not the broker, waits out throttling (KIP-219).
// v4: request: currentLeaderEpoch; response: leaderEpoch; fencing by leader epoch (KIP-320).
// v5: may answer OFFSET_NOT_AVAILABLE (KIP-207).
// v6: flexible.
// v7: -3 asks for the record with the greatest timestamp (KIP-734).
// v8: -4 asks for the earliest local offset (KIP-405).
// v9: -5 asks for the latest tiered offset (KIP-1005).
// v10: request: timeoutMs; KIP-1075.
// v11: -6 asks for the earliest offset whose upload is pending (KIP-1023).

import { api } from '../schema/api.ts';
import { array, type Infer, int8, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ListOffsetsRequest = message(
  'ListOffsetsRequest',
  { versions: [1, 11], flexible: 6 },
  {
    replicaId: int32(),
    isolationLevel: int8({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ since: 4, fallback: -1, ignorable: true }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ since: 10, ignorable: true }),
  },
);
export type ListOffsetsRequest = Infer<typeof ListOffsetsRequest.fields>;

export const ListOffsetsResponse = message(
  'ListOffsetsResponse',
  { versions: [1, 11], flexible: 6 },
  {
    throttleTimeMs: int32({ since: 2, ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ fallback: -1 }),
        offset: int64({ fallback: -1 }),
        leaderEpoch: int32({ since: 4, fallback: -1 }),
      }),
    }),
  },
);
export type ListOffsetsResponse = Infer<typeof ListOffsetsResponse.fields>;

export const ListOffsets = api(2, 'ListOffsets', ListOffsetsRequest, ListOffsetsResponse);
