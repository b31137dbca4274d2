// A group of the classic protocol: the broker collects members and hands out generations, the leader assigns.
// This file keeps the members and the counts over them consistent; the rules are in the files beside it.
//
//   Empty ──join──▶ PreparingRebalance ──all joined──▶ CompletingRebalance ──leader synced──▶ Stable
//     ▲                 ▲    │ none left                     │ join, leave, expiry              │
//     └─────────────────┼────┘                               │                                  │
//                       └────────────────────────────────────┴──────────────────────────────────┘
// Dead is a group that is gone: only DescribeGroups still shows the word.
// Source of the rules: org.apache.kafka.coordinator.group.classic.ClassicGroup and GroupMetadataManager (4.3).

import { assert } from '../../../base/errors.ts';
import { KafkaError } from '../../../base/kafka-errors.ts';
import type {
  GroupMetadataValue,
  JoinGroupResponse,
  SyncGroupResponse,
} from '../../../protocol/index.ts';
import type { Ticket } from '../../step.ts';
import { subscribedTopics } from './subscription.ts';

/** Kafka's names, as DescribeGroups and ListGroups show them. */
export type ClassicState =
  | 'Empty'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead';

/** An assignment strategy a member knows, with what it tells the leader about itself. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface Member {
  readonly memberId: string;
  /** Set for static members (KIP-345). */
  readonly groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  readonly protocolType: string;
  /** In order of preference. */
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  /** Parked requests. */
  awaitingJoin: Ticket<JoinGroupResponse> | null;
  awaitingSync: Ticket<SyncGroupResponse> | null;
  /** Has not been told its id yet, so it cannot send heartbeats. */
  isNew: boolean;
  /** When its session last began anew, wall clock; null since the group was loaded. */
  heardMs: number | null;
  /** The connection of its last JoinGroup; null when not known. */
  connectionId: number | null;
}

const nothing = Buffer.alloc(0);

export class ClassicGroup {
  readonly type = 'classic';
  readonly groupId: string;
  state: ClassicState = 'Empty';
  previousState: ClassicState = 'Dead';
  /** Wall-clock time of the last change of state; null for groups loaded from an old record without it. */
  stateSinceMs: number | null;
  generation = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  /** Topics of all members of this generation; null when unknown (not the consumer protocol, or unreadable). */
  subscribed: ReadonlySet<string> | null = null;
  /** Someone joined during the initial delay, so it is worth waiting on. */
  newMemberAdded = false;
  /** The log holds a record of this group, which its end must cancel. */
  persisted = false;
  /** Its record is one without leader: of a group that was to rebalance. */
  rebalanceDue = false;
  readonly members = new Map<string, Member>();
  /** Ids given out with MEMBER_ID_REQUIRED and not used yet. */
  readonly pendingJoin = new Set<string>();
  /** Members that have not sent SyncGroup in this generation. */
  readonly pendingSync = new Set<string>();
  readonly #staticMembers = new Map<string, string>();
  /** Protocol name → number of members that know it. */
  readonly #support = new Map<string, number>();
  #awaitingJoin = 0;

  constructor(groupId: string, nowMs: number | null) {
    this.groupId = groupId;
    this.stateSinceMs = nowMs;
  }

  /** Rebuilds a group from its record; its members are expected to go on where they were. */
  static load(groupId: string, value: GroupMetadataValue): ClassicGroup {
    const sinceMs = value.currentStateTimestamp === -1 ? null : value.currentStateTimestamp;
    const group = new ClassicGroup(groupId, sinceMs);
    group.persisted = true;
    group.protocolType = value.protocolType === '' ? null : value.protocolType;
    group.protocolName = value.protocol;
    group.generation = value.generation;
    for (const stored of value.members) {
      group.add({
        memberId: stored.memberId,
        groupInstanceId: stored.groupInstanceId,
        clientId: stored.clientId,
        clientHost: stored.clientHost,
        rebalanceTimeoutMs:
          stored.rebalanceTimeout === -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
        sessionTimeoutMs: stored.sessionTimeout,
        protocolType: value.protocolType,
        protocols: [{ name: value.protocol ?? '', metadata: stored.subscription }],
        assignment: stored.assignment,
        awaitingJoin: null,
        awaitingSync: null,
        isNew: false,
        heardMs: null,
        connectionId: null,
      });
    }
    group.leaderId = value.leader ?? group.leaderId;
    group.rebalanceDue = value.leader === null && group.members.size > 0;
    group.state = group.members.size === 0 ? 'Empty' : 'Stable';
    group.subscribed = group.computeSubscribed();
    return group;
  }

  transition(state: ClassicState, nowMs: number): void {
    this.previousState = this.state;
    this.state = state;
    this.stateSinceMs = nowMs;
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoin;
  }

  get allJoined(): boolean {
    return this.members.size === this.#awaitingJoin && this.pendingJoin.size === 0;
  }

