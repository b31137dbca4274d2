// AddPartitionsToTxn: make partitions part of a transaction.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: may answer PRODUCER_FENCED (KIP-588).
// v3: flexible.
// v4: request: transactions, no v3AndBelowTransactionalId, no v3AndBelowProducerId, no
//   v3AndBelowProducerEpoch, no v3AndBelowTopics; response: errorCode, resultsByTransaction, no
//   resultsByTopicV3AndBelow; many transactions at once, for brokers only (KIP-890).
// v5: may answer TRANSACTION_ABORTABLE (KIP-890).

import { api } from '../schema/api.ts';
import { array, bool, type Infer, int16, int32, int64, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

const addPartitionsToTxnTopic = {
  name: string(),
  partitions: array(int32()),
} as const;

const addPartitionsToTxnPartitionResult = {
  partitionIndex: int32(),
  partitionErrorCode: int16(),
} as const;

const addPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
} as const;

export const AddPartitionsToTxnRequest = message(
  'AddPartitionsToTxnRequest',
  { versions: [0, 5], flexible: 3 },
  {
    transactions: array(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: bool({ fallback: false }),
        topics: array(addPartitionsToTxnTopic),
      },
      { since: 4 },
    ),
    v3AndBelowTransactionalId: string({ until: 3 }),
    v3AndBelowProducerId: int64({ until: 3 }),
    v3AndBelowProducerEpoch: int16({ until: 3 }),
    v3AndBelowTopics: array(addPartitionsToTxnTopic, { until: 3 }),
  },
);
export type AddPartitionsToTxnRequest = Infer<typeof AddPartitionsToTxnRequest.fields>;

export const AddPartitionsToTxnResponse = message(
  'AddPartitionsToTxnResponse',
  { versions: [0, 5], flexible: 3 },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 4, ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string(),
        topicResults: array(addPartitionsToTxnTopicResult),
      },
      { since: 4 },
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult, { until: 3 }),
  },
);
export type AddPartitionsToTxnResponse = Infer<typeof AddPartitionsToTxnResponse.fields>;

export const AddPartitionsToTxn = api(
  24,
  'AddPartitionsToTxn',
  AddPartitionsToTxnRequest,
  AddPartitionsToTxnResponse,
);
