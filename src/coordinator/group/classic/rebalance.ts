// The phases of a rebalance: collect joins, begin a generation, hand out the leader's assignment.

import type { KafkaErrorName } from '../../../base/kafka-errors.ts';
import { classicFacts, classicHeld } from '../../timeline/facts.ts';
import type { GroupStep } from '../types.ts';
import { timerKey } from '../types.ts';
import type { ClassicGroup, Member } from './classic-group.ts';
import { joinError, joined, syncError, synced } from './replies.ts';

/** Gives the member `delayMs` from now to be heard of. */
export function restartSession(
  group: ClassicGroup,
  memberId: string,
  delayMs: number,
  step: GroupStep,
): void {
  const { groupId } = group;
  const member = group.members.get(memberId);
  if (member !== undefined) member.heardMs = step.nowMs;
  step.schedule(timerKey.session(groupId, memberId), delayMs, {
    kind: 'session',
    groupId,
    memberId,
  });
}

/** Takes a member out for good, or an id that was only given out: answers what it has parked, stops its timer. */
export function dropMember(
  group: ClassicGroup,
  memberId: string,
  reason: KafkaErrorName,
  step: GroupStep,
): void {
  step.cancel(timerKey.session(group.groupId, memberId));
  const member = group.remove(memberId);
  if (member === null) return;
  // The old id must not come back to a member that is told to join afresh.
  const known = reason === 'UNKNOWN_MEMBER_ID' ? '' : memberId;
  if (member.awaitingJoin !== null) step.reply(member.awaitingJoin, joinError(known, reason));
  if (member.awaitingSync !== null) step.reply(member.awaitingSync, syncError(reason));
}

/** A change in membership or metadata: starts a rebalance, or moves on one that is already collecting joins. */
export function rebalanceOrCompleteJoin(
  group: ClassicGroup,
  reason: string,
  step: GroupStep,
): void {
  if (group.state === 'PreparingRebalance') completeJoinIfAll(group, step);
  else prepareRebalance(group, reason, step);
}

export function prepareRebalance(group: ClassicGroup, reason: string, step: GroupStep): void {
  const { groupId } = group;
  if (group.state === 'CompletingRebalance') {
    for (const member of group.members.values()) {
      member.assignment = Buffer.alloc(0);
      if (member.awaitingSync === null) continue;
      step.reply(member.awaitingSync, syncError('REBALANCE_IN_PROGRESS'));
      member.awaitingSync = null;
      restartSession(group, member.memberId, member.sessionTimeoutMs, step);
    }
  }
  group.pendingSync.clear();
  step.cancel(timerKey.sync(groupId));
  const initial = group.state === 'Empty';
  group.transition('PreparingRebalance', step.nowMs);
  step.logger.info(
    { groupId, generation: group.generation, reason },
    'group: preparing a rebalance',
  );
  step.note({ kind: 'rebalancing', groupId, epoch: group.generation, reason });
  if (initial) {
    const delayMs = step.config.groupInitialRebalanceDelayMs;
    const remainingMs = Math.max(group.rebalanceTimeoutMs - delayMs, 0);
    step.schedule(timerKey.join(groupId), delayMs, { kind: 'join', groupId, delayMs, remainingMs });
    return;
  }
  if (group.allJoined) completeJoin(group, step);
  else waitForJoins(group, step);
}

/** Completes the join phase when nobody is missing, except during the initial delay, which runs its time. */
export function completeJoinIfAll(group: ClassicGroup, step: GroupStep): void {
  if (group.state === 'PreparingRebalance' && group.previousState !== 'Empty' && group.allJoined) {
    completeJoin(group, step);
  }
}

/** The time to join ran out; during the initial delay it is extended while new members come. */
export function joinTimeout(
  group: ClassicGroup,
  event: { readonly delayMs: number; readonly remainingMs: number | null },
  step: GroupStep,
): void {
  if (group.state !== 'PreparingRebalance') return;
  const { delayMs, remainingMs } = event;
  if (remainingMs === null || remainingMs === 0 || !group.newMemberAdded) {
    completeJoin(group, step);
    return;
  }
  group.newMemberAdded = false;
  const { groupId } = group;
  const nextDelayMs = Math.min(step.config.groupInitialRebalanceDelayMs, remainingMs);
  step.schedule(timerKey.join(groupId), nextDelayMs, {
    kind: 'join',
    groupId,
    delayMs: nextDelayMs,
    remainingMs: Math.max(remainingMs - delayMs, 0),
  });
}