  /** The longest time any member needs to get ready for a rebalance. */
  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const member of this.members.values()) {
      longest = Math.max(longest, member.rebalanceTimeoutMs);
    }
    return longest;
  }

  /** Whether the broker may read the members' metadata as subscriptions. */
  get usesConsumerProtocol(): boolean {
    return this.protocolType === 'consumer';
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId);
  }

  /** The member that a request speaks for. Throws UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
  requireMember(memberId: string, groupInstanceId: string | null): Member {
    if (groupInstanceId !== null) {
      const current = this.#staticMembers.get(groupInstanceId);
      if (current !== undefined && current !== memberId) {
        throw new KafkaError('FENCED_INSTANCE_ID', `another member now is ${groupInstanceId}`);
      }
      if (current === undefined) throw unknownMember(memberId);
    }
    const member = this.members.get(memberId);
    if (member === undefined) throw unknownMember(memberId);
    return member;
  }

  /** Whether a member with these protocols could be in the group. */
  supportsProtocols(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0;
    return (
      protocolType === this.protocolType &&
      protocols.some(({ name }) => (this.#support.get(name) ?? 0) === this.members.size)
    );
  }

  add(member: Member): void {
    assert(!this.members.has(member.memberId), 'a member is added once');
    if (this.members.size === 0) this.protocolType = member.protocolType || null;
    assert(this.protocolType === (member.protocolType || null), 'members share a protocol type');
    this.leaderId ??= member.memberId;
    if (member.groupInstanceId !== null) {
      this.#staticMembers.set(member.groupInstanceId, member.memberId);
    }
    this.members.set(member.memberId, member);
    this.#count(member.protocols, 1);
    if (member.awaitingJoin !== null) this.#awaitingJoin++;
    this.pendingJoin.delete(member.memberId);
  }

  /** Takes out a member or a pending id. Its parked requests are the caller's to answer. */
  remove(memberId: string): Member | null {
    this.pendingJoin.delete(memberId);
    this.pendingSync.delete(memberId);
    const member = this.members.get(memberId);
    if (member === undefined) return null;
    this.members.delete(memberId);
    this.#count(member.protocols, -1);
    if (member.awaitingJoin !== null) this.#awaitingJoin--;
    const { groupInstanceId } = member;
    if (groupInstanceId !== null && this.#staticMembers.get(groupInstanceId) === memberId) {
      this.#staticMembers.delete(groupInstanceId);
    }
    if (this.leaderId === memberId) {
      this.leaderId = this.members.keys().next().value ?? null;
    }
    return member;
  }

  setProtocols(member: Member, protocols: readonly MemberProtocol[]): void {
    this.#count(member.protocols, -1);
    member.protocols = protocols;
    this.#count(protocols, 1);
  }

  setAwaitingJoin(member: Member, ticket: Ticket<JoinGroupResponse> | null): void {
    if (member.awaitingJoin === null && ticket !== null) this.#awaitingJoin++;
    if (member.awaitingJoin !== null && ticket === null) this.#awaitingJoin--;
    member.awaitingJoin = ticket;
  }

  /** A static member came back under a new id; the old id is fenced from now on. */
  replaceStatic(old: Member, memberId: string): Member {
    const wasLeader = this.isLeader(old.memberId);
    this.remove(old.memberId);
    const member: Member = { ...old, memberId, awaitingJoin: null, awaitingSync: null };
    this.add(member);
    if (wasLeader) this.leaderId = memberId;
    return member;
  }

  /** Makes sure the leader is one that has joined; false when nobody has. */
  electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.members.get(this.leaderId);
    if (leader === undefined) return false;
    if (leader.awaitingJoin !== null) return true;
    for (const member of this.members.values()) {
      if (member.awaitingJoin !== null) {
        this.leaderId = member.memberId;
        return true;
      }
    }
    return false;
  }

  /** Begins the next generation with the members there are; Empty without any. */
  nextGeneration(nowMs: number): void {
    this.generation++;
    this.pendingSync.clear();
    if (this.members.size === 0) {
      this.protocolName = null;
      this.subscribed = this.computeSubscribed();
      this.transition('Empty', nowMs);
    } else {
      this.protocolName = this.selectProtocol();
      this.subscribed = this.computeSubscribed();
      this.transition('CompletingRebalance', nowMs);
    }
  }

  /** Each member votes for the first of its protocols that all know; ties go to the one voted for earlier. */
  selectProtocol(): string {
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const choice = member.protocols.find(
        ({ name }) => this.#support.get(name) === this.members.size,
      );
      assert(choice !== undefined, 'members of a group share a protocol');
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let best: string | null = null;
    let most = 0;
    for (const [name, count] of votes) {
      if (count <= most) continue;
      best = name;
      most = count;
    }
    assert(best !== null, 'only a group with members selects a protocol');
    return best;
  }

  metadataOf(member: Member): Buffer {
    const chosen = member.protocols.find(({ name }) => name === this.protocolName);
    return chosen?.metadata ?? nothing;
  }

  /** Members as the leader is told of them. */
  memberList(): JoinGroupResponse['members'] {
    return [...this.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: this.metadataOf(member),
    }));
  }

  /** The record of the group as it is, with the assignment given or the one in force. */
  toValue(assignment?: ReadonlyMap<string, Buffer>): GroupMetadataValue {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generation,
      protocol: this.protocolName,
      leader: this.leaderId,
      currentStateTimestamp: this.stateSinceMs ?? -1,
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: this.metadataOf(member),
        assignment:
          assignment === undefined
            ? member.assignment
            : (assignment.get(member.memberId) ?? nothing),
      })),
    };
  }

  /** Whether offsets of the topic are in use by the group's members. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribed?.has(topic) ?? this.usesConsumerProtocol;
  }

  computeSubscribed(): ReadonlySet<string> | null {
    if (!this.usesConsumerProtocol) return null;
    if (this.members.size === 0) return new Set();
    if (this.protocolName === null) return null;
    return subscribedTopics([...this.members.values()].map((member) => this.metadataOf(member)));
  }

  #count(protocols: readonly MemberProtocol[], change: 1 | -1): void {
    for (const name of new Set(protocols.map((protocol) => protocol.name))) {
      const count = (this.#support.get(name) ?? 0) + change;
      if (count === 0) this.#support.delete(name);
      else this.#support.set(name, count);
    }
  }
}

function unknownMember(memberId: string): KafkaError {
  return new KafkaError('UNKNOWN_MEMBER_ID', `the group has no member "${memberId}"`);
}
