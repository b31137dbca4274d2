// AlterPartitionReassignments: move partitions to other brokers, or cancel that (KIP-455).
// v0: flexible.
// v1: request: allowReplicationFactorChange; response: allowReplicationFactorChange; KIP-860.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const AlterPartitionReassignmentsRequest = message(
  'AlterPartitionReassignmentsRequest',
  { versions: [0, 1], flexible: 0 },
  {
    timeoutMs: int32({ fallback: 60000 }),
    allowReplicationFactorChange: bool({ since: 1, fallback: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: nullableArray(int32(), { fallback: null }),
      }),
    }),
  },
);
export type AlterPartitionReassignmentsRequest = Infer<
  typeof AlterPartitionReassignmentsRequest.fields
>;

export const AlterPartitionReassignmentsResponse = message(
  'AlterPartitionReassignmentsResponse',
  { versions: [0, 1], flexible: 0 },
  {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool({ since: 1, fallback: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: nullableString(),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      }),
    }),
  },
);
export type AlterPartitionReassignmentsResponse = Infer<
  typeof AlterPartitionReassignmentsResponse.fields
>;

export const AlterPartitionReassignments = api(
  45,
  'AlterPartitionReassignments',
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
);
