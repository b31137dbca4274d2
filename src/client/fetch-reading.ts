// What a fetcher keeps of each partition that it reads.

import { KafkaError } from '../base/kafka-errors.ts';
import { ZERO_UUID } from '../protocol/index.ts';
import { RecordError } from '../record/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { isRetriableError } from './cluster.ts';
import type { FetchPart } from './fetch-request.ts';
import type { Node } from './network.ts';

const RETRY_BACKOFF_MS = 100;
const RETRY_BACKOFF_MAX_MS = 1_000;

/** A partition that is read. Set anew it is another one, so that what is on its way for the old one is dropped. */
export interface Reading extends TopicPartition {
  /** Id of the topic that `offset` is of; zero when unknown. */
  topicId: string;
  offset: number;
  /** Leader epoch of what lies before `offset`, -1 when unknown. */
  epoch: number;
  /** Epoch of the leader that `offset` is known to be right with. */
  leaderEpoch: number;
  /** Nothing was answered for it since it was set, or moved. */
  unheard: boolean;
  /** A question about it is under way. */
  busy: boolean;
  notBeforeMs: number;
  troubles: number;
  troubleSinceMs: number | null;
}

export interface Part extends FetchPart {
  readonly reading: Reading;
}

/** What a leader can be asked now. */
export interface Ready {
  readonly node: Node;
  readonly parts: Part[];
  /** It may not have all that was read of these. */
  readonly unsure: Part[];
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export function readingOf(
  { topic, partition }: TopicPartition,
  offset: number,
  epoch: number,
  topicId: string,
): Reading {
  const quiet = { busy: false, notBeforeMs: 0, troubles: 0, troubleSinceMs: null };
  return { topic, partition, topicId, offset, epoch, leaderEpoch: -1, unheard: true, ...quiet };
}

/** Whether what was asked for is still what is wanted. */
export function isStillOf({ offset, topicId, reading }: Part): boolean {
  return reading.offset === offset && reading.topicId === topicId;
}

/** Whether these are ids of different topics, as far as they are known. */
export function isOtherTopic(id: string, other: string): boolean {
  return id !== other && id !== ZERO_UUID && other !== ZERO_UUID;
}

export function noLeaderError(topic: string): KafkaError {
  return new KafkaError('LEADER_NOT_AVAILABLE', `a partition of '${topic}' has no leader now`);
}

/** Whoever does not want to go on from another place hears this. */
export function outOfRangeError({ topic, partition, offset }: Reading, why: string): KafkaError {
  const message =
    `${topic}-${partition} ${why} offset ${offset}: ` +
    `go on with seek, or with outOfRange 'earliest' or 'latest'`;
  return new KafkaError('OFFSET_OUT_OF_RANGE', message);
}

/** All is well with it. */
export function calm(reading: Reading): void {
  reading.troubles = 0;
  reading.troubleSinceMs = null;
}

/**
 * It failed: puts it off for a while. Returns for how long (ms) that will be borne yet; null when it does not pass, or
 * was borne for `patienceMs`.
 */
export function putOff(
  reading: Reading,
  error: unknown,
  nowMs: number,
  patienceMs: number,
): number | null {
  reading.troubleSinceMs ??= nowMs;
  reading.troubles += 1;
  const leftMs = patienceMs - (nowMs - reading.troubleSinceMs);
  // What was damaged on the way is right the second time.
  const passing = error instanceof RecordError ? reading.troubles === 1 : isRetriableError(error);
  if (!passing || leftMs <= 0) {
    calm(reading);
    return null;
  }
  const waitMs = Math.min(RETRY_BACKOFF_MS * 2 ** (reading.troubles - 1), RETRY_BACKOFF_MAX_MS);
  reading.notBeforeMs = nowMs + waitMs;
  return leftMs;
}
