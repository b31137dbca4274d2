// DescribeQuorum: leader and voters of the metadata quorum (KIP-595).
// v0: flexible.
// v1: response: lastFetchTimestamp, lastCaughtUpTimestamp; KIP-836.
// v2: response: errorMessage, replicaDirectoryId, nodes; KIP-853.

import { api } from '../schema/api.ts';
import {
  array,
  type Infer,
  int16,
  int32,
  int64,
  nullableString,
  string,
  uint16,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid({ since: 2 }),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ since: 1, fallback: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64({ since: 1, fallback: -1, ignorable: true }),
} as const;

export const DescribeQuorumRequest = message(
  'DescribeQuorumRequest',
  { versions: [0, 2], flexible: 0 },
  {
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
);
export type DescribeQuorumRequest = Infer<typeof DescribeQuorumRequest.fields>;

export const DescribeQuorumResponse = message(
  'DescribeQuorumResponse',
  { versions: [0, 2], flexible: 0 },
  {
    errorCode: int16(),
    errorMessage: nullableString({ since: 2, ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ since: 2, ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array(
      {
        nodeId: int32(),
        listeners: array({
          name: string(),
          host: string(),
          port: uint16(),
        }),
      },
      { since: 2 },
    ),
  },
);
export type DescribeQuorumResponse = Infer<typeof DescribeQuorumResponse.fields>;

export const DescribeQuorum = api(
  55,
  'DescribeQuorum',
  DescribeQuorumRequest,
  DescribeQuorumResponse,
);
