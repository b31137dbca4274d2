// What members of a classic group tell each other, byte for byte as Kafka's consumers do: the subscription in
// JoinGroup, the assignment in SyncGroup, and the user data of the sticky assignors inside the subscription.

import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
} from '../../protocol/index.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { partitionsByTopic } from '../by-topic.ts';
import type { AssignMember, AssignorName } from './assignors.ts';

export interface OwnSubscription {
  readonly topics: readonly string[];
  /** What is read now: nothing, where everything is given up before a rebalance. */
  readonly owned: readonly TopicPartition[];
  /** What was assigned last, in which generation. */
  readonly last: readonly TopicPartition[];
  readonly generation: number;
}

/** Newest version of the subscription that Kafka's consumers write (KIP-881); older members read what they know. */
const SUBSCRIPTION_VERSION = 3;
/** Older clients do not all read newer ones; nothing was added since. */
const ASSIGNMENT_VERSION = 1;

export function encodeSubscription(assignor: AssignorName, own: OwnSubscription): Buffer {
  return encodeVersioned(ConsumerProtocolSubscription, SUBSCRIPTION_VERSION, {
    topics: [...own.topics].sort(),
    userData: userDataOf(assignor, own),
    ownedPartitions: partitionsByTopic(own.owned),
    generationId: own.generation,
  });
}

/** A member as its JoinGroup told. Throws ProtocolError for bytes that are none. */
export function decodeSubscription(
  assignor: string,
  member: { memberId: string; groupInstanceId: string | null; metadata: Buffer },
): AssignMember {
  const seen = decodeVersioned(ConsumerProtocolSubscription, member.metadata, 'as-newest');
  let owned = flat(seen.ownedPartitions);
  let generation = seen.generationId;
  if (assignor === 'sticky') ({ owned, generation } = readStickyData(seen.userData));
  else if (assignor === 'cooperative-sticky' && generation < 0 && seen.userData?.length === 4) {
    generation = seen.userData.readInt32BE(0);
  }
  const { memberId, groupInstanceId: instanceId } = member;
  return { memberId, instanceId, topics: new Set(seen.topics), owned, generation };
}

export function encodeAssignment(places: readonly TopicPartition[]): Buffer {
  return encodeVersioned(ConsumerProtocolAssignment, ASSIGNMENT_VERSION, {
    assignedPartitions: partitionsByTopic(places),
    userData: null,
  });
}

/** Nothing is an assignment of nothing. Throws ProtocolError. */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length === 0) return [];
  return flat(decodeVersioned(ConsumerProtocolAssignment, bytes, 'as-newest').assignedPartitions);
}

interface TopicPartitions {
  readonly topic: string;
  readonly partitions: number[];
}

function flat(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

/**
 * CooperativeStickyAssignor: int32 generation. StickyAssignor (StickyAssignorUserDataV1): what was assigned last, an
 * array of topics with their partitions, and the generation.
 */
function userDataOf(assignor: AssignorName, { last, generation }: OwnSubscription): Buffer | null {
  if (assignor === 'cooperative-sticky') return int32(generation);
  if (assignor !== 'sticky' || last.length === 0) return null;
  const topics = partitionsByTopic(last);
  const parts = [int32(topics.length)];
  for (const { topic, partitions } of topics) {
    const name = Buffer.from(topic);
    const length = Buffer.alloc(2);
    length.writeInt16BE(name.length);
    parts.push(length, name, int32(partitions.length), ...partitions.map(int32));
  }
  return Buffer.concat([...parts, int32(generation)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Version 0 has no generation. What cannot be read counts as nothing, as in Kafka: stickiness is all that is lost. */
function readStickyData(data: Buffer | null): { owned: TopicPartition[]; generation: number } {
  const nothing = { owned: [], generation: -1 };
  if (data === null) return nothing;
  try {
    let at = 0;
    const next = (): number => {
      at += 4;
      return data.readInt32BE(at - 4);
    };
    const owned: TopicPartition[] = [];
    for (let topics = next(); topics > 0; topics--) {
      const length = data.readInt16BE(at);
      const topic = data.toString('utf8', at + 2, at + 2 + length);
      at += 2 + length;
      for (let count = next(); count > 0; count--) owned.push({ topic, partition: next() });
    }
    return { owned, generation: at + 4 <= data.length ? next() : -1 };
  } catch (error) {
    if (error instanceof RangeError) return nothing;
    throw error;
  }
}