function waitForJoins(group: ClassicGroup, step: GroupStep): void {
  const { groupId } = group;
  const delayMs = group.rebalanceTimeoutMs;
  step.schedule(timerKey.join(groupId), delayMs, {
    kind: 'join',
    groupId,
    delayMs,
    remainingMs: null,
  });
}

/** Drops who did not come, begins the next generation and answers all who wait. */
function completeJoin(group: ClassicGroup, step: GroupStep): void {
  const { groupId } = group;
  step.cancel(timerKey.join(groupId));
  // Static members keep their place until their session ends (KIP-345).
  for (const member of [...group.members.values()]) {
    if (member.awaitingJoin === null && member.groupInstanceId === null) {
      noteLate(group, member, 'join', step);
      dropMember(group, member.memberId, 'UNKNOWN_MEMBER_ID', step);
    }
  }
  if (group.members.size > 0 && !group.electJoinedLeader()) {
    // Only static members, none of them back: their session timers decide.
    waitForJoins(group, step);
    return;
  }
  group.newMemberAdded = false;
  group.nextGeneration(step.nowMs);
  step.logger.info(
    { groupId, generation: group.generation, members: group.members.size, state: group.state },
    'group: new generation',
  );
  step.note({
    kind: 'generation',
    protocol: 'classic',
    groupId,
    epoch: group.generation,
    members: group.members.size,
    leaderId: group.leaderId,
    assignor: group.protocolName,
  });
  if (group.members.size === 0) {
    step.append({ kind: 'group', group: groupId, value: group.toValue() });
    return;
  }
  for (const member of group.members.values()) {
    if (member.awaitingJoin !== null) {
      const members = group.isLeader(member.memberId) ? group.memberList() : [];
      step.reply(member.awaitingJoin, joined(group, member, members));
      group.setAwaitingJoin(member, null);
    }
    restartSession(group, member.memberId, member.sessionTimeoutMs, step);
    member.isNew = false;
    group.pendingSync.add(member.memberId);
  }
  const { generation } = group;
  step.schedule(timerKey.sync(groupId), group.rebalanceTimeoutMs, {
    kind: 'sync',
    groupId,
    generation,
  });
}

/** SyncGroup arrived from this member; when it was the last, nobody needs to be timed out. */
export function receivedSync(group: ClassicGroup, memberId: string, step: GroupStep): void {
  if (group.pendingSync.delete(memberId) && group.pendingSync.size === 0) {
    step.cancel(timerKey.sync(group.groupId));
  }
}

/** The time to sync ran out: members that did not are out. */
export function syncTimeout(group: ClassicGroup, generation: number, step: GroupStep): void {
  if (group.generation !== generation || group.pendingSync.size === 0) return;
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
  const missing = [...group.pendingSync];
  for (const memberId of missing) {
    const member = group.members.get(memberId);
    if (member !== undefined) noteLate(group, member, 'sync', step);
    dropMember(group, memberId, 'UNKNOWN_MEMBER_ID', step);
  }
  prepareRebalance(group, `no SyncGroup in time from ${missing.join(', ')}`, step);
}

/** The leader's assignment is on disk: it is in force, unless a newer rebalance has overtaken it. */
export function assignmentCommitted(
  group: ClassicGroup,
  generation: number,
  assignment: ReadonlyMap<string, Buffer>,
  step: GroupStep,
): void {
  if (group.state !== 'CompletingRebalance' || group.generation !== generation) return;
  group.transition('Stable', step.nowMs);
  for (const member of group.members.values()) {
    member.assignment = assignment.get(member.memberId) ?? Buffer.alloc(0);
    answerSync(group, member, step);
  }
  const { groupId } = group;
  step.note({
    kind: 'assigned',
    groupId,
    epoch: generation,
    held: classicHeld(group.members.values()),
    lastId: null,
  });
}

function noteLate(
  group: ClassicGroup,
  member: Member,
  phase: 'join' | 'sync',
  step: GroupStep,
): void {
  const { groupId, rebalanceTimeoutMs: limitMs } = group;
  step.note({ kind: 'removed', groupId, member: classicFacts(member), phase, limitMs });
}

function answerSync(group: ClassicGroup, member: Member, step: GroupStep): void {
  if (member.awaitingSync === null) return;
  step.reply(member.awaitingSync, synced(group, member));
  member.awaitingSync = null;
  restartSession(group, member.memberId, member.sessionTimeoutMs, step);
}
