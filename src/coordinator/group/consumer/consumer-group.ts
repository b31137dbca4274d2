// A group of the consumer protocol (KIP-848): the broker assigns, members follow one by one.
//
// Three epochs: `epoch` rises with every change of members, subscriptions or topics; `targetEpoch` says for which of
// them the target assignment was made; a member's own epoch says which target it follows. The state below changes by
// `apply` alone, of records that are being written as of those read back, so a replay gives the same group.
// Source of the rules: org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroup (4.3).

import { KafkaError } from '../../../base/kafka-errors.ts';
import {
  type ConsumerMember,
  MemberState,
  newMember,
  type Owned,
  type Partitions,
  withCurrent,
  withSubscription,
} from './member.ts';
import type { ConsumerRecord } from './records.ts';

/** Kafka's names, as ConsumerGroupDescribe and ListGroups show them. */
export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable';

/** The topics that a regular expression stood for when it was last looked at. */
export interface ResolvedRegex {
  readonly topics: readonly string[];
}

const nobody: Partitions = new Map();

export class ConsumerGroup {
  readonly type = 'consumer';
  readonly protocolType = 'consumer';
  readonly groupId: string;
  /** Kafka's groups begin at 1, so that no member is ever given 0, which is for joining. */
  epoch = 1;
  /** Digest of the topics in use: when theirs is another, the group needs a new epoch. */
  metadataHash = 0;
  targetEpoch = 0;
  /** Wall-clock time at which the target was made; 0 when nobody made it, as in a group that was classic. */
  targetMs = 0;
  /** Topics may have changed since the hash was made. Memory only: after a load everybody looks once. */
  metadataStale = true;
  readonly members = new Map<string, ConsumerMember>();
  /** Wall-clock time at which each member's session last began anew. Memory only. */
  readonly heardMs = new Map<string, number>();
  /** The epoch at which all members last had what they were to have. Memory only. */
  settledEpoch = -1;
  readonly targets = new Map<string, Partitions>();
  readonly regexes = new Map<string, ResolvedRegex>();
  /** The topics of all members by name. */
  #topics: ReadonlySet<string> | null = null;
  readonly #staticMembers = new Map<string, string>();
  readonly #owners = new Map<string, Map<number, string>>();

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get state(): ConsumerGroupState {
    if (this.members.size === 0) return 'Empty';
    if (this.epoch > this.targetEpoch) return 'Assigning';
    for (const { state, memberEpoch } of this.members.values()) {
      if (state !== MemberState.STABLE || memberEpoch !== this.targetEpoch) return 'Reconciling';
    }
    return 'Stable';
  }

  /** Takes in one record of this group; tells whether it ended the group. */
  apply(record: ConsumerRecord): 'live' | 'ended' {
    switch (record.kind) {
      case 'consumer-group':
        if (record.value === null) return 'ended';
        this.epoch = record.value.epoch;
        this.metadataHash = record.value.metadataHash;
        return 'live';
      case 'consumer-target-epoch':
        this.targetEpoch = record.value?.assignmentEpoch ?? -1;
        this.targetMs = record.value?.assignmentTimestamp ?? 0;
        return 'live';
      case 'consumer-member':
        this.#topics = null;
        if (record.value === null) this.#remove(record.member);
        else this.#put(withSubscription(this.#obtain(record.member), record.value));
        return 'live';
      case 'consumer-current': {
        const member = this.members.get(record.member);
        if (record.value !== null) {
          // Compaction may have kept this record and a later one of the subscription.
          this.#put(withCurrent(member ?? newMember(record.member), record.value));
        } else if (member !== undefined) {
          // The member is on its way out: the record of its subscription ends next.
          this.#put({ ...newMember(record.member), ...subscriptionOf(member) });
        }
        return 'live';
      }
      case 'consumer-target':
        if (record.value === null) this.targets.delete(record.member);
        else {
          const { topicPartitions } = record.value;
          const target = topicPartitions.map(
            ({ topicId, partitions }) => [topicId, new Set(partitions)] as const,
          );
          this.targets.set(record.member, new Map(target));
        }
        return 'live';
      case 'consumer-regex':
        this.#topics = null;
        if (record.value === null) this.regexes.delete(record.regex);
        else this.regexes.set(record.regex, { topics: record.value.topics });
        return 'live';
    }
  }

