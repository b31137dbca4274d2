// Sends what partition queues have ready: one request per broker and turn with a batch of each partition, a few
// requests under way to each broker; learns leaders and the producer id; tries again; gives up what is too old.

import { ErrorCode, errorName, KafkaError } from '../../base/kafka-errors.ts';
import type { CancelTimer } from '../../base/ports.ts';
import { Produce, type ProduceResponse } from '../../protocol/index.ts';
import { type Cluster, isRetriableError } from '../cluster.ts';
import { ClientError } from '../errors.ts';
import type { Node } from '../network.ts';
import { newIdentity } from '../producer-identity.ts';
import type { LeaderHint } from '../topic-cache.ts';
import type { ProducerBatch } from './batch.ts';
import type { ProducerSettings } from './options.ts';
import type { Identity, Outcome, PartitionQueue } from './partition-queue.ts';
import type { TopicQueue } from './topic-queue.ts';

/** Bytes of batches in one request; brokers take 100 MiB by default (`socket.request.max.bytes`). */
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

interface Sending {
  readonly topic: TopicQueue;
  readonly queue: PartitionQueue;
  readonly batch: ProducerBatch;
  /** As it is told to the broker. */
  topicId: string;
  records: Buffer;
}

interface Request {
  readonly node: Node;
  readonly sendings: Sending[];
  bytes: number;
}

export interface DispatcherEvents {
  /** Records of so many bytes were told their end. */
  released(bytes: number): void;
  /** Metadata of a topic are wanted anew. */
  locate(topic: TopicQueue): void;
}

export class Dispatcher {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #events: DispatcherEvents;
  /** Queues with something to send, and their topics. */
  readonly #active = new Map<PartitionQueue, TopicQueue>();
  /** Requests under way, by node id. */
  readonly #requests = new Map<number, number>();
  #identity: Identity | null = null;
  #identifying = false;
  #identifyNotBeforeMs = 0;
  #pumpDeferred = false;
  #wakeMs = Number.POSITIVE_INFINITY;
  #cancelWake: CancelTimer | null = null;
  #stopped = false;

