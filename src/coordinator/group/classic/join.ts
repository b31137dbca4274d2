// JoinGroup: new members, members that come back, static members under a new id.

import { assert } from '../../../base/errors.ts';
import { KafkaError } from '../../../base/kafka-errors.ts';
import type { Random } from '../../../base/ports.ts';
import { storable } from '../../../base/storable.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../../protocol/index.ts';
import { newMemberJoinTimeoutMs } from '../../config.ts';
import { fitBatch } from '../../records.ts';
import type { Ticket } from '../../step.ts';
import { classicFacts } from '../../timeline/facts.ts';
import { type GroupStep, type RequestContext, timerKey } from '../types.ts';
import type { ClassicGroup, Member } from './classic-group.ts';
import {
  completeJoinIfAll,
  dropMember,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  restartSession,
} from './rebalance.ts';
import { joinError, joined, syncError } from './replies.ts';
import { hasToGiveUp } from './subscription.ts';

/** One JoinGroup under way. */
export interface Join {
  readonly request: JoinGroupRequest;
  readonly context: RequestContext;
  readonly ticket: Ticket<JoinGroupResponse>;
}

/** From this version a new member must come back with the id it was given (KIP-394). */
const memberIdRequiredSince = 4;
/** From this version a static leader can be told to leave the assignment as it is (KIP-814). */
const skipAssignmentSince = 9;

/** Clients have a handful. What a member says is kept as long as it is in, and a million of them in a small request. */
const PROTOCOLS_MAX = 100;

/** What is kept of a member must be little, and its strings fit records. Throws INVALID_REQUEST. */
export function checkKeepable(request: JoinGroupRequest, context: RequestContext): void {
  const { groupInstanceId, protocolType, protocols } = request;
  if (protocols.length > PROTOCOLS_MAX) {
    const message = `a member has at most ${PROTOCOLS_MAX} protocols, not ${protocols.length}`;
    throw new KafkaError('INVALID_REQUEST', message);
  }
  const texts = [groupInstanceId, protocolType, context.clientId, context.clientHost];
  if (![...texts, ...protocols.map(({ name }) => name)].every(storable)) {
    throw new KafkaError('INVALID_REQUEST', 'a string in the request is too long to be stored');
  }
}

/** Refuses what no group could accept. Throws KafkaError. */
export function checkJoin(request: JoinGroupRequest, step: GroupStep): void {
  const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = step.config;
  const { sessionTimeoutMs } = request;
  if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
    throw new KafkaError(
      'INVALID_SESSION_TIMEOUT',
      `the session timeout must be ${groupMinSessionTimeoutMs} to ${groupMaxSessionTimeoutMs} ms`,
    );
  }
}

/** Joins a group that exists. Answers now, or when the rebalance completes. */
export function joinGroup(group: ClassicGroup, join: Join, step: GroupStep): void {
  const { request, ticket } = join;
  const { memberId } = request;
  if (!hasRoom(group, memberId, step)) {
    if (memberId !== '') {
      dropMember(group, memberId, 'GROUP_MAX_SIZE_REACHED', step);
      completeJoinIfAll(group, step);
    }
    step.reply(ticket, joinError('', 'GROUP_MAX_SIZE_REACHED'));
    return;
  }
  if (!group.supportsProtocols(request.protocolType, request.protocols)) {
    step.reply(ticket, joinError(memberId, 'INCONSISTENT_GROUP_PROTOCOL'));
    return;
  }
  if (memberId === '') joinAsNew(group, join, step);
  else joinAsKnown(group, join, step);
}

function hasRoom(group: ClassicGroup, memberId: string, step: GroupStep): boolean {
  const { groupMaxSize } = step.config;
  const member = group.members.get(memberId);
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true;
    // Only those who come back count, so that a group over the limit shrinks to it.
    case 'PreparingRebalance':
      return (
        (member !== undefined && member.awaitingJoin !== null) ||
        group.awaitingJoinCount < groupMaxSize
      );
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.members.size < groupMaxSize;
  }
}