  /** The member. Throws UNKNOWN_MEMBER_ID. */
  requireMember(memberId: string): ConsumerMember {
    const member = this.members.get(memberId);
    if (member !== undefined) return member;
    const message = `Member ${memberId} is not a member of group ${this.groupId}.`;
    throw new KafkaError('UNKNOWN_MEMBER_ID', message);
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.#staticMembers.get(instanceId);
    return memberId === undefined ? undefined : this.members.get(memberId);
  }

  targetOf(memberId: string): Partitions {
    return this.targets.get(memberId) ?? nobody;
  }

  /** Who has the partition, or has still to give it up. */
  ownerOf(topicId: string, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  /** Names of the topics that a member asks for, by name and by expression. */
  topicsOf(member: ConsumerMember): readonly string[] {
    const resolved = member.topicRegex === null ? undefined : this.regexes.get(member.topicRegex);
    if (resolved === undefined) return member.topicNames;
    return [...new Set([...member.topicNames, ...resolved.topics])];
  }

  /** Names of the topics that anybody asks for. */
  get topics(): ReadonlySet<string> {
    if (this.#topics === null) {
      const topics = new Set<string>();
      for (const { topicNames } of this.members.values()) {
        for (const name of topicNames) topics.add(name);
      }
      for (const { topics: resolved } of this.regexes.values()) {
        for (const name of resolved) topics.add(name);
      }
      this.#topics = topics;
    }
    return this.#topics;
  }

  /** Whether offsets of the topic are in use by the group's members. */
  isSubscribedTo(topic: string): boolean {
    return this.topics.has(topic);
  }

  /** Number of members that use the expression. */
  regexUsers(regex: string): number {
    let count = 0;
    for (const { topicRegex } of this.members.values()) if (topicRegex === regex) count++;
    return count;
  }

  get classicMemberCount(): number {
    let count = 0;
    for (const { classic } of this.members.values()) if (classic !== null) count++;
    return count;
  }

  #obtain(memberId: string): ConsumerMember {
    return this.members.get(memberId) ?? newMember(memberId);
  }

  #put(member: ConsumerMember): void {
    const { memberId, instanceId } = member;
    const before = this.members.get(memberId);
    if (before !== undefined) this.#release(before);
    this.members.set(memberId, member);
    if (instanceId !== null) this.#staticMembers.set(instanceId, memberId);
    this.#own(memberId, member.assigned);
    this.#own(memberId, member.pendingRevocation);
  }

  #remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.#release(member);
    this.members.delete(memberId);
    this.heardMs.delete(memberId);
    const { instanceId } = member;
    if (instanceId !== null && this.#staticMembers.get(instanceId) === memberId) {
      this.#staticMembers.delete(instanceId);
    }
  }

  #own(memberId: string, owned: Owned): void {
    for (const [topicId, partitions] of owned) {
      const owners = this.#owners.get(topicId) ?? new Map<number, string>();
      this.#owners.set(topicId, owners);
      for (const partition of partitions.keys()) owners.set(partition, memberId);
    }
  }

  /** In a compacted log another member may have the partition already: only what is still its own is let go. */
  #release(member: ConsumerMember): void {
    for (const owned of [member.assigned, member.pendingRevocation]) {
      for (const [topicId, partitions] of owned) {
        const owners = this.#owners.get(topicId);
        if (owners === undefined) continue;
        for (const partition of partitions.keys()) {
          if (owners.get(partition) === member.memberId) owners.delete(partition);
        }
        if (owners.size === 0) this.#owners.delete(topicId);
      }
    }
  }
}

function subscriptionOf(member: ConsumerMember): Partial<ConsumerMember> {
  const { instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs } = member;
  const { topicNames, topicRegex, serverAssignor, classic } = member;
  return {
    instanceId,
    rackId,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    topicNames,
    topicRegex,
    serverAssignor,
    classic,
  };
}