  constructor(cluster: Cluster, settings: ProducerSettings, events: DispatcherEvents) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#events = events;
  }

  /** A queue has something to send; it is looked at once the current turn is over. */
  activate(topic: TopicQueue, queue: PartitionQueue): void {
    this.#active.set(queue, topic);
    this.wake();
  }

  /** Looks at all queues once the current turn is over. */
  wake(): void {
    if (this.#pumpDeferred || this.#stopped) return;
    this.#pumpDeferred = true;
    this.#cluster.clock.defer(this.#deferredPump);
  }

  /** Sends nothing more and holds no timer. */
  stop(): void {
    this.#stopped = true;
    this.#active.clear();
    this.#cancelWake?.();
    this.#cancelWake = null;
  }

  readonly #deferredPump = (): void => {
    this.#pumpDeferred = false;
    this.#pump();
  };

  #pump(): void {
    if (this.#stopped || this.#active.size === 0) return;
    const nowMs = this.#cluster.clock.monotonic();
    for (;;) {
      const requests = new Map<number, Request>();
      const waitMs = this.#collect(nowMs, requests);
      if (requests.size === 0) {
        this.#wakeAfter(nowMs, waitMs);
        return;
      }
      for (const request of requests.values()) void this.#send(request);
    }
  }

  /** At most one batch of each queue. Returns when to look again, in ms. */
  #collect(nowMs: number, requests: Map<number, Request>): number {
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const [queue, topic] of this.#active) {
      if (!queue.hasUnsent) {
        this.#active.delete(queue);
        continue;
      }
      const next = queue.next(nowMs);
      if (typeof next === 'number') {
        if (next < soonestMs) soonestMs = next;
      } else
        this.#place({ topic, queue, batch: next, topicId: '', records: EMPTY }, nowMs, requests);
    }
    return soonestMs;
  }

  /** Puts a batch into the request of its leader, where that can be. */
  #place(sending: Sending, nowMs: number, requests: Map<number, Request>): void {
    const { topic, queue, batch } = sending;
    if (this.#settings.idempotent && queue.needsIdentity && this.#identity === null) {
      this.#identify(nowMs);
      return;
    }
    const info = this.#cluster.knownTopic(topic.name);
    const node = this.#cluster.node(info?.partitions[queue.partition]?.leaderId ?? -1);
    if (info === null || node === null) {
      this.#events.locate(topic);
      return;
    }
    topic.learn(info);
    sending.topicId = info.id;
    let request = requests.get(node.id);
    if (request === undefined) {
      if ((this.#requests.get(node.id) ?? 0) >= this.#settings.maxInFlight) return;
      request = { node, sendings: [], bytes: 0 };
    }
    if (request.bytes > 0 && request.bytes + batch.byteLength > REQUEST_BYTES_MAX) return;
    queue.send(batch, this.#settings.idempotent ? this.#identity : null);
    topic.left(queue.partition);
    topic.underWay += 1;
    try {
      sending.records = batch.bytes();
    } catch (error) {
      this.#answer(sending, { error: error as Error });
      return;
    }
    request.sendings.push(sending);
    request.bytes += sending.records.length;
    requests.set(node.id, request);
  }

  async #send(request: Request): Promise<void> {
    const { node, sendings } = request;
    const { acks, requestTimeoutMs } = this.#settings;
    this.#requests.set(node.id, (this.#requests.get(node.id) ?? 0) + 1);
    let outcome: (sending: Sending) => Outcome;
    let hint: (sending: Sending) => LeaderHint | null = () => null;
    try {
      const response = await this.#cluster.to(node).send(
        Produce,
        {
          transactionalId: null,
          acks,
          timeoutMs: requestTimeoutMs,
          topicData: topicData(sendings),
        },
        // The broker may use all of its time; the way there and back comes on top.
        { timeoutMs: requestTimeoutMs + 5_000 },
      );
      outcome = acks === 0 ? () => NOT_TOLD : (sending) => outcomeOf(response, sending);
      hint = (sending) => hintOf(response, sending);
    } catch (error) {
      outcome = () => ({ error: error as Error });
    }
    this.#requests.set(node.id, (this.#requests.get(node.id) ?? 1) - 1);
    if (this.#stopped) return;
    for (const sending of sendings) this.#answer(sending, outcome(sending), hint(sending));
    this.#pump();
  }

  #answer(sending: Sending, outcome: Outcome, hint: LeaderHint | null = null): void {
    const { topic, queue, batch } = sending;
    const { clock, random } = this.#cluster;
    topic.underWay -= 1;
    const told = batch.settled;
    const { partition } = queue;
    let moved = false;
    if ('error' in outcome) {
      topic.lastError = outcome.error;
      moved = hint !== null && this.#cluster.learnLeader({ topic: topic.name, partition }, hint);
      if (!moved && isRetriableError(outcome.error)) this.#cluster.forget(topic.name);
    }
    const nowMs = clock.monotonic();
    const done = queue.answered(batch, outcome, nowMs, random.next());
    if (!done && 'error' in outcome) {
      const untilMs = batch.openedMs + this.#settings.deliveryTimeoutMs;
      this.#cluster.hearTrouble(outcome.error, Math.max(0, untilMs - nowMs));
    }
    if (moved) queue.retryNow();
    if (queue.hasUnsent) this.#active.set(queue, topic);
    if (done && !told) this.#events.released(batch.heldBytes);
  }

  /** One id serves all partitions. */
  #identify(nowMs: number): void {
    if (this.#identifying || nowMs < this.#identifyNotBeforeMs) return;
    this.#identifying = true;
    newIdentity(this.#cluster).then(
      (identity) => {
        this.#identifying = false;
        this.#identity = identity;
        this.wake();
      },
      (error: unknown) => {
        this.#identifying = false;
        this.#identityFailed(error as Error);
      },
    );
  }

  #identityFailed(error: Error): void {
    if (this.#stopped) return;
    const { clock } = this.#cluster;
    this.#identifyNotBeforeMs = clock.monotonic() + this.#settings.retryBackoffMs;
    for (const [queue, topic] of this.#active) {
      topic.lastError = error;
      if (!isRetriableError(error) && queue.needsIdentity) this.failAll(queue, error);
    }
    this.#wakeAfter(clock.monotonic(), this.#settings.retryBackoffMs);
  }

  /** Gives up everything of a queue. */
  failAll(queue: PartitionQueue, error: Error): void {
    for (const batch of [...queue.batches]) this.giveUp(queue, batch, error);
  }

  giveUp(queue: PartitionQueue, batch: ProducerBatch, error: Error): void {
    if (batch.settled) return;
    queue.giveUp(batch, error);
    this.#events.released(batch.heldBytes);
  }

  #wakeAfter(nowMs: number, waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY || this.#stopped) return;
    const wakeMs = nowMs + waitMs;
    if (this.#cancelWake !== null) {
      if (wakeMs >= this.#wakeMs) return;
      this.#cancelWake();
    }
    this.#wakeMs = wakeMs;
    this.#cancelWake = this.#cluster.clock.setTimer(waitMs, () => {
      this.#cancelWake = null;
      this.#pump();
    });
  }
}

