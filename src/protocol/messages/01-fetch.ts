// Fetch: read record batches, waiting up to maxWaitMs for minBytes.
// v4: record batches v2 and isolation levels (KIP-98); the oldest that Kafka 4 accepts.
// v5: request: logStartOffset; response: logStartOffset; KIP-107.
// v7: request: sessionId, sessionEpoch, forgottenTopicsData; response: errorCode, sessionId;
//   incremental sessions (KIP-227).
// v8: the client, not the broker, waits out throttling (KIP-219).
// v9: request: currentLeaderEpoch; fencing by leader epoch (KIP-320).
// v10: zstd (KIP-110).
// v11: request: rackId; response: preferredReadReplica; follower fetching (KIP-392).
// v12: request: clusterId, lastFetchedEpoch; response: divergingEpoch, currentLeader, snapshotId;
//   flexible; divergence by epoch (KIP-595).
// v13: request: no topic, topicId; response: no topic, topicId; topics by id (KIP-516).
// v14: may answer OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405).
// v15: request: no replicaId, replicaState; KIP-903.
// v16: response: nodeEndpoints; the new leader comes with the error (KIP-951).
// v17: request: replicaDirectoryId; KIP-853.
// v18: request: highWatermark; KIP-1166.

import { api } from '../schema/api.ts';
import {
  array,
  type Infer,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  records,
  string,
  struct,
  tagged,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const FetchRequest = message(
  'FetchRequest',
  { versions: [4, 18], flexible: 12 },
  {
    clusterId: tagged(0, nullableString({ since: 12, fallback: null, ignorable: true })),
    replicaId: int32({ until: 14, fallback: -1 }),
    replicaState: tagged(
      1,
      struct(
        {
          replicaId: int32({ fallback: -1 }),
          replicaEpoch: int64({ fallback: -1 }),
        },
        { since: 15 },
      ),
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ fallback: 0x7fffffff, ignorable: true }),
    isolationLevel: int8({ fallback: 0, ignorable: true }),
    sessionId: int32({ since: 7, fallback: 0, ignorable: true }),
    sessionEpoch: int32({ since: 7, fallback: -1, ignorable: true }),
    topics: array({
      topic: string({ until: 12, ignorable: true }),
      topicId: uuid({ since: 13, ignorable: true }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, fallback: -1, ignorable: true }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ since: 12, fallback: -1 }),
        logStartOffset: int64({ since: 5, fallback: -1, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: tagged(0, uuid({ since: 17, ignorable: true })),
        highWatermark: tagged(
          1,
          int64({ since: 18, fallback: Number.MAX_SAFE_INTEGER, ignorable: true }),
        ),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ until: 12, ignorable: true }),
        topicId: uuid({ since: 13, ignorable: true }),
        partitions: array(int32()),
      },
      { since: 7 },
    ),
    rackId: string({ since: 11, fallback: '', ignorable: true }),
  },
);
export type FetchRequest = Infer<typeof FetchRequest.fields>;

export const FetchResponse = message(
  'FetchResponse',
  { versions: [4, 18], flexible: 12 },
  {
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16({ since: 7, ignorable: true }),
    sessionId: int32({ since: 7, fallback: 0 }),
    responses: array({
      topic: string({ until: 12, ignorable: true }),
      topicId: uuid({ since: 13, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ fallback: -1, ignorable: true }),
        logStartOffset: int64({ since: 5, fallback: -1, ignorable: true }),
        divergingEpoch: tagged(
          0,
          struct(
            {
              epoch: int32({ fallback: -1 }),
              endOffset: int64({ fallback: -1 }),
            },
            { since: 12 },
          ),
        ),
        currentLeader: tagged(
          1,
          struct(
            {
              leaderId: int32({ fallback: -1 }),
              leaderEpoch: int32({ fallback: -1 }),
            },
            { since: 12 },
          ),
        ),
        snapshotId: tagged(
          2,
          struct(
            {
              endOffset: int64({ fallback: -1 }),
              epoch: int32({ fallback: -1 }),
            },
            { since: 12 },
          ),
        ),
        abortedTransactions: nullableArray(
          {
            producerId: int64(),
            firstOffset: int64(),
          },
          { ignorable: true },
        ),
        preferredReadReplica: int32({ since: 11, fallback: -1 }),
        records: records(),
      }),
    }),
    nodeEndpoints: tagged(
      0,
      array(
        {
          nodeId: int32(),
          host: string(),
          port: int32(),
          rack: nullableString({ fallback: null }),
        },
        { since: 16 },
      ),
    ),
  },
);
export type FetchResponse = Infer<typeof FetchResponse.fields>;

export const Fetch = api(1, 'Fetch', FetchRequest, FetchResponse);
