// ListTransactions: the transactional ids that a broker coordinates (KIP-664).
// v0: flexible.
// v1: request: durationFilter; KIP-994.
// v2: request: transactionalIdPattern; KIP-1152.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, int64, nullableString, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ListTransactionsRequest = message(
  'ListTransactionsRequest',
  { versions: [0, 2], flexible: 0 },
  {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ since: 1, fallback: -1 }),
    transactionalIdPattern: nullableString({ since: 2, fallback: null }),
  },
);
export type ListTransactionsRequest = Infer<typeof ListTransactionsRequest.fields>;

export const ListTransactionsResponse = message(
  'ListTransactionsResponse',
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
);
export type ListTransactionsResponse = Infer<typeof ListTransactionsResponse.fields>;

export const ListTransactions = api(
  66,
  'ListTransactions',
  ListTransactionsRequest,
  ListTransactionsResponse,
);
