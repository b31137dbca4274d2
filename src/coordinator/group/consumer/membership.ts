// How members go: they leave, are not heard of, do not give up partitions in time, or are replaced by a static twin.

import { consumerFacts, consumerHeld } from '../../timeline/facts.ts';
import type { GroupStep } from '../types.ts';
import { timerKey } from '../types.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, subscriptionValue } from './member.ts';
import type { ConsumerRecord } from './records.ts';
import {
  consumerTimer,
  dropUnusedRegex,
  emit,
  putCurrent,
  putTarget,
  restartConsumerSession,
  sessionTimeoutOf,
  watchRevocation,
} from './update.ts';

/** What comes to pass when a member was waited for long enough. */
export interface LateMember {
  readonly kind: 'consumer-late';
  readonly phase: 'session' | 'rebalance' | 'join' | 'sync';
  readonly groupId: string;
  readonly memberId: string;
  /** Counts only while the member is at this epoch; null always. */
  readonly memberEpoch: number | null;
}

/** Takes members out. What follows from it for the others is the caller's: a new epoch, or a classic group. */
export function removeMembers(
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
  reason: string,
  step: GroupStep,
): void {
  const { groupId } = group;
  for (const { memberId, topicRegex } of members) {
    forget(group, memberId, step);
    dropUnusedRegex(group, topicRegex, step);
    step.logger.info({ groupId, memberId, reason }, 'group: a member is out');
  }
}

/** Tells that a member goes by its own will; to be called while it is still in. */
export function noteConsumerLeft(
  group: ConsumerGroup,
  member: ConsumerMember,
  how: { readonly reason: string | null; readonly returns: boolean },
  step: GroupStep,
): void {
  const { groupId } = group;
  step.note({ kind: 'left', groupId, member: consumerFacts(group, member), ...how });
}

/** The records that end a member, and its timers. */
function forget(group: ConsumerGroup, memberId: string, step: GroupStep): void {
  const at = { group: group.groupId, member: memberId, value: null };
  emit(group, { kind: 'consumer-current', ...at }, step);
  emit(group, { kind: 'consumer-target', ...at }, step);
  emit(group, { kind: 'consumer-member', ...at }, step);
  cancelTimers(group.groupId, memberId, step);
}

export function cancelTimers(groupId: string, memberId: string, step: GroupStep): void {
  step.cancel(timerKey.session(groupId, memberId));
  for (const phase of ['rebalance', 'join', 'sync'] as const) {
    step.cancel(consumerTimer(phase, groupId, memberId));
  }
}

/** A static member came back under a new id: it takes the place, the target and the partitions of the old one. */
export function replaceMember(
  group: ConsumerGroup,
  old: ConsumerMember,
  as: { readonly memberId: string; readonly memberEpoch: number },
  step: GroupStep,
): ConsumerMember {
  const { groupId } = group;
  const target = group.targetOf(old.memberId);
  forget(group, old.memberId, step);
  const member: ConsumerMember = { ...old, ...as, previousEpoch: 0 };
  const value = subscriptionValue(member);
  emit(group, { kind: 'consumer-member', group: groupId, member: as.memberId, value }, step);
  putTarget(group, as.memberId, target, step);
  putCurrent(group, member, step);
  const facts = consumerFacts(group, member);
  step.note({ kind: 'replaced', groupId, member: facts, formerId: old.memberId });
  return group.requireMember(as.memberId);
}

/** Whether the time is up for the member as it is now; then it is taken out. */
export function memberLate(group: ConsumerGroup, event: LateMember, step: GroupStep): boolean {
  const member = group.members.get(event.memberId);
  if (member === undefined) return false;
  if (event.memberEpoch !== null && event.memberEpoch !== member.memberEpoch) return false;
  const phase = event.phase === 'rebalance' ? 'revoke' : event.phase;
  const limitMs =
    phase === 'session' ? sessionTimeoutOf(group, member, step) : member.rebalanceTimeoutMs;
  const facts = consumerFacts(group, member);
  step.note({ kind: 'removed', groupId: group.groupId, member: facts, phase, limitMs });
  removeMembers(group, [member], `no sign of life in time (${event.phase})`, step);
  return true;
}

/** Timers of a group that was read from the log. */
export function rearm(group: ConsumerGroup, step: GroupStep): void {
  const all = [...group.members.values()];
  if (group.state === 'Stable') group.settledEpoch = group.epoch;
  step.note({
    kind: 'loaded',
    protocol: 'consumer',
    groupId: group.groupId,
    epoch: group.epoch,
    members: all.map((member) => consumerFacts(group, member)),
    held: consumerHeld(all),
  });
  for (const member of group.members.values()) {
    restartConsumerSession(group, member, step);
    watchRevocation(group, member, step);
  }
}

/** The records that end a group without members. */
export function endGroup(group: ConsumerGroup, step: GroupStep): void {
  const { groupId } = group;
  for (const memberId of [...group.members.keys()]) forget(group, memberId, step);
  for (const regex of [...group.regexes.keys()]) {
    emit(group, { kind: 'consumer-regex', group: groupId, regex, value: null }, step);
  }
  const tombstones: ConsumerRecord[] = [
    { kind: 'consumer-target-epoch', group: groupId, value: null },
    { kind: 'consumer-group', group: groupId, value: null },
  ];
  for (const record of tombstones) emit(group, record, step);
}
