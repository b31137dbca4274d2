// A member of a consumer group (KIP-848) and sets of partitions, as plain values that are never changed in place.
// Source of the rules: org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroupMember (4.3).

import type {
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataValue,
} from '../../../protocol/index.ts';

/** Topic id → partitions. */
export type Partitions = ReadonlyMap<string, ReadonlySet<number>>;

/** Topic id → partition → the member epoch at which the member got it. */
export type Owned = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** How far a member is on its way to its target assignment; the numbers stand in the records. */
export const MemberState = {
  /** Has what the target of its epoch gives it. */
  STABLE: 0,
  /** Has to give up partitions before it may go on to the next epoch. */
  UNREVOKED_PARTITIONS: 1,
  /** Waits for partitions that other members have not given up yet. */
  UNRELEASED_PARTITIONS: 2,
} as const;
export type MemberState = (typeof MemberState)[keyof typeof MemberState];

/** Member epochs with a meaning of their own in ConsumerGroupHeartbeat. */
export const JOIN_EPOCH = 0;
export const LEAVE_EPOCH = -1;
/** A static member that is coming back: its place is kept until its session ends. */
export const LEAVE_STATIC_EPOCH = -2;

type ClassicMetadata = NonNullable<ConsumerGroupMemberMetadataValue['classicMemberMetadata']>;

/** What a member says of itself. */
export interface Subscription {
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  /** In order of the alphabet, each once. */
  readonly topicNames: readonly string[];
  /** RE2 syntax; null for none. */
  readonly topicRegex: string | null;
  readonly serverAssignor: string | null;
  /** Set for members that speak the classic protocol. */
  readonly classic: ClassicMetadata | null;
}

export interface ConsumerMember extends Subscription {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly previousEpoch: number;
  readonly state: MemberState;
  readonly assigned: Owned;
  readonly pendingRevocation: Owned;
}

export const noneOwned: Owned = new Map();

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    topicNames: [],
    topicRegex: null,
    serverAssignor: null,
    classic: null,
    memberEpoch: 0,
    previousEpoch: -1,
    state: MemberState.STABLE,
    assigned: noneOwned,
    pendingRevocation: noneOwned,
  };
}

/** The record of what a member says of itself. */
export function subscriptionValue(member: Subscription): ConsumerGroupMemberMetadataValue {
  return {
    instanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.topicNames],
    subscribedTopicRegex: member.topicRegex,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: member.serverAssignor,
    classicMemberMetadata: member.classic,
  };
}

export function withSubscription(
  member: ConsumerMember,
  value: ConsumerGroupMemberMetadataValue,
): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    topicNames: value.subscribedTopicNames,
    topicRegex: value.subscribedTopicRegex === '' ? null : value.subscribedTopicRegex,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata,
  };
}

/** The record of what a member has. */
export function currentValue(member: ConsumerMember): ConsumerGroupCurrentMemberAssignmentValue {
  return {
    memberEpoch: member.memberEpoch,
    previousMemberEpoch: member.previousEpoch,
    state: member.state,
    assignedPartitions: ownedValue(member.assigned),
    partitionsPendingRevocation: ownedValue(member.pendingRevocation),
  };
}

export function withCurrent(
  member: ConsumerMember,
  value: ConsumerGroupCurrentMemberAssignmentValue,
): ConsumerMember {
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousEpoch: value.previousMemberEpoch,
    state: stateOf(value.state),
    assigned: ownedOf(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: ownedOf(value.partitionsPendingRevocation, value.memberEpoch),
  };
}

/** A state that a newer broker wrote is read as the one in which the target is looked at again. */
function stateOf(value: number): MemberState {
  return value === MemberState.STABLE || value === MemberState.UNREVOKED_PARTITIONS
    ? value
    : MemberState.UNRELEASED_PARTITIONS;
}

type StoredPartitions = ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions'];

function ownedValue(owned: Owned): StoredPartitions {
  return [...owned].map(([topicId, partitions]) => {
    const sorted = [...partitions].sort(([a], [b]) => a - b);
    return {
      topicId,
      partitions: sorted.map(([partition]) => partition),
      assignmentEpochs: sorted.map(([, epoch]) => epoch),
    };
  });
}

/** Records without epochs (Kafka before 4.3) are as if all had been given at the member's epoch. */
function ownedOf(stored: StoredPartitions, memberEpoch: number): Owned {
  return new Map(
    stored.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((one, index) => [one, assignmentEpochs?.[index] ?? memberEpoch])),
    ]),
  );
}

export function sameSubscription(a: Subscription, b: Subscription): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.topicRegex === b.topicRegex &&
    a.serverAssignor === b.serverAssignor &&
    sameNames(a.topicNames, b.topicNames) &&
    sameClassic(a.classic, b.classic)
  );
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

function sameClassic(a: ClassicMetadata | null, b: ClassicMetadata | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.supportedProtocols.length === b.supportedProtocols.length &&
    a.supportedProtocols.every((protocol, index) => {
      const other = b.supportedProtocols[index];
      return other?.name === protocol.name && other.metadata.equals(protocol.metadata);
    })
  );
}

export function samePartitions(a: Partitions, b: Partitions): boolean {
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions) if (!others.has(partition)) return false;
  }
  return true;
}

/** Whether both hold the same partitions, whatever their epochs. */
export function sameOwned(a: Owned, b: Owned): boolean {
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions.keys()) if (!others.has(partition)) return false;
  }
  return true;
}
