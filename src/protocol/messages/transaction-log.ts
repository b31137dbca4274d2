// Records of `__transaction_state`, each behind an int16 version (see decodeVersioned).
// Value v1: flexible, with the fields of transactions v2 (KIP-890).

import {
  array,
  type Infer,
  int8,
  int16,
  int32,
  int64,
  NEVER,
  nullableArray,
  string,
  tagged,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const TransactionLogKey = message(
  'TransactionLogKey',
  { versions: [0, 0], flexible: NEVER },
  {
    transactionalId: string(),
  },
);
export type TransactionLogKey = Infer<typeof TransactionLogKey.fields>;

export const TransactionLogValue = message(
  'TransactionLogValue',
  { versions: [0, 1], flexible: 1 },
  {
    producerId: int64(),
    previousProducerId: tagged(0, int64({ since: 1, fallback: -1 })),
    nextProducerId: tagged(1, int64({ since: 1, fallback: -1 })),
    producerEpoch: int16(),
    nextProducerEpoch: tagged(3, int16({ since: 1, fallback: -1 })),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: nullableArray({
      topic: string(),
      partitionIds: array(int32()),
    }),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: tagged(2, int16({ since: 1, fallback: 0 })),
  },
);
export type TransactionLogValue = Infer<typeof TransactionLogValue.fields>;
