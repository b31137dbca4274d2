// Leaders, replicas, producers and the quorum: what keeps partitions where they are.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import {
  AlterPartitionReassignments,
  DescribeProducers,
  DescribeQuorum,
  ElectLeaders,
  ListPartitionReassignments,
  type Transport,
} from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { partitionsByTopic } from './by-topic.ts';
import { type Cluster, throwIfError } from './cluster.ts';

const TIMEOUT_MS = 30_000;
/** Kafka's controllers have no log of their own but this one. */
const METADATA_TOPIC = '__cluster_metadata';

/** What became of one partition. */
export interface PartitionOutcome extends TopicPartition {
  readonly error: KafkaError | null;
}

/**
 * Asks for elections: of the preferred leader, or of any replica although records may be lost (`unclean`). Partitions
 * that need none are left out of the answer. On Tidemark, an election reopens partitions that a failing disk closed.
 * Throws KafkaError.
 */
export async function electLeaders(
  cluster: Cluster,
  which: readonly TopicPartition[] | null,
  type: 'preferred' | 'unclean' = 'preferred',
): Promise<PartitionOutcome[]> {
  const topicPartitions = which === null ? null : partitionsByTopic(which);
  return cluster.retry(async () => {
    const controller = await cluster.controller();
    const response = await controller.send(
      ElectLeaders,
      { electionType: type === 'preferred' ? 0 : 1, topicPartitions, timeoutMs: TIMEOUT_MS },
      { timeoutMs: TIMEOUT_MS + 5_000 },
    );
    checkController(cluster, response.errorCode, null);
    const outcomes: PartitionOutcome[] = [];
    for (const { topic, partitionResult } of response.replicaElectionResults) {
      cluster.forget(topic);
      for (const { partitionId, errorCode, errorMessage } of partitionResult) {
        if (errorCode === ErrorCode.ELECTION_NOT_NEEDED) continue;
        outcomes.push(outcome(topic, partitionId, errorCode, errorMessage));
      }
    }
    return outcomes;
  });
}

/** Replicas of a partition while they move. */
export interface Reassignment extends TopicPartition {
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

/** Reassignments under way, of all partitions or those named. Throws KafkaError. */
export async function listReassignments(
  cluster: Cluster,
  which: readonly TopicPartition[] | null = null,
): Promise<Reassignment[]> {
  const topics =
    which === null
      ? null
      : partitionsByTopic(which).map(({ topic, partitions }) => ({
          name: topic,
          partitionIndexes: partitions,
        }));
  return cluster.retry(async () => {
    const controller = await cluster.controller();
    const response = await controller.send(ListPartitionReassignments, {
      timeoutMs: TIMEOUT_MS,
      topics,
    });
    checkController(cluster, response.errorCode, response.errorMessage);
    return response.topics.flatMap(({ name, partitions }) =>
      partitions.map((one) => ({
        topic: name,
        partition: one.partitionIndex,
        replicas: one.replicas,
        adding: one.addingReplicas,
        removing: one.removingReplicas,
      })),
    );
  });
}

/** A partition and the brokers that shall have it, the preferred leader first; null: stop moving it. */
export interface NewReplicas extends TopicPartition {
  readonly replicas: readonly number[] | null;
}

/** Begins, changes or stops reassignments; each partition has an outcome. Throws KafkaError. */
export async function alterReassignments(
  cluster: Cluster,
  changes: readonly NewReplicas[],
): Promise<PartitionOutcome[]> {
  const topics = [...new Set(changes.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: changes
      .filter(({ topic }) => topic === name)
      .map(({ partition, replicas }) => ({
        partitionIndex: partition,
        replicas: replicas === null ? null : [...replicas],
      })),
  }));
  return cluster.retry(async () => {
    const controller = await cluster.controller();
    const response = await controller.send(
      AlterPartitionReassignments,
      { timeoutMs: TIMEOUT_MS, topics },
      { timeoutMs: TIMEOUT_MS + 5_000 },
    );
    checkController(cluster, response.errorCode, response.errorMessage);
    return response.responses.flatMap(({ name, partitions }) =>
      partitions.map((one) => outcome(name, one.partitionIndex, one.errorCode, one.errorMessage)),
    );
  });
}

/** A producer that the leader of a partition remembers. -1 where there is none. */
export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  /** Milliseconds since the epoch. */
  readonly lastTimestamp: number;
  /** Where its open transaction begins. */
  readonly transactionStartOffset: number;
}

/** Producers with state in a partition. Throws KafkaError. */
export async function describeProducers(
  cluster: Cluster,
  place: TopicPartition,
): Promise<ActiveProducer[]> {
  const { topic, partition } = place;
  const ask = async (leader: Transport): Promise<ActiveProducer[]> => {
    const topics = [{ name: topic, partitionIndexes: [partition] }];
    const response = await leader.send(DescribeProducers, { topics });
    const answer = response.topics[0]?.partitions[0];
    throwIfError(answer?.errorCode ?? 0, `${topic}-${partition}`, answer?.errorMessage);
    return (answer?.activeProducers ?? []).map((one) => ({
      producerId: one.producerId,
      producerEpoch: one.producerEpoch,
      lastSequence: one.lastSequence,
      lastTimestamp: one.lastTimestamp,
      transactionStartOffset: one.currentTxnStartOffset,
    }));
  };
  return cluster.retry(() => cluster.askLeader(place, ask));
}

/** A voter or an observer of the controllers' log; times in milliseconds since the epoch, -1 when not told. */
export interface QuorumReplica {
  readonly nodeId: number;
  readonly logEndOffset: number;
  readonly lastFetchTimestamp: number;
  readonly lastCaughtUpTimestamp: number;
}

export interface Quorum {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumReplica[];
  readonly observers: readonly QuorumReplica[];
}

/** The controllers. Throws KafkaError. */
export async function describeQuorum(cluster: Cluster): Promise<Quorum> {
  return cluster.retry(async () => {
    const topics = [{ topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] }];
    const response = await cluster.askAny((broker) => broker.send(DescribeQuorum, { topics }));
    throwIfError(response.errorCode, 'quorum', response.errorMessage);
    const answer = response.topics[0]?.partitions[0];
    if (answer === undefined) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'no quorum was told');
    throwIfError(answer.errorCode, 'quorum', answer.errorMessage);
    const { leaderId, leaderEpoch, highWatermark, currentVoters, observers } = answer;
    const replicas = (all: typeof currentVoters): QuorumReplica[] =>
      all.map((one) => ({
        nodeId: one.replicaId,
        logEndOffset: one.logEndOffset,
        lastFetchTimestamp: one.lastFetchTimestamp,
        lastCaughtUpTimestamp: one.lastCaughtUpTimestamp,
      }));
    const [voters, others] = [replicas(currentVoters), replicas(observers)];
    return { leaderId, leaderEpoch, highWatermark, voters, observers: others };
  });
}

function checkController(cluster: Cluster, code: number, message: string | null): void {
  if (code === ErrorCode.NOT_CONTROLLER) cluster.forgetController();
  throwIfError(code, 'controller', message);
}

function outcome(
  topic: string,
  partition: number,
  code: number,
  message: string | null,
): PartitionOutcome {
  const name = errorName(code);
  const text = `${topic}-${partition}: ${message ?? name}`;
  return { topic, partition, error: code === 0 ? null : new KafkaError(name, text) };
}
