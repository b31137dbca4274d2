// What handlers work with.

import type { Clock, Logger } from '../base/ports.ts';
import type { Coordinator } from '../coordinator/index.ts';
import type { Engine, Partition, Topic } from '../engine/index.ts';
import { ZERO_UUID } from '../protocol/index.ts';
import type { Deadlines } from './fetch/deadlines.ts';
import type { FetchSessionCache } from './fetch/session-cache.ts';
import type { Session } from './handler.ts';
import type { MemoryGate } from './memory-gate.ts';
import type { BrokerMetrics } from './metrics.ts';

/** An address that clients are told to connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Services {
  readonly engine: Engine;
  readonly coordinator: Coordinator;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: BrokerMetrics;
  readonly gate: MemoryGate;
  readonly fetchSessions: FetchSessionCache;
  readonly fetchDeadlines: Deadlines;
  /** The data directory, as DescribeLogDirs names it. */
  readonly logDir: string;
  readonly acceptReplicationFactor: boolean;
  /** Where the peer of this session is to connect to. */
  endpoint(session: Session): Endpoint;
  /** Bytes that may still be written, or -1. */
  freeBytes(): Promise<number>;
}

/** Kafka's "not asked for" in fields of authorized operations. */
export const NO_OPERATIONS = -0x8000_0000;

/**
 * Bits of Kafka's AclOperation codes; without authorization everything that a resource knows is
 * allowed.
 */
function operations(codes: readonly number[]): number {
  return codes.reduce((bits, code) => bits | (1 << code), 0);
}

/** Read, write, create, delete, alter, describe, describe and alter configs. */
export const TOPIC_OPERATIONS = operations([3, 4, 5, 6, 7, 8, 10, 11]);
/** Create, alter, describe, cluster action, describe and alter configs, idempotent write. */
export const CLUSTER_OPERATIONS = operations([5, 7, 8, 9, 10, 11, 12]);

/** Read, delete, describe, describe and alter configs. */
export const GROUP_OPERATIONS = operations([3, 6, 8, 10, 11]);

/** The topic that a request names by id, or by name where the version or the id says nothing. */
export function findTopic(engine: Engine, name: string, topicId: string): Topic | undefined {
  return topicId === ZERO_UUID || topicId === '' ? engine.topic(name) : engine.topicById(topicId);
}

/** A partition that a request names by topic id or name. */
export function findPartition(
  engine: Engine,
  topic: { readonly name: string; readonly topicId: string },
  index: number,
): Partition | undefined {
  const found = findTopic(engine, topic.name, topic.topicId);
  return found === undefined ? undefined : engine.partition(found.name, index);
}

/** The rack that clients are told, null for none. */
export function rackOf(engine: Engine): string | null {
  const rack = engine.brokerConfig('broker.rack');
  return rack === null ? null : String(rack);
}

/** A broker config that is a number. */
export function numberConfig(engine: Engine, name: string): number {
  return Number(engine.brokerConfig(name));
}
