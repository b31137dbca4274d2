// What the groups tell of their decisions: bare facts, without words. The state machines note them on their step; the
// explainer makes a timeline of them. Nothing is decided by them.

import type { Member } from '../group/classic/classic-group.ts';
import type { ConsumerGroup } from '../group/consumer/consumer-group.ts';
import type { ConsumerMember, Owned } from '../group/consumer/member.ts';

/** A member as it was when the fact came about. Times in milliseconds. */
export interface MemberFacts {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Null: the broker's setting, which the fact that needs it names itself. */
  readonly sessionTimeoutMs: number | null;
  readonly rebalanceTimeoutMs: number;
  /** Wall-clock time of its last sign of life; null when it has not been heard of since the group was loaded. */
  readonly heardMs: number | null;
  /** Which connection it joined over: one and the same means one and the same process. Null when not known. */
  readonly connectionId: number | null;
}

/** What a member holds: the leader's bytes in a classic group, topic ids in a consumer group. */
export type Held = ReadonlyMap<string, Buffer | Owned>;

export type GroupProtocol = 'classic' | 'consumer';

/** Which wait of the coordinator for a member was in vain. */
export type MissedPhase = 'session' | 'join' | 'sync' | 'revoke';

export type GroupFact = { readonly groupId: string } & (
  | {
      /** The group was read from the log, or has changed its protocol: the members with what they hold. */
      readonly kind: 'loaded' | 'migrated';
      readonly protocol: GroupProtocol;
      readonly epoch: number;
      readonly members: readonly MemberFacts[];
      readonly held: Held;
    }
  /** A member is in. `again`: it was in already and came for the rebalance. */
  | { readonly kind: 'joined'; readonly member: MemberFacts; readonly again: boolean }
  /** A static member came back under a new id. */
  | { readonly kind: 'replaced'; readonly member: MemberFacts; readonly formerId: string }
  /** A member went by its own will. `returns`: a static one that keeps its place until its session ends. */
  | {
      readonly kind: 'left';
      readonly member: MemberFacts;
      readonly reason: string | null;
      readonly returns: boolean;
    }
  /** A member was waited for in vain and is out. */
  | {
      readonly kind: 'removed';
      readonly member: MemberFacts;
      readonly phase: MissedPhase;
      readonly limitMs: number;
    }
  /** The members are asked to come together anew; of a consumer group, the epoch rose. */
  | { readonly kind: 'rebalancing'; readonly epoch: number; readonly reason: string }
  /** All who will be in are known: a generation began, or the target of an epoch was made. */
  | {
      readonly kind: 'generation';
      readonly protocol: GroupProtocol;
      readonly epoch: number;
      readonly members: number;
      readonly leaderId: string | null;
      readonly assignor: string | null;
    }
  /** Every member has what it is to have. */
  | {
      readonly kind: 'assigned';
      readonly epoch: number;
      readonly held: Held;
      /** Who was the last to get there; null when the members get there together. */
      readonly lastId: string | null;
    }
  /** The group is no more. */
  | { readonly kind: 'ended'; readonly why: 'deleted' | 'expired' }
);

export function classicFacts(member: Member): MemberFacts {
  return {
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    sessionTimeoutMs: member.sessionTimeoutMs,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    heardMs: member.heardMs,
    connectionId: member.connectionId,
  };
}

export function consumerFacts(group: ConsumerGroup, member: ConsumerMember): MemberFacts {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    sessionTimeoutMs: member.classic?.sessionTimeoutMs ?? null,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    heardMs: group.heardMs.get(member.memberId) ?? null,
    connectionId: null,
  };
}

/** All members of a classic group with the assignment that is in force. */
export function classicHeld(members: Iterable<Member>): Held {
  return new Map([...members].map(({ memberId, assignment }) => [memberId, assignment]));
}

export function consumerHeld(members: Iterable<ConsumerMember>): Held {
  return new Map([...members].map(({ memberId, assigned }) => [memberId, assigned]));
}
