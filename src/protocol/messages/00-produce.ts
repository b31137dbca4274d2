// Produce: append record batches. Answered once per partition; not answered at all with acks 0.
// v3: record batches v2 and transactional ids (KIP-98); the oldest that Kafka 4 accepts.
// v4: may answer KAFKA_STORAGE_ERROR (KIP-112).
// v5: response: logStartOffset.
// v6: the client, not the broker, waits out throttling (KIP-219).
// v7: zstd (KIP-110).
// v8: response: recordErrors, errorMessage; errors of single records (KIP-467).
// v9: flexible.
// v10: response: currentLeader, nodeEndpoints; the new leader comes with the error (KIP-951).
// v11: may answer TRANSACTION_ABORTABLE (KIP-890).
// v12: adds the partition to the transaction by itself (KIP-890).
// v13: request: no name, topicId; response: no name, topicId; topics by id (KIP-516).

import { api } from '../schema/api.ts';
import {
  array,
  type Infer,
  int16,
  int32,
  int64,
  nullableString,
  records,
  string,
  struct,
  tagged,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ProduceRequest = message(
  'ProduceRequest',
  { versions: [3, 13], flexible: 9 },
  {
    transactionalId: nullableString({ fallback: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ until: 12, ignorable: true }),
      topicId: uuid({ since: 13, ignorable: true }),
      partitionData: array({
        index: int32(),
        records: records(),
      }),
    }),
  },
);
export type ProduceRequest = Infer<typeof ProduceRequest.fields>;

export const ProduceResponse = message(
  'ProduceResponse',
  { versions: [3, 13], flexible: 9 },
  {
    responses: array({
      name: string({ until: 12, ignorable: true }),
      topicId: uuid({ since: 13, ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ fallback: -1, ignorable: true }),
        logStartOffset: int64({ since: 5, fallback: -1, ignorable: true }),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: nullableString({ fallback: null }),
          },
          { since: 8, ignorable: true },
        ),
        errorMessage: nullableString({ since: 8, fallback: null, ignorable: true }),
        currentLeader: tagged(
          0,
          struct(
            {
              leaderId: int32({ fallback: -1 }),
              leaderEpoch: int32({ fallback: -1 }),
            },
            { since: 10 },
          ),
        ),
      }),
    }),
    throttleTimeMs: int32({ fallback: 0, ignorable: true }),
    nodeEndpoints: tagged(
      0,
      array(
        {
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: nullableString({ fallback: null }),
        },
        { since: 10 },
      ),
    ),
  },
);
export type ProduceResponse = Infer<typeof ProduceResponse.fields>;

export const Produce = api(0, 'Produce', ProduceRequest, ProduceResponse);
