// Online migration between the classic and the consumer protocol, both ways (KIP-848). A classic group becomes a
// consumer group when its first member of the new protocol joins; its classic members go on in it. It becomes classic
// again when the last member of the new protocol is gone. Nobody loses a partition by it.
// Source of the rules and of the texts: org.apache.kafka.coordinator.group.GroupMetadataManager (4.3).

import { KafkaError } from '../../../base/kafka-errors.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  ProtocolError,
} from '../../../protocol/index.ts';
import { classicFacts, classicHeld, consumerFacts, consumerHeld } from '../../timeline/facts.ts';
import { ClassicGroup, type Member } from '../classic/classic-group.ts';
import { prepareRebalance, restartSession } from '../classic/rebalance.ts';
import { joined, syncError } from '../classic/replies.ts';
import { type GroupStep, timerKey } from '../types.ts';
import { assignmentBytes, byId, watch } from './classic-members.ts';
import { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerMember,
  MemberState,
  newMember,
  type Owned,
  type Partitions,
  subscriptionValue,
} from './member.ts';
import { cancelTimers, endGroup } from './membership.ts';
import { checkFits, emit, putCurrent, putTarget, restartConsumerSession } from './update.ts';

function refused(group: ClassicGroup, why: string): KafkaError {
  const message = `Cannot upgrade classic group ${group.groupId} to consumer group because ${why}.`;
  return new KafkaError('GROUP_ID_NOT_FOUND', message);
}

/** What such an assignor tells its members beside partitions would be lost. */
const customAssignor =
  'an unsupported custom assignor is in use. Please refer to the documentation or switch to a ' +
  'default assignor before re-attempting the upgrade';

/** A member of the classic group, as it will be in the consumer group. */
interface Upgraded {
  readonly member: ConsumerMember;
  readonly target: Partitions;
}

/** Makes a consumer group of a classic one that has members. Throws KafkaError before anything is changed. */
export function upgrade(classic: ClassicGroup, step: GroupStep): ConsumerGroup {
  const { groupConsumerMigrationPolicy: policy, groupConsumerMaxSize } = step.config;
  if (policy !== 'upgrade' && policy !== 'bidirectional') {
    throw refused(classic, 'online upgrade is disabled');
  }
  if (!classic.usesConsumerProtocol) {
    throw refused(classic, 'the group does not use the consumer embedded protocol');
  }
  if (classic.members.size > groupConsumerMaxSize) {
    throw refused(classic, 'the group exceeds the consumer group maximum size');
  }
  const taken = new Set<string>();
  const members = [...classic.members.values()].map((member) =>
    upgraded(classic, member, taken, step),
  );
  for (const { member } of members) checkFits(classic, member.memberId, member, step);
  dismiss(classic, step);
  const { groupId } = classic;
  const group = new ConsumerGroup(groupId);
  for (const { member } of members) {
    const value = subscriptionValue(member);
    emit(group, { kind: 'consumer-member', group: groupId, member: member.memberId, value }, step);
  }
  const epoch = classic.generation;
  // No topics have this digest, so a new epoch and target follow at once. A static member that comes back with the new
  // protocol would not bring one about by itself, and a cooperative leader may have held partitions back.
  const metadataHash = 0;
  emit(group, { kind: 'consumer-group', group: groupId, value: { epoch, metadataHash } }, step);
  for (const { member, target } of members) putTarget(group, member.memberId, target, step);
  // Made by nobody's clock, so that the first target of the new protocol waits for nothing.
  const value = { assignmentEpoch: epoch, assignmentTimestamp: 0 };
  emit(group, { kind: 'consumer-target-epoch', group: groupId, value }, step);
  for (const { member } of members) {
    putCurrent(group, member, step);
    restartConsumerSession(group, member, step);
    const answered = classic.members.get(member.memberId)?.awaitingJoin ?? null;
    if (answered !== null) watch(group, member, 'sync', step);
  }
  const all = [...group.members.values()];
  step.note({
    kind: 'migrated',
    protocol: 'consumer',
    groupId,
    epoch,
    members: all.map((member) => consumerFacts(group, member)),
    held: consumerHeld(all),
  });
  step.logger.info({ groupId, epoch }, 'group: upgraded to the consumer protocol');
  return group;
}

function upgraded(
  classic: ClassicGroup,
  member: Member,
  taken: Set<string>,
  step: GroupStep,
): Upgraded {
  let topics: readonly string[];
  let rackId: string | null;
  let target: Partitions;
  try {
    const chosen = classic.metadataOf(member);
    const metadata = chosen.length > 0 ? chosen : (member.protocols[0]?.metadata ?? chosen);
    ({ topics, rackId } = decodeVersioned(ConsumerProtocolSubscription, metadata, 'as-newest'));
    target = uniquePartitions(assignmentOf(classic, member, step), taken);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw refused(classic, 'the embedded consumer protocol is malformed');
  }
  const { memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs } = member;
  const epoch = classic.generation;
  return {
    target,
    member: {
      ...newMember(memberId),
      instanceId: groupInstanceId,
      rackId,
      clientId,
      clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      topicNames: [...new Set(topics)].sort(),
      classic: {
        sessionTimeoutMs,
        supportedProtocols: member.protocols.map(({ name, metadata }) => ({ name, metadata })),
      },
      memberEpoch: epoch,
      previousEpoch: epoch,
      state: MemberState.STABLE,
      assigned: ownedAt(target, epoch),
    },
  };
}

