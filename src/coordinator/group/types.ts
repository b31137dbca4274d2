// What all kinds of groups share: the events of their timers, and the surroundings of a decision.

import { KafkaError } from '../../base/kafka-errors.ts';
import type { Logger, Random } from '../../base/ports.ts';
import { storable } from '../../base/storable.ts';
import type { GroupConfig } from '../config.ts';
import type { TopicView } from '../ports.ts';
import type { GroupRecord } from '../records.ts';
import { Step } from '../step.ts';
import type { GroupFact } from '../timeline/facts.ts';
import type { LateMember } from './consumer/membership.ts';

/** What comes back to the groups later: timers, and records that are now committed. */
export type GroupEvent =
  /** A member was not heard of for its session timeout; also for ids given out and never used. */
  | { readonly kind: 'session'; readonly groupId: string; readonly memberId: string }
  /** Time to join is over. `remainingMs` is what the initial delay may still grow by; null for later rebalances. */
  | {
      readonly kind: 'join';
      readonly groupId: string;
      readonly delayMs: number;
      readonly remainingMs: number | null;
    }
  /** Time to sync is over. */
  | { readonly kind: 'sync'; readonly groupId: string; readonly generation: number }
  /** The leader's assignment is durable. */
  | {
      readonly kind: 'assigned';
      readonly groupId: string;
      readonly generation: number;
      readonly assignment: ReadonlyMap<string, Buffer>;
    }
  /** A member of a consumer group was waited for long enough. */
  | LateMember
  /** Time to look for offsets and groups to forget. */
  | { readonly kind: 'expiry' };

/** Hands of the coordinator that never change. */
export interface GroupSurroundings {
  readonly config: GroupConfig;
  readonly random: Random;
  readonly logger: Logger;
  readonly topics: TopicView;
}

/** One decision about groups. */
export class GroupStep extends Step<GroupRecord, GroupEvent> {
  readonly config: GroupConfig;
  readonly random: Random;
  readonly logger: Logger;
  readonly topics: TopicView;
  /** What the decision came to, for whoever watches the groups. */
  readonly facts: GroupFact[] = [];

  constructor(nowMs: number, surroundings: GroupSurroundings) {
    super(nowMs);
    this.config = surroundings.config;
    this.random = surroundings.random;
    this.logger = surroundings.logger;
    this.topics = surroundings.topics;
  }

  /** Tells what was decided. It changes nothing. */
  note(fact: GroupFact): void {
    this.facts.push(fact);
  }
}

/** Who sends a request, in which version. */
export interface RequestContext {
  readonly clientId: string;
  readonly clientHost: string;
  readonly apiVersion: number;
  /** Tells connections apart, so that a process is known again. */
  readonly connectionId?: number;
}

/** Timer names. The length keeps `a` + `bc` and `ab` + `c` apart. */
export const timerKey = {
  session: (groupId: string, memberId: string): string =>
    `session:${groupId.length}:${groupId}:${memberId}`,
  join: (groupId: string): string => `join:${groupId}`,
  sync: (groupId: string): string => `sync:${groupId}`,
  expiry: 'expiry',
} as const;

/** Refuses a group id that no record key could hold; an empty one too where Kafka does. */
export function checkGroupId(groupId: string, empty: 'allowed' | 'refused'): void {
  if (groupId === '' && empty === 'refused') {
    throw new KafkaError('INVALID_GROUP_ID', 'the group id is empty');
  }
  if (!storable(groupId)) throw new KafkaError('INVALID_GROUP_ID', 'the group id is too long');
}
