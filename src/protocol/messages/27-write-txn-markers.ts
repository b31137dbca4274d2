// WriteTxnMarkers: put the end of a transaction into partitions.
// v1: flexible.
// v2: request: transactionVersion; KIP-1228.

import { api } from '../schema/api.ts';
import { array, bool, type Infer, int8, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const WriteTxnMarkersRequest = message(
  'WriteTxnMarkersRequest',
  { versions: [1, 2], flexible: 1 },
  {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ since: 2, fallback: 0, ignorable: true }),
    }),
  },
);
export type WriteTxnMarkersRequest = Infer<typeof WriteTxnMarkersRequest.fields>;

export const WriteTxnMarkersResponse = message(
  'WriteTxnMarkersResponse',
  { versions: [1, 2], flexible: 1 },
  {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
);
export type WriteTxnMarkersResponse = Infer<typeof WriteTxnMarkersResponse.fields>;

export const WriteTxnMarkers = api(
  27,
  'WriteTxnMarkers',
  WriteTxnMarkersRequest,
  WriteTxnMarkersResponse,
);
