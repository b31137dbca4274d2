// AddOffsetsToTxn: make the offsets of a group part of a transaction.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: may answer PRODUCER_FENCED (KIP-588).
// v3: flexible.
// v4: may answer TRANSACTION_ABORTABLE (KIP-890).

import { api } from '../schema/api.ts';
import { type Infer, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const AddOffsetsToTxnRequest = message(
  'AddOffsetsToTxnRequest',
  { versions: [0, 4], flexible: 3 },
  {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
);
export type AddOffsetsToTxnRequest = Infer<typeof AddOffsetsToTxnRequest.fields>;

export const AddOffsetsToTxnResponse = message(
  'AddOffsetsToTxnResponse',
  { versions: [0, 4], flexible: 3 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
);
export type AddOffsetsToTxnResponse = Infer<typeof AddOffsetsToTxnResponse.fields>;

export const AddOffsetsToTxn = api(
  25,
  'AddOffsetsToTxn',
  AddOffsetsToTxnRequest,
  AddOffsetsToTxnResponse,
);
