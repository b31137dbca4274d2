// The assignors on the broker's side (KIP-848): pure functions from subscriptions and the last target to the next one.
//
// - uniform: everybody gets about the same number of partitions, and keeps what it had where that allows it.
// - range: every topic is cut into ranges in the order of the members, so that equal partitions of topics of equal
//   size meet in one member.

import type { Partitions } from './member.ts';

export interface AssignorMember {
  readonly instanceId: string | null;
  /** Ids of the topics it asks for. */
  readonly topicIds: ReadonlySet<string>;
  /** Its last target. */
  readonly current: Partitions;
}

export interface AssignorInput {
  readonly members: ReadonlyMap<string, AssignorMember>;
  /** Number of partitions; 0 for a topic that is gone. */
  partitionCount(topicId: string): number;
}

/** Member id → its partitions. Every member is in it. */
export type TargetAssignment = Map<string, Map<string, Set<number>>>;

export type Assignor = (input: AssignorInput) => TargetAssignment;

/** By the names that clients ask for in `group.remote.assignor`. */
export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', uniform],
  ['range', range],
]);

interface Share {
  readonly memberId: string;
  readonly topicIds: ReadonlySet<string>;
  readonly partitions: Map<string, Set<number>>;
  size: number;
}

function range(input: AssignorInput): TargetAssignment {
  const result: TargetAssignment = new Map();
  const byTopic = new Map<string, string[]>();
  for (const memberId of inRangeOrder(input.members)) {
    result.set(memberId, new Map());
    for (const topicId of input.members.get(memberId)?.topicIds ?? []) {
      const subscribers = byTopic.get(topicId);
      if (subscribers === undefined) byTopic.set(topicId, [memberId]);
      else subscribers.push(memberId);
    }
  }
  for (const [topicId, subscribers] of byTopic) {
    const count = input.partitionCount(topicId);
    const least = Math.floor(count / subscribers.length);
    const withOneMore = count % subscribers.length;
    let from = 0;
    subscribers.forEach((memberId, index) => {
      const size = least + (index < withOneMore ? 1 : 0);
      const partitions = Array.from({ length: size }, (_, offset) => from + offset);
      if (size > 0) result.get(memberId)?.set(topicId, new Set(partitions));
      from += size;
    });
  }
  return result;
}

