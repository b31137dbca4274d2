// One Fetch request of many partitions of one leader, and its answer by partition.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { MemoryLease, type MemoryPool } from '../base/memory-pool.ts';
import {
  Fetch,
  type FetchResponse,
  type RequestInput,
  type SendOptions,
  type Transport,
} from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { byTopic } from './by-topic.ts';
import type { Cluster } from './cluster.ts';
import type { Isolation } from './list-offsets.ts';

/** A partition to be asked for. */
export interface FetchPart extends TopicPartition {
  readonly topicId: string;
  readonly offset: number;
  /** Leader epoch that the broker has to be in; -1: any. */
  readonly leaderEpoch: number;
}

export interface FetchLimits {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly partitionBytes: number;
  readonly isolation: Isolation;
}

export type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

export interface AnsweredPart<Part extends FetchPart> {
  readonly part: Part;
  readonly answer: PartitionAnswer;
  /** Brokers that the answer names. */
  readonly endpoints: FetchResponse['nodeEndpoints'];
}

/** How much longer than its own wait a broker may take to answer. */
const GRACE_MS = 30_000;

/**
 * Asks, and answers what came for each part, in the order of the answer, with the brokers that are named in it. Throws
 * KafkaError and ClientError.
 */
export async function fetchParts<Part extends FetchPart>(
  leader: Transport,
  parts: readonly Part[],
  limits: FetchLimits,
  options: SendOptions,
): Promise<AnsweredPart<Part>[]> {
  const request = requestOf(parts, limits);
  const timeoutMs = limits.maxWaitMs + GRACE_MS;
  const response = await leader.send(Fetch, request, { timeoutMs, ...options });
  if (response.errorCode !== ErrorCode.NONE) {
    const name = errorName(response.errorCode);
    throw new KafkaError(name, `fetch: ${name}`);
  }
  const byPlace = new Map<string, Part>();
  for (const part of parts) {
    // Topics come back by id or by name, as the version has it.
    byPlace.set(`${part.topicId}/${part.partition}`, part);
    byPlace.set(`:${part.topic}/${part.partition}`, part);
  }
  const endpoints = response.nodeEndpoints;
  return response.responses.flatMap(({ topic, topicId, partitions }) => {
    const name = topic === '' ? topicId : `:${topic}`;
    return partitions.flatMap((answer) => {
      const part = byPlace.get(`${name}/${answer.partitionIndex}`);
      return part === undefined ? [] : [{ part, answer, endpoints }];
    });
  });
}

/** Whether it is a refusal that tells of a new leader, which the cluster then knows (KIP-951). */
export function movesLeader(
  cluster: Cluster,
  { part, answer, endpoints }: AnsweredPart<FetchPart>,
): boolean {
  if (answer.errorCode === ErrorCode.NONE) return false;
  return cluster.learnLeader(part, { leader: answer.currentLeader, endpoints });
}

/** Of the memory that the answers of one request lie in; null when that is none of the pool's. */
export function leaseOf(
  memory: MemoryPool | undefined,
  answers: readonly { readonly answer: PartitionAnswer }[],
): MemoryLease | null {
  const filled = answers.find(({ answer }) => (answer.records?.length ?? 0) > 0);
  const records = filled?.answer.records ?? null;
  if (memory === undefined || records === null || !memory.lent(records)) return null;
  return new MemoryLease(memory, records);
}

function requestOf(parts: readonly FetchPart[], limits: FetchLimits): RequestInput<typeof Fetch> {
  const { maxWaitMs, minBytes, maxBytes, partitionBytes, isolation } = limits;
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: isolation === 'read_uncommitted' ? 0 : 1,
    topics: Array.from(byTopic(parts), ([topic, group]) => ({
      topic,
      topicId: group[0]?.topicId ?? '',
      partitions: group.map(({ partition, leaderEpoch, offset }) => ({
        partition,
        currentLeaderEpoch: leaderEpoch,
        fetchOffset: offset,
        partitionMaxBytes: partitionBytes,
      })),
    })),
  };
}
