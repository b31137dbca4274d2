// One member's next step towards its target: give up first, then take what is free (KIP-848).
//
//   STABLE ──new target──▶ UNREVOKED_PARTITIONS ──given up──▶ UNRELEASED_PARTITIONS ──all free──▶ STABLE
// A member that has to give up partitions keeps its epoch until it has; only then it goes on to the target's epoch and
// may get more. A partition that another member still has is not handed out, so it never has two owners.
// Source of the rules: org.apache.kafka.coordinator.group.modern.consumer.CurrentAssignmentBuilder (4.3).

import {
  type ConsumerMember,
  MemberState,
  noneOwned,
  type Owned,
  type Partitions,
} from './member.ts';

export interface Reconciliation {
  readonly targetEpoch: number;
  readonly target: Partitions;
  /** Ids of the topics that the member asks for and that exist. */
  readonly subscribed: ReadonlySet<string>;
  readonly subscriptionChanged: boolean;
  /** What the member says it has; null when it does not say. */
  readonly claimed: Partitions | null;
  /** Who has the partition now; undefined for nobody. */
  ownerOf(topicId: string, partition: number): string | undefined;
}

/** The member after the step; the same object when there is nothing to do. */
export function reconcile(member: ConsumerMember, to: Reconciliation): ConsumerMember {
  switch (member.state) {
    case MemberState.STABLE:
      if (member.memberEpoch !== to.targetEpoch) return next(member, to);
      return to.subscriptionChanged ? dropUnsubscribed(member, to) : member;
    case MemberState.UNREVOKED_PARTITIONS:
      if (!claims(to.claimed, member.pendingRevocation)) return next(member, to);
      return to.subscriptionChanged ? dropUnsubscribed(member, to) : member;
    case MemberState.UNRELEASED_PARTITIONS:
      return next(member, to);
  }
}

/** Silence counts as still having them. */
function claims(claimed: Partitions | null, pending: Owned): boolean {
  if (claimed === null) return true;
  for (const [topicId, partitions] of claimed) {
    const of = pending.get(topicId);
    if (of === undefined) continue;
    for (const partition of partitions) if (of.has(partition)) return true;
  }
  return false;
}

/** Takes topics away that the member does not ask for any more; a target without them follows with the next epoch. */
function dropUnsubscribed(member: ConsumerMember, to: Reconciliation): ConsumerMember {
  const assigned = new Map(member.assigned);
  const pending = new Map(member.pendingRevocation);
  for (const [topicId, partitions] of member.assigned) {
    if (to.subscribed.has(topicId)) continue;
    assigned.delete(topicId);
    pending.set(topicId, new Map([...(pending.get(topicId) ?? []), ...partitions]));
  }
  if (assigned.size === member.assigned.size) return member;
  if (claims(to.claimed, pending)) {
    const state = MemberState.UNREVOKED_PARTITIONS;
    return { ...member, state, assigned, pendingRevocation: pending };
  }
  return { ...member, assigned };
}

function next(member: ConsumerMember, to: Reconciliation): ConsumerMember {
  const kept = new Map<string, Map<number, number>>();
  const revoke = new Map<string, Map<number, number>>();
  for (const [topicId, partitions] of member.assigned) {
    const target = to.subscribed.has(topicId) ? to.target.get(topicId) : undefined;
    for (const [partition, epoch] of partitions) {
      put(target?.has(partition) === true ? kept : revoke, topicId, partition, epoch);
    }
  }
  if (claims(to.claimed, revoke) && revoke.size > 0) {
    const state = MemberState.UNREVOKED_PARTITIONS;
    return changed(member, { ...member, state, assigned: kept, pendingRevocation: revoke });
  }
  let unreleased = false;
  for (const [topicId, target] of to.target) {
    if (!to.subscribed.has(topicId)) continue;
    for (const partition of target) {
      if (kept.get(topicId)?.has(partition) === true) continue;
      const owner = to.ownerOf(topicId, partition);
      // What it has itself was to be given up and has been, so it may have it back.
      if (owner !== undefined && owner !== member.memberId) unreleased = true;
      else put(kept, topicId, partition, to.targetEpoch);
    }
  }
  return changed(member, {
    ...member,
    state: unreleased ? MemberState.UNRELEASED_PARTITIONS : MemberState.STABLE,
    memberEpoch: to.targetEpoch,
    previousEpoch:
      member.memberEpoch === to.targetEpoch ? member.previousEpoch : member.memberEpoch,
    assigned: kept,
    pendingRevocation: noneOwned,
  });
}

/** `after`, unless it says the same as `before`: an equal member needs no record. */
function changed(before: ConsumerMember, after: ConsumerMember): ConsumerMember {
  const same =
    before.state === after.state &&
    before.memberEpoch === after.memberEpoch &&
    sameEpochs(before.assigned, after.assigned) &&
    sameEpochs(before.pendingRevocation, after.pendingRevocation);
  return same ? before : after;
}

function sameEpochs(a: Owned, b: Owned): boolean {
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false;
  }
  return true;
}

function put(
  owned: Map<string, Map<number, number>>,
  topicId: string,
  partition: number,
  epoch: number,
): void {
  const partitions = owned.get(topicId);
  if (partitions === undefined) owned.set(topicId, new Map([[partition, epoch]]));
  else partitions.set(partition, epoch);
}
