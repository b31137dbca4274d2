// CreateTopics: create topics, or check whether they could be.
// v3: the client, not the broker, waits out throttling (KIP-219).
// v4: -1 asks for the default of partitions and replication factor (KIP-464).
// v5: response: topicConfigErrorCode, numPartitions, replicationFactor, configs; flexible;
//   configs come back (KIP-525).
// v6: may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
// v7: response: topicId; KIP-516.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
  tagged,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const CreateTopicsRequest = message(
  'CreateTopicsRequest',
  { versions: [2, 7], flexible: 5 },
  {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: nullableString(),
      }),
    }),
    timeoutMs: int32({ fallback: 60000 }),
    validateOnly: bool({ fallback: false }),
  },
);
export type CreateTopicsRequest = Infer<typeof CreateTopicsRequest.fields>;

export const CreateTopicsResponse = message(
  'CreateTopicsResponse',
  { versions: [2, 7], flexible: 5 },
  {
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7, ignorable: true }),
      errorCode: int16(),
      errorMessage: nullableString({ ignorable: true }),
      topicConfigErrorCode: tagged(0, int16({ since: 5, ignorable: true })),
      numPartitions: int32({ since: 5, fallback: -1, ignorable: true }),
      replicationFactor: int16({ since: 5, fallback: -1, ignorable: true }),
      configs: nullableArray(
        {
          name: string(),
          value: nullableString(),
          readOnly: bool(),
          configSource: int8({ fallback: -1, ignorable: true }),
          isSensitive: bool(),
        },
        { since: 5, ignorable: true },
      ),
    }),
  },
);
export type CreateTopicsResponse = Infer<typeof CreateTopicsResponse.fields>;

export const CreateTopics = api(19, 'CreateTopics', CreateTopicsRequest, CreateTopicsResponse);
