// ListPartitionReassignments: moves that are under way (KIP-455).
// v0: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  type Infer,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ListPartitionReassignmentsRequest = message(
  'ListPartitionReassignmentsRequest',
  { versions: [0, 0], flexible: 0 },
  {
    timeoutMs: int32({ fallback: 60000 }),
    topics: nullableArray(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { fallback: null },
    ),
  },
);
export type ListPartitionReassignmentsRequest = Infer<
  typeof ListPartitionReassignmentsRequest.fields
>;

export const ListPartitionReassignmentsResponse = message(
  'ListPartitionReassignmentsResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  },
);
export type ListPartitionReassignmentsResponse = Infer<
  typeof ListPartitionReassignmentsResponse.fields
>;

export const ListPartitionReassignments = api(
  46,
  'ListPartitionReassignments',
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
);
