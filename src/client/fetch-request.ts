// A Fetch request of many partitions of one leader, and its answer by partition.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { MemoryLease, type MemoryPool } from '../base/memory-pool.ts';
import { atMost } from '../base/pause.ts';
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
import type { FetchSession, SessionRequest } from './fetch-session.ts';
import type { Isolation } from './list-offsets.ts';
import type { Node } from './network.ts';

/** A partition to be asked for. */
export interface FetchPart extends TopicPartition {
  readonly topicId: string;
  readonly offset: number;
  /** Leader epoch that the broker has to be in; -1: any. */
  readonly leaderEpoch: number;
  /** An answer is wanted even if nothing is there. */
  readonly unheard: boolean;
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

const NOTHING: FetchLimits = {
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 0,
  partitionBytes: 0,
  isolation: 'read_uncommitted',
};
/** Longest wait for brokers to hear that a session is over. */
const END_SESSIONS_MS = 500;
/** How much longer than its own wait a broker may take to answer. */
const GRACE_MS = 30_000;

/**
 * Asks, and answers what came for each part, in the order of the answer, with the brokers that are named in it. In a
 * session, nothing comes for a part that has nothing new. Throws KafkaError and ClientError.
 */
export async function fetchParts<Part extends FetchPart>(
  { leader, session }: { readonly leader: Transport; readonly session: FetchSession<Part> },
  parts: readonly Part[],
  limits: FetchLimits,
  options: SendOptions,
): Promise<AnsweredPart<Part>[]> {
  const how = { timeoutMs: limits.maxWaitMs + GRACE_MS, ...options };
  for (let attempt = 1; ; attempt++) {
    const request = requestOf(session.request(parts), limits);
    let response: FetchResponse;
    try {
      response = await leader.send(Fetch, request, how);
    } catch (error) {
      session.lost();
      throw error;
    }
    const { errorCode, sessionId } = response;
    if (session.answered(errorCode, sessionId) && attempt === 1) continue;
    if (errorCode !== ErrorCode.NONE) {
      const name = errorName(errorCode);
      throw new KafkaError(name, `fetch: ${name}`);
    }
    const endpoints = response.nodeEndpoints;
    return response.responses.flatMap(({ topic, topicId, partitions }) =>
      partitions.flatMap((answer) => {
        const part = session.partOf(topic, topicId, answer.partitionIndex);
        return part === undefined ? [] : [{ part, answer, endpoints }];
      }),
    );
  }
}

/** Tells brokers that sessions are over; waits for that, if not for long. Never rejects. */
export async function endSessions(
  cluster: Cluster,
  sessions: readonly { readonly node: Node; readonly session: SessionRequest<FetchPart> }[],
): Promise<void> {
  const told = sessions.map(async ({ node, session }) => {
    await cluster.to(node).send(Fetch, requestOf(session, NOTHING));
  });
  await atMost(cluster.clock, END_SESSIONS_MS, Promise.allSettled(told));
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

function requestOf(
  { sessionId, sessionEpoch, changed, forgotten }: SessionRequest<FetchPart>,
  limits: FetchLimits,
): RequestInput<typeof Fetch> {
  const { maxWaitMs, minBytes, maxBytes, partitionBytes, isolation } = limits;
  return {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: isolation === 'read_uncommitted' ? 0 : 1,
    sessionId,
    sessionEpoch,
    topics: Array.from(byTopic(changed), ([topic, group]) => ({
      topic,
      topicId: group[0]?.topicId ?? '',
      partitions: group.map(({ partition, leaderEpoch, offset }) => ({
        partition,
        currentLeaderEpoch: leaderEpoch,
        fetchOffset: offset,
        partitionMaxBytes: partitionBytes,
      })),
    })),
    forgottenTopicsData: forgotten.map(({ topic, topicId, partition }) => ({
      topic,
      topicId,
      partitions: [partition],
    })),
  };
}
