// DescribeProducers: the producers that a partition knows (KIP-664).
// v0: flexible.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, int64, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeProducersRequest = message(
  'DescribeProducersRequest',
  { versions: [0, 0], flexible: 0 },
  {
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }),
  },
);
export type DescribeProducersRequest = Infer<typeof DescribeProducersRequest.fields>;

export const DescribeProducersResponse = message(
  'DescribeProducersResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ fallback: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ fallback: -1 }),
          lastTimestamp: int64({ fallback: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ fallback: -1 }),
        }),
      }),
    }),
  },
);
export type DescribeProducersResponse = Infer<typeof DescribeProducersResponse.fields>;

export const DescribeProducers = api(
  61,
  'DescribeProducers',
  DescribeProducersRequest,
  DescribeProducersResponse,
);
