// DeleteTopics: delete topics by name or id.
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: may answer TOPIC_DELETION_DISABLED (KIP-322).
// v4: flexible.
// v5: response: errorMessage; may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
// v6: request: topics, no topicNames; response: topicId; topics by id (KIP-516).

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, nullableString, string, uuid } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DeleteTopicsRequest = message(
  'DeleteTopicsRequest',
  { versions: [1, 6], flexible: 4 },
  {
    topics: array(
      {
        name: nullableString({ fallback: null }),
        topicId: uuid(),
      },
      { since: 6 },
    ),
    topicNames: array(string(), { until: 5, ignorable: true }),
    timeoutMs: int32(),
  },
);
export type DeleteTopicsRequest = Infer<typeof DeleteTopicsRequest.fields>;

export const DeleteTopicsResponse = message(
  'DeleteTopicsResponse',
  { versions: [1, 6], flexible: 4 },
  {
    throttleTimeMs: int32({ ignorable: true }),
    responses: array({
      name: nullableString({ nullableSince: 6 }),
      topicId: uuid({ since: 6, ignorable: true }),
      errorCode: int16(),
      errorMessage: nullableString({ since: 5, fallback: null, ignorable: true }),
    }),
  },
);
export type DeleteTopicsResponse = Infer<typeof DeleteTopicsResponse.fields>;

export const DeleteTopics = api(20, 'DeleteTopics', DeleteTopicsRequest, DeleteTopicsResponse);
