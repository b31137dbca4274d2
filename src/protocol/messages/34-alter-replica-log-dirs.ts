// AlterReplicaLogDirs: move replicas between the log directories of a broker.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: flexible.

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const AlterReplicaLogDirsRequest = message(
  'AlterReplicaLogDirsRequest',
  { versions: [1, 2], flexible: 2 },
  {
    dirs: array({
      path: string(),
      topics: array({
        name: string(),
        partitions: array(int32()),
      }),
    }),
  },
);
export type AlterReplicaLogDirsRequest = Infer<typeof AlterReplicaLogDirsRequest.fields>;

export const AlterReplicaLogDirsResponse = message(
  'AlterReplicaLogDirsResponse',
  { versions: [1, 2], flexible: 2 },
  {
    throttleTimeMs: int32(),
    results: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
);
export type AlterReplicaLogDirsResponse = Infer<typeof AlterReplicaLogDirsResponse.fields>;

export const AlterReplicaLogDirs = api(
  34,
  'AlterReplicaLogDirs',
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
);
