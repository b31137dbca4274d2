// DescribeTransactions: the state of transactional ids (KIP-664).
// v0: flexible.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeTransactionsRequest = message(
  'DescribeTransactionsRequest',
  { versions: [0, 0], flexible: 0 },
  {
    transactionalIds: array(string()),
  },
);
export type DescribeTransactionsRequest = Infer<typeof DescribeTransactionsRequest.fields>;

export const DescribeTransactionsResponse = message(
  'DescribeTransactionsResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({
        topic: string(),
        partitions: array(int32()),
      }),
    }),
  },
);
export type DescribeTransactionsResponse = Infer<typeof DescribeTransactionsResponse.fields>;

export const DescribeTransactions = api(
  65,
  'DescribeTransactions',
  DescribeTransactionsRequest,
  DescribeTransactionsResponse,
);
