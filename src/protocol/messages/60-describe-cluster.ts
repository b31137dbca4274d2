// DescribeCluster: cluster id, controller and brokers (KIP-700).
// v0: flexible.
// v1: request: endpointType; response: endpointType; KIP-919.
// v2: request: includeFencedBrokers; response: isFenced; KIP-1073.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int8,
  int16,
  int32,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeClusterRequest = message(
  'DescribeClusterRequest',
  { versions: [0, 2], flexible: 0 },
  {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ since: 1, fallback: 1 }),
    includeFencedBrokers: bool({ since: 2 }),
  },
);
export type DescribeClusterRequest = Infer<typeof DescribeClusterRequest.fields>;

export const DescribeClusterResponse = message(
  'DescribeClusterResponse',
  { versions: [0, 2], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ fallback: null }),
    endpointType: int8({ since: 1, fallback: 1 }),
    clusterId: string(),
    controllerId: int32({ fallback: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ fallback: null }),
      isFenced: bool({ since: 2 }),
    }),
    clusterAuthorizedOperations: int32({ fallback: -0x80000000 }),
  },
);
export type DescribeClusterResponse = Infer<typeof DescribeClusterResponse.fields>;

export const DescribeCluster = api(
  60,
  'DescribeCluster',
  DescribeClusterRequest,
  DescribeClusterResponse,
);
