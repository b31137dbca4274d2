// SyncGroup, Heartbeat, LeaveGroup and the end of sessions.

import { ErrorCode, KafkaError, type KafkaErrorName } from '../../../base/kafka-errors.ts';
import type {
  HeartbeatRequest,
  LeaveGroupRequest,
  LeaveGroupResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '../../../protocol/index.ts';
import { newMemberJoinTimeoutMs } from '../../config.ts';
import { fitBatch } from '../../records.ts';
import type { Ticket } from '../../step.ts';
import { classicFacts } from '../../timeline/facts.ts';
import type { GroupStep } from '../types.ts';
import type { ClassicGroup, Member } from './classic-group.ts';
import {
  completeJoinIfAll,
  dropMember,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  receivedSync,
  restartSession,
} from './rebalance.ts';
import { syncError, synced } from './replies.ts';

/** One SyncGroup under way. */
export interface Sync {
  readonly request: SyncGroupRequest;
  readonly ticket: Ticket<SyncGroupResponse>;
}

/** Answers with the assignment, now or once the leader's is durable. Throws KafkaError. */
export function syncGroup(group: ClassicGroup, sync: Sync, step: GroupStep): void {
  const { request, ticket } = sync;
  const member = group.requireMember(request.memberId, request.groupInstanceId);
  requireGeneration(group, request.generationId);
  const { protocolType, protocolName } = request;
  if (
    (protocolType !== null && protocolType !== group.protocolType) ||
    (protocolName !== null && protocolName !== group.protocolName)
  ) {
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', 'the group has chosen another protocol');
  }
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      throw new KafkaError('UNKNOWN_MEMBER_ID', 'the group has no members');
    case 'PreparingRebalance':
      throw new KafkaError('REBALANCE_IN_PROGRESS', 'the group is collecting its members');
    case 'CompletingRebalance':
      awaitAssignment(group, member, ticket, step);
      receivedSync(group, member.memberId, step);
      if (group.isLeader(member.memberId)) storeAssignment(group, request, step);
      return;
    case 'Stable':
      receivedSync(group, member.memberId, step);
      restartSession(group, member.memberId, member.sessionTimeoutMs, step);
      step.reply(ticket, synced(group, member));
  }
}

function awaitAssignment(
  group: ClassicGroup,
  member: Member,
  ticket: Ticket<SyncGroupResponse>,
  step: GroupStep,
): void {
  // SyncGroup sent again: the first one's connection is probably gone.
  if (member.awaitingSync !== null) {
    step.reply(member.awaitingSync, syncError('REBALANCE_IN_PROGRESS'));
  }
  member.awaitingSync = ticket;
  step.logger.debug({ groupId: group.groupId, memberId: member.memberId }, 'group: awaits sync');
}

function storeAssignment(group: ClassicGroup, request: SyncGroupRequest, step: GroupStep): void {
  const { groupId, generation } = group;
  const assignment = new Map<string, Buffer>();
  for (const one of request.assignments) {
    assignment.set(one.memberId, Buffer.from(one.assignment));
  }
  const record = { kind: 'group', group: groupId, value: group.toValue(assignment) } as const;
  if (!fitBatch([record], step.config.messageMaxBytes)) {
    refuseAssignment(group, step);
    return;
  }
  step.append(record);
  step.whenCommitted({ kind: 'assigned', groupId, generation, assignment });
}

/**
 * The group, with what its members say of themselves and what they are to do, is larger than the
 * log takes. They hear of it as from Kafka (`appendGroupMetadataErrorToResponseError`), and those
 * that come back make a new generation.
 */
function refuseAssignment(group: ClassicGroup, step: GroupStep): void {
  const { groupId } = group;
  step.logger.warn({ groupId }, 'group: its assignment is larger than message.max.bytes');
  for (const member of group.members.values()) {
    if (member.awaitingSync === null) continue;
    step.reply(member.awaitingSync, syncError('UNKNOWN_SERVER_ERROR'));
    member.awaitingSync = null;
    restartSession(group, member.memberId, member.sessionTimeoutMs, step);
  }
  prepareRebalance(group, 'the assignment is too large to be stored', step);
}