const EMPTY = Buffer.alloc(0);
const NOT_TOLD: Outcome = { baseOffset: -1, logAppendTimeMs: -1 };

interface TopicData {
  readonly name: string;
  readonly topicId: string;
  readonly partitionData: { index: number; records: Buffer }[];
}

function topicData(sendings: readonly Sending[]): TopicData[] {
  const all: TopicData[] = [];
  let last: TopicData | undefined;
  for (const { topic, queue, topicId, records } of sendings) {
    const { name } = topic;
    if (last?.name !== name) last = all.find((one) => one.name === name);
    if (last === undefined) {
      last = { name, topicId, partitionData: [] };
      all.push(last);
    }
    last.partitionData.push({ index: queue.partition, records });
  }
  return all;
}

function outcomeOf(response: ProduceResponse, sending: Sending): Outcome {
  const { topic, queue } = sending;
  const answer = answerFor(response, sending);
  if (answer === undefined) {
    const text = `the broker left ${topic.name}-${queue.partition} out of its answer; is it a Kafka broker?`;
    return { error: new ClientError('bad_response', text) };
  }
  if (answer.errorCode === ErrorCode.NONE) return answer;
  // The broker has this batch from an earlier try and no longer knows where.
  if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return NOT_TOLD;
  const name = errorName(answer.errorCode);
  const where = `${topic.name}-${queue.partition}`;
  const recordError = answer.recordErrors[0]?.batchIndexErrorMessage;
  const message = [where, answer.errorMessage ?? name, recordError].filter(Boolean).join(': ');
  return { error: new KafkaError(name, message) };
}

/** What the broker said of the partition's leader, with an error. */
function hintOf(response: ProduceResponse, sending: Sending): LeaderHint | null {
  const answer = answerFor(response, sending);
  if (answer === undefined || answer.errorCode === ErrorCode.NONE) return null;
  return { leader: answer.currentLeader, endpoints: response.nodeEndpoints };
}

type Answer = ProduceResponse['responses'][number]['partitionResponses'][number];

/** By name, or by id where the version has no names. */
function answerFor(response: ProduceResponse, sending: Sending): Answer | undefined {
  const { topic, topicId, queue } = sending;
  for (const one of response.responses) {
    if (one.name === '' ? one.topicId !== topicId : one.name !== topic.name) continue;
    return one.partitionResponses.find((partition) => partition.index === queue.partition);
  }
  return undefined;
}