/** Static members come first by their names, which outlive their member ids, so a restart moves nothing. */
function inRangeOrder(members: AssignorInput['members']): string[] {
  const order = (memberId: string): string => {
    const instanceId = members.get(memberId)?.instanceId ?? null;
    return instanceId === null ? `1${memberId}` : `0${instanceId}`;
  };
  return [...members.keys()].sort((a, b) => compare(order(a), order(b)));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function uniform(input: AssignorInput): TargetAssignment {
  const shares = [...input.members.keys()].sort(compare).map((memberId): Share => {
    const topicIds = input.members.get(memberId)?.topicIds ?? new Set<string>();
    return { memberId, topicIds, partitions: new Map(), size: 0 };
  });
  const topicIds = new Set(shares.flatMap((share) => [...share.topicIds]));
  const open = keepCurrent(input, shares, topicIds);
  if (isHomogeneous(shares, topicIds)) fillEvenly(shares, open);
  else fillAndBalance(shares, topicIds, open);
  return new Map(shares.map((share) => [share.memberId, share.partitions]));
}

/** Gives everybody what it had and may keep; answers what nobody has, by topic. */
function keepCurrent(
  input: AssignorInput,
  shares: readonly Share[],
  topicIds: ReadonlySet<string>,
): Map<string, number[]> {
  const taken = new Map<string, Set<number>>();
  for (const topicId of topicIds) taken.set(topicId, new Set());
  for (const share of shares) {
    for (const [topicId, partitions] of input.members.get(share.memberId)?.current ?? []) {
      const of = taken.get(topicId);
      if (of === undefined || !share.topicIds.has(topicId)) continue;
      const count = input.partitionCount(topicId);
      for (const partition of partitions) {
        if (partition >= count || of.has(partition)) continue;
        of.add(partition);
        give(share, topicId, partition);
      }
    }
  }
  const open = new Map<string, number[]>();
  for (const topicId of [...topicIds].sort(compare)) {
    const of = taken.get(topicId);
    const free: number[] = [];
    for (let partition = 0; partition < input.partitionCount(topicId); partition++) {
      if (of?.has(partition) !== true) free.push(partition);
    }
    open.set(topicId, free);
  }
  return open;
}

function isHomogeneous(shares: readonly Share[], topicIds: ReadonlySet<string>): boolean {
  return shares.every((share) => share.topicIds.size === topicIds.size);
}

/** All ask for the same: nobody has more than one partition more than another. */
function fillEvenly(shares: readonly Share[], open: Map<string, number[]>): void {
  const free: [string, number][] = [];
  for (const [topicId, partitions] of open) {
    for (const partition of partitions) free.push([topicId, partition]);
  }
  const total = shares.reduce((sum, { size }) => sum + size, free.length);
  const least = Math.floor(total / shares.length);
  let withOneMore = total % shares.length;
  // Those who have most may keep one more than the others.
  const bySize = [...shares].sort((a, b) => b.size - a.size);
  const quotas = bySize.map((share) => {
    const quota = withOneMore > 0 ? least + 1 : least;
    if (withOneMore > 0) withOneMore--;
    return { share, quota };
  });
  for (const { share, quota } of quotas) {
    while (share.size > quota) free.push(takeLast(share));
  }
  let index = 0;
  for (const { share, quota } of quotas) {
    while (share.size < quota) {
      const next = free[index++];
      if (next === undefined) return;
      give(share, next[0], next[1]);
    }
  }
}

/**
 * Subscriptions differ: what is free goes to whoever asks for it and has least; then partitions move from who has more
 * to who has at least two less. Each move brings the two closer, so it ends.
 */
function fillAndBalance(
  shares: readonly Share[],
  topicIds: ReadonlySet<string>,
  open: Map<string, number[]>,
): void {
  const subscribers = new Map(
    [...topicIds].map((id) => [id, shares.filter((share) => share.topicIds.has(id))]),
  );
  // Topics with few takers first: the others can still even things out.
  const order = [...topicIds].sort(
    (a, b) =>
      (subscribers.get(a)?.length ?? 0) - (subscribers.get(b)?.length ?? 0) || compare(a, b),
  );
  for (const topicId of order) {
    for (const partition of open.get(topicId) ?? []) {
      const taker = extreme(subscribers.get(topicId) ?? [], (a, b) => a.size < b.size);
      if (taker !== undefined) give(taker, topicId, partition);
    }
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (const topicId of order) {
      const of = subscribers.get(topicId) ?? [];
      for (;;) {
        const holders = of.filter((share) => share.partitions.has(topicId));
        const most = extreme(holders, (a, b) => a.size > b.size);
        const least = extreme(of, (a, b) => a.size < b.size);
        if (most === undefined || least === undefined || most.size < least.size + 2) break;
        const partition = Math.max(...(most.partitions.get(topicId) ?? []));
        take(most, topicId, partition);
        give(least, topicId, partition);
        moved = true;
      }
    }
  }
}

function extreme(
  shares: readonly Share[],
  better: (a: Share, b: Share) => boolean,
): Share | undefined {
  let best: Share | undefined;
  for (const share of shares) if (best === undefined || better(share, best)) best = share;
  return best;
}

function give(share: Share, topicId: string, partition: number): void {
  const partitions = share.partitions.get(topicId);
  if (partitions === undefined) share.partitions.set(topicId, new Set([partition]));
  else partitions.add(partition);
  share.size++;
}

function take(share: Share, topicId: string, partition: number): void {
  const partitions = share.partitions.get(topicId);
  partitions?.delete(partition);
  if (partitions?.size === 0) share.partitions.delete(topicId);
  share.size--;
}

/** Takes one away, from the topic of which the member has most. */
function takeLast(share: Share): [string, number] {
  let from = '';
  let most = 0;
  for (const [topicId, { size }] of share.partitions) {
    if (size <= most) continue;
    from = topicId;
    most = size;
  }
  const partition = Math.max(...(share.partitions.get(from) ?? []));
  take(share, from, partition);
  return [from, partition];
}
