// AlterPartitionReassignments, versions 0 and 1 (v1 allowReplicationFactorChange).
//
// There is one replica on one node. To move a partition to where it is succeeds; to cancel a move,
// which never is under way, is NO_REASSIGNMENT_IN_PROGRESS; any other replica is
// INVALID_REPLICA_ASSIGNMENT.

import { KafkaError } from '../../base/kafka-errors.ts';
import {
  AlterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
} from '../../protocol/index.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';
import { checkReplicas } from '../topic-specs.ts';

type PartitionRequest = AlterPartitionReassignmentsRequest['topics'][number]['partitions'][number];

function check(services: Services, topic: string, asked: PartitionRequest): void {
  const { engine } = services;
  const { partitionIndex, replicas } = asked;
  if (engine.partition(topic, partitionIndex) === undefined) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no ${topic}-${partitionIndex}`);
  }
  if (replicas === null) {
    throw new KafkaError('NO_REASSIGNMENT_IN_PROGRESS', 'no reassignment is in progress');
  }
  checkReplicas(replicas, { nodeId: engine.nodeId, acceptReplicationFactor: false });
}

export function alterPartitionReassignmentsHandler(services: Services): Handler {
  return handler(AlterPartitionReassignments, {
    handle: (request) => ({
      throttleTimeMs: 0,
      allowReplicationFactorChange: request.allowReplicationFactorChange,
      errorCode: 0,
      errorMessage: null,
      responses: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((asked) => {
          const { partitionIndex } = asked;
          try {
            check(services, name, asked);
            return { partitionIndex, errorCode: 0, errorMessage: null };
          } catch (error) {
            const errorMessage = errorMessageOf(error);
            return { partitionIndex, errorCode: errorCodeOf(error), errorMessage };
          }
        }),
      })),
    }),
    refuse: (_request, error) => ({
      throttleTimeMs: 0,
      errorCode: error.errorCode,
      errorMessage: error.message,
      responses: [],
    }),
  });
}