function assignmentOf(classic: ClassicGroup, member: Member, step: GroupStep): Partitions {
  // Empty until the leader's assignment is there.
  if (member.assignment.length === 0) return new Map();
  const { assignedPartitions, userData } = decodeVersioned(
    ConsumerProtocolAssignment,
    member.assignment,
    'as-newest',
  );
  if (userData !== null && userData.length > 0) throw refused(classic, customAssignor);
  return byId(assignedPartitions, step.topics);
}

/** A leader of an own mind may have given a partition to two: here it has one owner. */
function uniquePartitions(assigned: Partitions, taken: Set<string>): Partitions {
  const unique = new Map<string, Set<number>>();
  for (const [topicId, partitions] of assigned) {
    const own = [...partitions].filter((partition) => !taken.has(`${topicId}/${partition}`));
    for (const partition of own) taken.add(`${topicId}/${partition}`);
    if (own.length > 0) unique.set(topicId, new Set(own));
  }
  return unique;
}

function ownedAt(partitions: Partitions, epoch: number): Owned {
  return new Map(
    [...partitions].map(([topicId, of]) => [topicId, new Map([...of].map((one) => [one, epoch]))]),
  );
}

/**
 * Ends the classic form of a group: who waits joins again, its timers stop, its record goes. A waiting JoinGroup is
 * answered as if it had led to something, and the SyncGroup that follows says to join again: Kafka refuses the
 * JoinGroup itself with REBALANCE_IN_PROGRESS, which librdkafka takes for an error of the application's.
 */
export function dismiss(classic: ClassicGroup, step: GroupStep): void {
  const { groupId } = classic;
  for (const member of classic.members.values()) {
    const { awaitingJoin, awaitingSync } = member;
    if (awaitingJoin !== null) {
      const { name = '' } = member.protocols[0] ?? {};
      step.reply(awaitingJoin, { ...joined(classic, member, []), protocolName: name, leader: '' });
    }
    if (awaitingSync !== null) step.reply(awaitingSync, syncError('REBALANCE_IN_PROGRESS'));
  }
  step.cancel(timerKey.join(groupId));
  step.cancel(timerKey.sync(groupId));
  for (const memberId of [...classic.members.keys(), ...classic.pendingJoin]) {
    step.cancel(timerKey.session(groupId, memberId));
  }
  if (classic.persisted) step.append({ kind: 'group', group: groupId, value: null });
}

/** Whether all who are left speak the classic protocol, and the group may follow them. */
export function mayDowngrade(group: ConsumerGroup, step: GroupStep): boolean {
  const { groupConsumerMigrationPolicy: policy, groupMaxSize } = step.config;
  const { size } = group.members;
  if (size === 0 || group.classicMemberCount < size || size > groupMaxSize) return false;
  return policy === 'downgrade' || policy === 'bidirectional';
}

/**
 * Makes a classic group of a consumer group whose members all speak the classic protocol. Its generation is the
 * group's epoch, so that members which follow it are not told that they have lost everything.
 * @param rebalance why the classic group is to rebalance at once; null when everybody has what the target says.
 */
export function downgrade(
  group: ConsumerGroup,
  rebalance: string | null,
  step: GroupStep,
): ClassicGroup {
  const { groupId } = group;
  const members = [...group.members.values()];
  const classic = ClassicGroup.load(groupId, {
    protocolType: 'consumer',
    generation: group.epoch,
    protocol: null,
    leader: members[0]?.memberId ?? null,
    currentStateTimestamp: step.nowMs,
    members: members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.classic?.sessionTimeoutMs ?? 0,
      subscription: Buffer.alloc(0),
      assignment: assignmentBytes(
        member.assigned,
        member.classic?.supportedProtocols[0]?.metadata,
        step.topics,
      ),
    })),
  });
  for (const { memberId, classic: spoken } of members) {
    cancelTimers(groupId, memberId, step);
    const member = classic.members.get(memberId);
    if (member !== undefined) classic.setProtocols(member, spoken?.supportedProtocols ?? []);
  }
  classic.protocolName = classic.selectProtocol();
  classic.subscribed = classic.computeSubscribed();
  endGroup(group, step);
  // A record without leader makes up for a rebalance that a stop of the broker cuts off: nothing else would tell
  // that the partitions of a member which is gone are with nobody.
  const value = classic.toValue();
  if (rebalance !== null) value.leader = null;
  step.append({ kind: 'group', group: groupId, value });
  for (const { memberId, sessionTimeoutMs } of classic.members.values()) {
    restartSession(classic, memberId, sessionTimeoutMs, step);
  }
  const all = [...classic.members.values()];
  step.note({
    kind: 'migrated',
    protocol: 'classic',
    groupId,
    epoch: classic.generation,
    members: all.map(classicFacts),
    held: classicHeld(all),
  });
  step.logger.info({ groupId, generation: classic.generation }, 'group: now classic');
  if (rebalance !== null) prepareRebalance(classic, rebalance, step);
  return classic;
}
