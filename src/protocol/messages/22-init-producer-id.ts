// InitProducerId: an id and epoch for an idempotent or transactional producer.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: flexible.
// v3: request: producerId, producerEpoch; an epoch can be bumped (KIP-360).
// v4: may answer PRODUCER_FENCED (KIP-588).
// v5: may answer TRANSACTION_ABORTABLE (KIP-890); v6 is not stable in Kafka 4.3.

import { api } from '../schema/api.ts';
import { type Infer, int16, int32, int64, nullableString } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const InitProducerIdRequest = message(
  'InitProducerIdRequest',
  { versions: [0, 5], flexible: 2 },
  {
    transactionalId: nullableString(),
    transactionTimeoutMs: int32(),
    producerId: int64({ since: 3, fallback: -1 }),
    producerEpoch: int16({ since: 3, fallback: -1 }),
  },
);
export type InitProducerIdRequest = Infer<typeof InitProducerIdRequest.fields>;

export const InitProducerIdResponse = message(
  'InitProducerIdResponse',
  { versions: [0, 5], flexible: 2 },
  {
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16(),
    producerId: int64({ fallback: -1 }),
    producerEpoch: int16(),
  },
);
export type InitProducerIdResponse = Infer<typeof InitProducerIdResponse.fields>;

export const InitProducerId = api(
  22,
  'InitProducerId',
  InitProducerIdRequest,
  InitProducerIdResponse,
);
