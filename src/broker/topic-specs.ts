// What a request to create or grow a topic may ask for on a cluster of one node.

import { KafkaError } from '../base/kafka-errors.ts';

/** Kafka's controller makes no more for one request. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;

/** Throws POLICY_VIOLATION for a request that asks for so many new partitions in all. */
export function checkTotal(partitions: readonly number[]): void {
  const total = partitions.reduce((sum, count) => sum + Math.max(0, count), 0);
  if (total <= PARTITIONS_PER_REQUEST_MAX) return;
  const text = `at most ${PARTITIONS_PER_REQUEST_MAX} partitions are made for one request, not ${total}`;
  throw new KafkaError('POLICY_VIOLATION', text);
}

/** Partitions and brokers as a request gives them. */
export interface ReplicationSpec {
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly {
    readonly partitionIndex: number;
    readonly brokerIds: readonly number[];
  }[];
}

export interface ReplicationRules {
  readonly nodeId: number;
  /** Whether a factor above 1 is taken as 1, instead of refused. */
  readonly acceptReplicationFactor: boolean;
}

/**
 * Checks the replicas that a request names for one partition. Throws INVALID_REPLICA_ASSIGNMENT.
 */
export function checkReplicas(brokerIds: readonly number[], rules: ReplicationRules): void {
  if (brokerIds.length === 0) {
    const text = 'the manual partition assignment includes an empty replica list';
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', text);
  }
  const seen = new Set<number>();
  for (const id of brokerIds) {
    if (seen.has(id)) {
      const text = `the manual partition assignment includes the broker ${id} more than once`;
      throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', text);
    }
    seen.add(id);
    if (id !== rules.nodeId) {
      const text = `the manual partition assignment includes broker ${id}, which is not registered`;
      throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', text);
    }
  }
}

function checkAssignments(spec: ReplicationSpec, rules: ReplicationRules): number {
  if (spec.replicationFactor !== -1) {
    const text =
      'a manual partition assignment was given, but replication factor was not set to -1';
    throw new KafkaError('INVALID_REQUEST', text);
  }
  if (spec.numPartitions !== -1) {
    const text = 'a manual partition assignment was given, but numPartitions was not set to -1';
    throw new KafkaError('INVALID_REQUEST', text);
  }
  const indexes = new Set<number>();
  for (const { partitionIndex, brokerIds } of spec.assignments) {
    if (indexes.has(partitionIndex)) {
      const text = `found multiple manual partition assignments for partition ${partitionIndex}`;
      throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', text);
    }
    indexes.add(partitionIndex);
    checkReplicas(brokerIds, rules);
  }
  for (let index = 0; index < indexes.size; index++) {
    if (!indexes.has(index)) {
      const text = 'partitions should be a consecutive 0-based integer sequence';
      throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', text);
    }
  }
  return indexes.size;
}

/**
 * Checks partitions and replicas of a topic to be; answers the number of partitions, -1 for the
 * default. Throws what Kafka's controller throws on a cluster of one broker.
 */
export function checkReplication(spec: ReplicationSpec, rules: ReplicationRules): number {
  if (spec.assignments.length > 0) return checkAssignments(spec, rules);
  const { numPartitions, replicationFactor } = spec;
  if (replicationFactor < -1 || replicationFactor === 0) {
    const text = 'replication factor must be larger than 0, or -1 to use the default value';
    throw new KafkaError('INVALID_REPLICATION_FACTOR', text);
  }
  if (numPartitions < -1 || numPartitions === 0) {
    const text = 'the number of partitions must be larger than 0, or -1 to use the default value';
    throw new KafkaError('INVALID_PARTITIONS', text);
  }
  if (replicationFactor > 1 && !rules.acceptReplicationFactor) {
    const text =
      `unable to replicate the partition ${replicationFactor} times: only 1 broker is registered ` +
      '(--accept-replication-factor takes it as 1)';
    throw new KafkaError('INVALID_REPLICATION_FACTOR', text);
  }
  return numPartitions;
}