/** Keeps the member alive. Throws KafkaError; REBALANCE_IN_PROGRESS keeps it alive too. */
export function heartbeat(group: ClassicGroup, request: HeartbeatRequest, step: GroupStep): void {
  const member = group.requireMember(request.memberId, request.groupInstanceId);
  requireGeneration(group, request.generationId);
  if (group.state === 'Empty' || group.state === 'Dead') {
    throw new KafkaError('UNKNOWN_MEMBER_ID', 'the group has no members');
  }
  restartSession(group, member.memberId, member.sessionTimeoutMs, step);
}

/** What a heartbeat hears from a group in this state. */
export function heartbeatCode(group: ClassicGroup): number {
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

/** Takes the named members out and answers for each. */
export function leaveGroup(
  group: ClassicGroup,
  members: LeaveGroupRequest['members'],
  step: GroupStep,
): LeaveGroupResponse['members'] {
  const answers: LeaveGroupResponse['members'] = [];
  const gone: string[] = [];
  for (const leaving of members) {
    const { memberId, groupInstanceId } = leaving;
    const name = leaveOne(group, leaving, step);
    answers.push({ memberId, groupInstanceId, errorCode: ErrorCode[name] });
    if (name === 'NONE') gone.push(groupInstanceId ?? memberId);
  }
  if (gone.length > 0) memberGone(group, `${gone.join(', ')} left`, step);
  return answers;
}

function leaveOne(
  group: ClassicGroup,
  { memberId, groupInstanceId, reason }: LeaveGroupRequest['members'][number],
  step: GroupStep,
): KafkaErrorName {
  if (memberId === '') {
    // An administrator takes out a static member by its instance id alone.
    const current = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId);
    if (current === undefined) return 'UNKNOWN_MEMBER_ID';
    noteLeft(group, current, reason, step);
    dropMember(group, current, 'UNKNOWN_MEMBER_ID', step);
    return 'NONE';
  }
  if (!group.pendingJoin.has(memberId)) {
    try {
      group.requireMember(memberId, groupInstanceId);
    } catch (error) {
      if (error instanceof KafkaError) return error.code;
      throw error;
    }
  }
  noteLeft(group, memberId, reason, step);
  dropMember(group, memberId, 'UNKNOWN_MEMBER_ID', step);
  return 'NONE';
}

function noteLeft(
  group: ClassicGroup,
  memberId: string,
  reason: string | null,
  step: GroupStep,
): void {
  const member = group.members.get(memberId);
  // An id that was given out and not used yet was never in.
  if (member === undefined) return;
  const { groupId } = group;
  step.note({ kind: 'left', groupId, member: classicFacts(member), reason, returns: false });
}

/** A member's session ended without a sign of life. */
export function sessionTimeout(group: ClassicGroup, memberId: string, step: GroupStep): void {
  if (group.pendingJoin.has(memberId)) {
    dropMember(group, memberId, 'UNKNOWN_MEMBER_ID', step);
    completeJoinIfAll(group, step);
    return;
  }
  const member = group.members.get(memberId);
  if (member === undefined) return;
  // It waits for us, so it need not speak; its session starts again with our answer. A new member is the exception:
  // nothing else would ever end it if its connection broke while it waited.
  const waits = member.awaitingJoin !== null || member.awaitingSync !== null;
  if (waits && !member.isNew) return;
  const limitMs = member.isNew ? newMemberJoinTimeoutMs : member.sessionTimeoutMs;
  const removed = { phase: 'session', limitMs, member: classicFacts(member) } as const;
  step.note({ kind: 'removed', groupId: group.groupId, ...removed });
  dropMember(group, memberId, 'UNKNOWN_MEMBER_ID', step);
  memberGone(group, `member ${memberId} was not heard of in time`, step);
}

function memberGone(group: ClassicGroup, reason: string, step: GroupStep): void {
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
    rebalanceOrCompleteJoin(group, reason, step);
  } else {
    completeJoinIfAll(group, step);
  }
}

function requireGeneration(group: ClassicGroup, generation: number): void {
  if (generation !== group.generation) {
    throw new KafkaError('ILLEGAL_GENERATION', `the group's generation is ${group.generation}`);
  }
}