function joinAsNew(group: ClassicGroup, join: Join, step: GroupStep): void {
  const { request, context, ticket } = join;
  const { groupInstanceId } = request;
  const memberId = newMemberId(groupInstanceId ?? context.clientId, step.random);
  if (groupInstanceId !== null) {
    const current = group.staticMemberId(groupInstanceId);
    const old = current === undefined ? undefined : group.members.get(current);
    if (old === undefined) addMember(group, memberId, join, step);
    else takeOverStatic(group, { ...join, old, memberId }, step);
    return;
  }
  if (context.apiVersion < memberIdRequiredSince) {
    addMember(group, memberId, join, step);
    return;
  }
  group.pendingJoin.add(memberId);
  restartSession(group, memberId, request.sessionTimeoutMs, step);
  step.reply(ticket, joinError(memberId, 'MEMBER_ID_REQUIRED'));
}

function joinAsKnown(group: ClassicGroup, join: Join, step: GroupStep): void {
  const { request, ticket } = join;
  const { memberId, groupInstanceId } = request;
  if (group.pendingJoin.has(memberId)) {
    if (groupInstanceId !== null) {
      // Ids given out for the handshake are for dynamic members.
      step.reply(ticket, joinError(memberId, 'UNKNOWN_MEMBER_ID'));
      return;
    }
    addMember(group, memberId, join, step);
    return;
  }
  const member = requireJoining(group, join, step);
  if (member === null) return;
  const again = sameProtocols(member, request);
  switch (group.state) {
    case 'PreparingRebalance':
      updateAndRebalance(group, member, join, step);
      return;
    case 'CompletingRebalance':
      // It may have missed the answer to its last JoinGroup: the same answer again, no new rebalance.
      if (again) answerCurrent(group, member, ticket, step);
      else updateAndRebalance(group, member, join, step);
      return;
    case 'Stable':
      // A leader that joins asks for a rebalance (topics have changed, say); a follower with news brings one about.
      if (group.isLeader(memberId) || !again) updateAndRebalance(group, member, join, step);
      else step.reply(ticket, joined(group, member, []));
      return;
    case 'Empty':
    case 'Dead':
      step.reply(ticket, joinError(memberId, 'UNKNOWN_MEMBER_ID'));
  }
}

function requireJoining(group: ClassicGroup, join: Join, step: GroupStep): Member | null {
  const { memberId, groupInstanceId } = join.request;
  try {
    return group.requireMember(memberId, groupInstanceId);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    step.reply(join.ticket, joinError(memberId, error.code));
    return null;
  }
}

function answerCurrent(
  group: ClassicGroup,
  member: Member,
  ticket: Ticket<JoinGroupResponse>,
  step: GroupStep,
): void {
  const members = group.isLeader(member.memberId) ? group.memberList() : [];
  step.reply(ticket, joined(group, member, members));
}

function sameProtocols(member: Member, request: JoinGroupRequest): boolean {
  return (
    member.protocols.length === request.protocols.length &&
    member.protocols.every((protocol, index) => {
      const other = request.protocols[index];
      return other?.name === protocol.name && other.metadata.equals(protocol.metadata);
    })
  );
}

function addMember(group: ClassicGroup, memberId: string, join: Join, step: GroupStep): void {
  const { request, context, ticket } = join;
  const member: Member = {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutOf(request),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocolType: request.protocolType,
    protocols: ownProtocols(request),
    assignment: Buffer.alloc(0),
    awaitingJoin: ticket,
    awaitingSync: null,
    isNew: true,
    heardMs: step.nowMs,
    connectionId: context.connectionId ?? null,
  };
  group.add(member);
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') {
    group.newMemberAdded = true;
  }
  restartSession(group, memberId, newMemberJoinTimeoutMs, step);
  step.note({
    kind: 'joined',
    groupId: group.groupId,
    member: classicFacts(member),
    again: false,
  });
  rebalanceOrCompleteJoin(group, `member ${memberId} joins`, step);
}

function updateAndRebalance(
  group: ClassicGroup,
  member: Member,
  join: Join,
  step: GroupStep,
): void {
  updateMember(group, member, join, step);
  const { groupId } = group;
  step.note({ kind: 'joined', groupId, member: classicFacts(member), again: true });
  rebalanceOrCompleteJoin(group, `member ${member.memberId} joins again`, step);
}

