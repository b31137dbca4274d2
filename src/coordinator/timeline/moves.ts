// What a rebalance moved, from what each member held before and after.

import {
  ConsumerProtocolAssignment,
  decodeVersioned,
  ProtocolError,
} from '../../protocol/index.ts';
import type { TopicView } from '../ports.ts';
import type { MovedPartitions, PartitionRanges } from './entry.ts';
import type { Held } from './facts.ts';

/** Topic → partitions. */
export type Share = ReadonlyMap<string, readonly number[]>;

/** More members than this are not told one by one. */
const MEMBERS_MAX = 50;
/** Nor more than fit into this many characters, about. */
const LENGTH_MAX = 16_384;
/** Longest text of one topic's partitions. */
const RANGES_LENGTH_MAX = 200;
/** More topics than this of one member are not told one by one. */
const TOPICS_MAX = 10;

export const nothing: Share = new Map();

/** By member. Bytes that are no assignment of consumers (Connect's, say) count as nothing. */
export function sharesOf(held: Held, topics: TopicView): Map<string, Share> {
  const shares = new Map<string, Share>();
  for (const [memberId, what] of held) {
    const share = new Map<string, readonly number[]>();
    if (Buffer.isBuffer(what)) {
      for (const { topic, partitions } of decoded(what)) share.set(topic, partitions);
    } else {
      for (const [topicId, partitions] of what) {
        const name = topics.topicById(topicId)?.name;
        if (name !== undefined) share.set(name, [...partitions.keys()]);
      }
    }
    shares.set(memberId, share);
  }
  return shares;
}

function decoded(bytes: Buffer): ConsumerProtocolAssignment['assignedPartitions'] {
  if (bytes.length === 0) return [];
  try {
    return decodeVersioned(ConsumerProtocolAssignment, bytes, 'as-newest').assignedPartitions;
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}

export interface Moves {
  readonly movedPartitions: number;
  readonly moved: readonly MovedPartitions[];
  readonly movedOmitted: number;
}

/** Compares two assignments. `clientOf` names a member, also one that is gone. */
export function movesBetween(
  before: ReadonlyMap<string, Share>,
  after: ReadonlyMap<string, Share>,
  clientOf: (memberId: string) => string,
): Moves {
  const owners = ownersOf(before);
  let movedPartitions = 0;
  for (const [memberId, share] of after) {
    for (const [topic, partitions] of share) {
      for (const partition of partitions) {
        if (owners.get(topic)?.get(partition) !== memberId) movedPartitions++;
      }
    }
  }
  const moved: MovedPartitions[] = [];
  let movedOmitted = 0;
  let length = 0;
  for (const memberId of new Set([...before.keys(), ...after.keys()])) {
    const was = rangesOf(before.get(memberId) ?? nothing);
    const is = rangesOf(after.get(memberId) ?? nothing);
    if (sameRanges(was, is)) continue;
    if (moved.length >= MEMBERS_MAX || length > LENGTH_MAX) {
      movedOmitted++;
      continue;
    }
    const one = { memberId, clientId: clientOf(memberId), before: cut(was), after: cut(is) };
    length += JSON.stringify(one).length;
    moved.push(one);
  }
  return { movedPartitions, moved, movedOmitted };
}

function ownersOf(shares: ReadonlyMap<string, Share>): Map<string, Map<number, string>> {
  const owners = new Map<string, Map<number, string>>();
  for (const [memberId, share] of shares) {
    for (const [topic, partitions] of share) {
      const of = owners.get(topic) ?? new Map<number, string>();
      owners.set(topic, of);
      for (const partition of partitions) of.set(partition, memberId);
    }
  }
  return owners;
}

function rangesOf(share: Share): Map<string, string> {
  const topics = [...share].filter(([, partitions]) => partitions.length > 0);
  topics.sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(topics.map(([topic, partitions]) => [topic, formatRanges(partitions)]));
}

function sameRanges(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([topic, ranges]) => b.get(topic) === ranges);
}

/** Small enough to be stored, whatever the member holds. */
function cut(ranges: ReadonlyMap<string, string>): PartitionRanges {
  const told = [...ranges].slice(0, TOPICS_MAX).map(([topic, text]) => {
    if (text.length <= RANGES_LENGTH_MAX) return [topic, text] as const;
    return [topic, `${text.slice(0, text.lastIndexOf(',', RANGES_LENGTH_MAX))},…`] as const;
  });
  const more = ranges.size - told.length;
  return Object.fromEntries(more > 0 ? [...told, [`… ${more} more topics`, '']] : told);
}

/** `0-3,7` of [7, 0, 1, 2, 3]. */
export function formatRanges(partitions: readonly number[]): string {
  const sorted = [...partitions].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let index = 0; index < sorted.length; ) {
    const first = sorted[index];
    let last = first;
    while (++index < sorted.length && sorted[index] === Number(last) + 1) last = sorted[index];
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return ranges.join(',');
}
