// Metadata: brokers, topics and partition leaders; may create topics that are asked for by name.
// v0: no topics means all topics.
// v1: response: rack, controllerId, isInternal; null means all topics, an empty list none.
// v2: response: clusterId.
// v3: response: throttleTimeMs.
// v4: request: allowAutoTopicCreation.
// v5: response: offlineReplicas.
// v6: the client, not the broker, waits out throttling (KIP-219).
// v7: response: leaderEpoch.
// v8: request: includeClusterAuthorizedOperations, includeTopicAuthorizedOperations; response:
//   topicAuthorizedOperations, clusterAuthorizedOperations; KIP-430.
// v9: flexible.
// v10: request: topicId; response: topicId.
// v11: request: no includeClusterAuthorizedOperations; response: no clusterAuthorizedOperations.
// v12: topics by id (KIP-516).
// v13: response: errorCode; KIP-1102.

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
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const MetadataRequest = message(
  'MetadataRequest',
  { versions: [0, 13], flexible: 9 },
  {
    topics: nullableArray(
      {
        topicId: uuid({ since: 10, ignorable: true }),
        name: nullableString({ nullableSince: 10 }),
      },
      { nullableSince: 1 },
    ),
    allowAutoTopicCreation: bool({ since: 4, fallback: true }),
    includeClusterAuthorizedOperations: bool({ since: 8, until: 10 }),
    includeTopicAuthorizedOperations: bool({ since: 8 }),
  },
);
export type MetadataRequest = Infer<typeof MetadataRequest.fields>;

export const MetadataResponse = message(
  'MetadataResponse',
  { versions: [0, 13], flexible: 9 },
  {
    throttleTimeMs: int32({ since: 3, ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ since: 1, fallback: null, ignorable: true }),
    }),
    clusterId: nullableString({ since: 2, fallback: null, ignorable: true }),
    controllerId: int32({ since: 1, fallback: -1, ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: nullableString({ nullableSince: 12 }),
      topicId: uuid({ since: 10, ignorable: true }),
      isInternal: bool({ since: 1, fallback: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ since: 7, fallback: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { since: 5, ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ since: 8, fallback: -0x80000000 }),
    }),
    clusterAuthorizedOperations: int32({ since: 8, until: 10, fallback: -0x80000000 }),
    errorCode: int16({ since: 13, ignorable: true }),
  },
);
export type MetadataResponse = Infer<typeof MetadataResponse.fields>;

export const Metadata = api(3, 'Metadata', MetadataRequest, MetadataResponse);
