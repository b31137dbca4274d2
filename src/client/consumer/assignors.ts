// Who reads what: the assignments that the leader of a classic group makes. Pure. The rules are those of Kafka's
// RangeAssignor, RoundRobinAssignor, StickyAssignor and CooperativeStickyAssignor.

import type { TopicPartition } from '../admin-cluster.ts';
import { nameOf } from '../fetch-reading.ts';

/** A member as the leader sees it. */
export interface AssignMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly topics: ReadonlySet<string>;
  /** What it read before this rebalance, and in which generation it got that. */
  readonly owned: readonly TopicPartition[];
  readonly generation: number;
}

/** Partitions by member id; every member is in it. */
export type Assignment = Map<string, TopicPartition[]>;

/** By topic, of every topic that anybody subscribes to and that exists. */
export type PartitionCounts = ReadonlyMap<string, number>;

/** Names as members tell each other; `RoundRobinAssigner` is kafkajs's round robin. */
export type AssignorName =
  | 'cooperative-sticky'
  | 'range'
  | 'roundrobin'
  | 'sticky'
  | 'RoundRobinAssigner';

export interface Assignor {
  /** Whether members keep what they have while a rebalance goes on (KIP-429), or give up everything first. */
  readonly cooperative: boolean;
  assign(members: readonly AssignMember[], counts: PartitionCounts): Assignment;
}

/** Static members first and by their own names, so that a restart changes nothing. */
function inOrder(members: readonly AssignMember[]): AssignMember[] {
  const rank = ({ instanceId, memberId }: AssignMember): string =>
    instanceId === null ? `1${memberId}` : `0${instanceId}`;
  return [...members].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function emptyFor(members: readonly AssignMember[]): Assignment {
  return new Map(members.map(({ memberId }) => [memberId, []]));
}

function* allPartitions(counts: PartitionCounts): Generator<TopicPartition> {
  for (const topic of [...counts.keys()].sort()) {
    const count = counts.get(topic) ?? 0;
    for (let partition = 0; partition < count; partition++) yield { topic, partition };
  }
}

/** Of each topic, neighbours in equal shares, the first members one more. */
function range(members: readonly AssignMember[], counts: PartitionCounts): Assignment {
  const result = emptyFor(members);
  const order = inOrder(members);
  for (const [topic, count] of counts) {
    const readers = order.filter((one) => one.topics.has(topic));
    const share = Math.floor(count / readers.length);
    let next = 0;
    for (const [index, { memberId }] of readers.entries()) {
      const end = next + share + (index < count % readers.length ? 1 : 0);
      for (; next < end; next++) result.get(memberId)?.push({ topic, partition: next });
    }
  }
  return result;
}

/** All partitions in order, to one subscribed member after the other. */
function roundRobin(members: readonly AssignMember[], counts: PartitionCounts): Assignment {
  const result = emptyFor(members);
  const order = inOrder(members);
  let turn = 0;
  for (const place of allPartitions(counts)) {
    if (!order.some((one) => one.topics.has(place.topic))) continue;
    while (order[turn % order.length]?.topics.has(place.topic) !== true) turn += 1;
    result.get(order[turn % order.length]?.memberId ?? '')?.push(place);
    turn += 1;
  }
  return result;
}

/** Who holds what by now: of two that claim a partition the later generation is right, of the same neither. */
function owners(members: readonly AssignMember[]): Map<string, string> {
  const claims = new Map<string, { memberId: string | null; generation: number }>();
  for (const { memberId, owned, generation } of members) {
    for (const place of owned) {
      const name = nameOf(place);
      const other = claims.get(name);
      if (other === undefined || other.generation < generation) {
        claims.set(name, { memberId, generation });
      } else if (other.generation === generation) {
        claims.set(name, { memberId: null, generation });
      }
    }
  }
  const held = new Map<string, string>();
  for (const [name, { memberId }] of claims) if (memberId !== null) held.set(name, memberId);
  return held;
}

/** A member's share while it is made. */
interface Share {
  readonly member: AssignMember;
  readonly places: TopicPartition[];
}

/** Balanced, and moves as little as it can. */
function sticky(members: readonly AssignMember[], counts: PartitionCounts): Assignment {
  const shares = inOrder(members).map((member): Share => ({ member, places: [] }));
  const byId = new Map(shares.map((share) => [share.member.memberId, share]));
  const held = owners(members);
  const free: TopicPartition[] = [];
  for (const place of allPartitions(counts)) {
    const owner = byId.get(held.get(nameOf(place)) ?? '');
    if (owner?.member.topics.has(place.topic)) owner.places.push(place);
    else free.push(place);
  }
  for (const place of free) {
    let least: Share | null = null;
    for (const share of shares) {
      if (!share.member.topics.has(place.topic)) continue;
      if (least === null || share.places.length < least.places.length) least = share;
    }
    least?.places.push(place);
  }
  while (moveOne(shares));
  return new Map(shares.map(({ member, places }) => [member.memberId, places]));
}

/** Moves one partition from a member with more to one with at least two fewer; false when none can be moved so. */
function moveOne(shares: readonly Share[]): boolean {
  const sorted = [...shares].sort((a, b) => b.places.length - a.places.length);
  for (const from of sorted) {
    for (const to of sorted.toReversed()) {
      if (from.places.length <= to.places.length + 1) break;
      const at = from.places.findLastIndex(({ topic }) => to.member.topics.has(topic));
      const [place] = at < 0 ? [] : from.places.splice(at, 1);
      if (place === undefined) continue;
      to.places.push(place);
      return true;
    }
  }
  return false;
}

/**
 * As sticky; but a partition that goes from one member to another is first given to nobody: its old owner lets go of
 * it, everybody joins again, and then it is free (KIP-429).
 */
function cooperativeSticky(members: readonly AssignMember[], counts: PartitionCounts): Assignment {
  const result = sticky(members, counts);
  const held = owners(members);
  for (const [memberId, places] of result) {
    const ready = places.filter((place) => (held.get(nameOf(place)) ?? memberId) === memberId);
    result.set(memberId, ready);
  }
  return result;
}

/** The assignors by their names in the protocol. */
export const assignors: Readonly<Record<AssignorName, Assignor>> = {
  'cooperative-sticky': { cooperative: true, assign: cooperativeSticky },
  range: { cooperative: false, assign: range },
  roundrobin: { cooperative: false, assign: roundRobin },
  sticky: { cooperative: false, assign: sticky },
  RoundRobinAssigner: { cooperative: false, assign: roundRobin },
};