function updateMember(group: ClassicGroup, member: Member, join: Join, step: GroupStep): void {
  const { request, ticket, context } = join;
  member.connectionId = context.connectionId ?? null;
  group.setProtocols(member, ownProtocols(request));
  member.rebalanceTimeoutMs = rebalanceTimeoutOf(request);
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  // A JoinGroup sent again, its first connection probably gone: that one need not wait any more.
  if (member.awaitingJoin !== null) {
    step.reply(member.awaitingJoin, joinError(member.memberId, 'REBALANCE_IN_PROGRESS'));
  }
  group.setAwaitingJoin(member, ticket);
}

/** KIP-345: a restarted static member gets a new id in the old place. */
function takeOverStatic(
  group: ClassicGroup,
  join: Join & { readonly old: Member; readonly memberId: string },
  step: GroupStep,
): void {
  const { old, memberId, request, ticket, context } = join;
  const formerLeader = group.leaderId;
  const subscription = old.protocols.find(({ name }) => name === group.protocolName)?.metadata;
  const wasToJoin =
    group.protocolType === 'consumer' &&
    subscription !== undefined &&
    hasToGiveUp(subscription, old.assignment);
  fence(group, old, step);
  const member = group.replaceStatic(old, memberId);
  member.clientId = context.clientId;
  member.clientHost = context.clientHost;
  updateMember(group, member, join, step);
  restartSession(group, memberId, request.sessionTimeoutMs, step);
  const { groupId } = group;
  const replaced = { member: classicFacts(member), formerId: old.memberId };
  step.note({ kind: 'replaced', groupId, ...replaced });
  switch (group.state) {
    case 'Stable': {
      if (group.selectProtocol() !== group.protocolName) {
        rebalanceOrCompleteJoin(group, `static member ${memberId} changes the protocol`, step);
        return;
      }
      if (wasToJoin) {
        // It ended before it could: without a rebalance what it gave up would be nobody's.
        prepareRebalance(
          group,
          `static member ${memberId} takes over, and gives up partitions`,
          step,
        );
        return;
      }
      const record = { kind: 'group', group: group.groupId, value: group.toValue() } as const;
      if (!fitBatch([record], step.config.messageMaxBytes)) {
        rebalanceOrCompleteJoin(group, `static member ${memberId} says too much to store`, step);
        return;
      }
      // Nothing changes for the others: no rebalance, only the new id made durable before it is told.
      step.append(record);
      group.setAwaitingJoin(member, null);
      member.isNew = false;
      if (context.apiVersion >= skipAssignmentSince) {
        const leads = group.isLeader(memberId);
        const members = leads ? group.memberList() : [];
        step.reply(ticket, { ...joined(group, member, members), skipAssignment: leads });
      } else {
        // The former leader's id keeps old clients from assigning again for a generation that has an assignment.
        step.reply(ticket, { ...joined(group, member, []), leader: formerLeader ?? '' });
      }
      return;
    }
    case 'CompletingRebalance':
      prepareRebalance(group, `static member ${memberId} takes over`, step);
      return;
    case 'PreparingRebalance':
      completeJoinIfAll(group, step);
      return;
    case 'Empty':
    case 'Dead':
      assert(false, 'a group with a static member is not empty');
  }
}

function fence(group: ClassicGroup, old: Member, step: GroupStep): void {
  step.cancel(timerKey.session(group.groupId, old.memberId));
  const { awaitingJoin, awaitingSync } = old;
  if (awaitingJoin !== null) {
    step.reply(awaitingJoin, joinError(old.memberId, 'FENCED_INSTANCE_ID'));
  }
  if (awaitingSync !== null) step.reply(awaitingSync, syncError('FENCED_INSTANCE_ID'));
}

function rebalanceTimeoutOf(request: JoinGroupRequest): number {
  // v0 has no rebalance timeout: the session timeout served for both.
  return request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs;
}

/** Copies, since a request's buffers are views of a much larger frame. */
function ownProtocols(request: JoinGroupRequest): Member['protocols'] {
  return request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }));
}

/** As Kafka's: name of the instance or client, and a random UUID. The name is cut: the id must be storable. */
function newMemberId(name: string, random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const uuid = [8, 12, 16, 20, 32].map((end, index) => hex.slice([0, 8, 12, 16, 20][index], end));
  return `${name.slice(0, 1024)}-${uuid.join('-')}`;
}
