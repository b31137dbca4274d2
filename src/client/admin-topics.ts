// Topics: create, delete, grow, delete records.

import { errorName, KafkaError } from '../base/kafka-errors.ts';
import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  ZERO_UUID,
} from '../protocol/index.ts';
import { type Cluster, throwIfError } from './cluster.ts';

export interface NewTopic {
  readonly name: string;
  /** Default -1: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** Default -1: the broker's `default.replication.factor`. */
  readonly replicationFactor?: number;
  /** By Kafka's names. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
}

export interface AdminOptions {
  /** Only checks, changes nothing. */
  readonly validateOnly?: boolean;
  /** How long the broker may take, in ms. Default 30 000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

/** What became of one of several. */
export interface Outcome {
  readonly name: string;
  readonly error: KafkaError | null;
}

/** A topic as the broker made it; -1 where an old broker does not tell. */
export interface CreatedTopic extends Outcome {
  readonly id: string;
  readonly partitions: number;
  readonly replicationFactor: number;
}

function errorOf(code: number, what: string, message: string | null): KafkaError | null {
  if (code === 0) return null;
  const name = errorName(code);
  return new KafkaError(name, `${what}: ${message ?? name}`);
}

/** Tries again when the broker asked is not the controller. */
function withController<T>(
  cluster: Cluster,
  attempt: (to: Awaited<ReturnType<Cluster['controller']>>) => Promise<T>,
  codesOf: (response: T) => readonly number[],
): Promise<T> {
  return cluster.retry(async () => {
    const response = await attempt(await cluster.controller());
    const stale = codesOf(response).find((code) => errorName(code) === 'NOT_CONTROLLER');
    if (stale !== undefined) {
      cluster.forgetController();
      throwIfError(stale, 'controller');
    }
    return response;
  });
}

/** Makes topics, each on its own: look at every outcome. Throws only when nothing could be asked. */
export async function createTopics(
  cluster: Cluster,
  topics: readonly NewTopic[],
  options: AdminOptions = {},
): Promise<CreatedTopic[]> {
  const { validateOnly = false, timeoutMs = TIMEOUT_MS } = options;
  const request = {
    topics: topics.map(({ name, partitions = -1, replicationFactor = -1, configs = {} }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
    })),
    timeoutMs,
    validateOnly,
  };
  const response = await withController(
    cluster,
    (to) => to.send(CreateTopics, request, { timeoutMs: timeoutMs + 5_000 }),
    (answer) => answer.topics.map((topic) => topic.errorCode),
  );
  return response.topics.map((topic) => ({
    name: topic.name,
    id: topic.topicId,
    partitions: topic.numPartitions,
    replicationFactor: topic.replicationFactor,
    error: errorOf(topic.errorCode, `topic '${topic.name}'`, topic.errorMessage),
  }));
}

/** Deletes topics by name, each on its own. */
export async function deleteTopics(
  cluster: Cluster,
  names: readonly string[],
  options: AdminOptions = {},
): Promise<Outcome[]> {
  const { timeoutMs = TIMEOUT_MS } = options;
  const response = await withController(
    cluster,
    async (to) => {
      const range = await to.versions(DeleteTopics);
      const byEither = (range?.[1] ?? 0) >= 6;
      const which = byEither
        ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })) }
        : { topicNames: [...names] };
      return to.send(DeleteTopics, { ...which, timeoutMs }, { timeoutMs: timeoutMs + 5_000 });
    },
    (answer) => answer.responses.map((one) => one.errorCode),
  );
  for (const name of names) cluster.forget(name);
  return response.responses.map(({ name, errorCode, errorMessage }) => ({
    name: name ?? '',
    error: errorOf(errorCode, `topic '${name}'`, errorMessage),
  }));
}

/** Grows a topic to `count` partitions. Throws KafkaError `INVALID_PARTITIONS` and others. */
export async function createPartitions(
  cluster: Cluster,
  topic: string,
  count: number,
  options: AdminOptions = {},
): Promise<void> {
  const { validateOnly = false, timeoutMs = TIMEOUT_MS } = options;
  const request = { topics: [{ name: topic, count, assignments: null }], timeoutMs, validateOnly };
  const response = await withController(
    cluster,
    (to) => to.send(CreatePartitions, request, { timeoutMs: timeoutMs + 5_000 }),
    (answer) => answer.results.map((one) => one.errorCode),
  );
  cluster.forget(topic);
  const [result] = response.results;
  throwIfError(result?.errorCode ?? 0, `topic '${topic}'`, result?.errorMessage);
}

/**
 * Deletes the records before an offset of each partition (-1: all there are). Answers the new start offsets.
 * Throws KafkaError `OFFSET_OUT_OF_RANGE`, `POLICY_VIOLATION` and others.
 */
export async function deleteRecords(
  cluster: Cluster,
  topic: string,
  before: ReadonlyMap<number, number>,
): Promise<Map<number, number>> {
  const starts = new Map<number, number>();
  await cluster.retry(async () => {
    for (const [partitionIndex, offset] of before) {
      if (starts.has(partitionIndex)) continue;
      const place = { topic, partition: partitionIndex };
      const start = await cluster.askLeader(place, async (leader) => {
        const response = await leader.send(DeleteRecords, {
          topics: [{ name: topic, partitions: [{ partitionIndex, offset }] }],
          timeoutMs: TIMEOUT_MS,
        });
        const answer = response.topics[0]?.partitions[0];
        throwIfError(answer?.errorCode ?? 0, `${topic}-${partitionIndex}`);
        return answer?.lowWatermark ?? -1;
      });
      starts.set(partitionIndex, start);
    }
  });
  return starts;
}
