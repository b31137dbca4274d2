// DeleteRecords: drop what lies before an offset.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: flexible.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DeleteRecordsRequest = message(
  'DeleteRecordsRequest',
  { versions: [0, 2], flexible: 2 },
  {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  },
);
export type DeleteRecordsRequest = Infer<typeof DeleteRecordsRequest.fields>;

export const DeleteRecordsResponse = message(
  'DeleteRecordsResponse',
  { versions: [0, 2], flexible: 2 },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
);
export type DeleteRecordsResponse = Infer<typeof DeleteRecordsResponse.fields>;

export const DeleteRecords = api(21, 'DeleteRecords', DeleteRecordsRequest, DeleteRecordsResponse);
