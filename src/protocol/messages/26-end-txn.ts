// EndTxn: commit or abort a transaction.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: may answer PRODUCER_FENCED (KIP-588).
// v3: flexible.
// v4: may answer TRANSACTION_ABORTABLE (KIP-890).
// v5: response: producerId, producerEpoch; every transaction bumps the epoch (KIP-890).

import { api } from '../schema/api.ts';
import { bool, type Infer, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const EndTxnRequest = message(
  'EndTxnRequest',
  { versions: [0, 5], flexible: 3 },
  {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
);
export type EndTxnRequest = Infer<typeof EndTxnRequest.fields>;

export const EndTxnResponse = message(
  'EndTxnResponse',
  { versions: [0, 5], flexible: 3 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ since: 5, fallback: -1, ignorable: true }),
    producerEpoch: int16({ since: 5, fallback: -1, ignorable: true }),
  },
);
export type EndTxnResponse = Infer<typeof EndTxnResponse.fields>;

export const EndTxn = api(26, 'EndTxn', EndTxnRequest, EndTxnResponse);
