// ElectLeaders: trigger the election of partition leaders.
// v1: request: electionType; response: errorCode; unclean elections (KIP-460).
// v2: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  type Infer,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ElectLeadersRequest = message(
  'ElectLeadersRequest',
  { versions: [0, 2], flexible: 2 },
  {
    electionType: int8({ since: 1 }),
    topicPartitions: nullableArray({
      topic: string(),
      partitions: array(int32()),
    }),
    timeoutMs: int32({ fallback: 60000 }),
  },
);
export type ElectLeadersRequest = Infer<typeof ElectLeadersRequest.fields>;

export const ElectLeadersResponse = message(
  'ElectLeadersResponse',
  { versions: [0, 2], flexible: 2 },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 1 }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      }),
    }),
  },
);
export type ElectLeadersResponse = Infer<typeof ElectLeadersResponse.fields>;

export const ElectLeaders = api(43, 'ElectLeaders', ElectLeadersRequest, ElectLeadersResponse);
