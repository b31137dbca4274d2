// Where reading begins: where the group left off, else where the options say.

import { ZERO_UUID } from '../../protocol/index.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { allOrThrow } from '../all-or-throw.ts';
import { partitionsByTopic } from '../by-topic.ts';
import { type Cluster, isRetriableError } from '../cluster.ts';
import { nameOf } from '../fetch-reading.ts';
import { askGroupOffsets, type ToldOffsets } from '../group-offsets.ts';
import {
  askOffsets,
  type FoundOffset,
  type Isolation,
  type OffsetsRequest,
  offsetLookup,
  SpecialTime,
} from '../list-offsets.ts';
import { resolveOffset } from '../offset-resolve.ts';
import type { OffsetSpec } from '../offset-spec.ts';
import { Assigned, type Start } from './assigned.ts';

export interface StartOptions {
  readonly group: string | undefined;
  readonly from: OffsetSpec;
  readonly isolation: Isolation;
}

/**
 * The partitions as they begin. Those that nobody can tell of now, for want of a leader, say, are not placed. Throws
 * KafkaError and ClientError.
 */
export async function beginAt(
  cluster: Cluster,
  places: readonly TopicPartition[],
  options: StartOptions,
): Promise<Assigned[]> {
  const found = new Map<string, Start>();
  try {
    await lookUpStarts(cluster, places, options, found);
  } catch (error) {
    if (!isRetriableError(error)) throw error;
  }
  return places.map((place) => new Assigned(place, found.get(nameOf(place))));
}

/**
 * Looks up once where partitions begin, and puts what is told into `found`, by name; throws, when all have answered,
 * why one is missing. Where the group's commit is not told, the options' place is not taken for it.
 */
export async function lookUpStarts(
  cluster: Cluster,
  places: readonly TopicPartition[],
  options: StartOptions,
  found: Map<string, Start>,
): Promise<void> {
  const { group, isolation } = options;
  const told: ToldOffsets = new Map();
  const requireStable = isolation === 'read_committed';
  const asked =
    group === undefined ? [] : [askGroupOffsets(cluster, { group, places, requireStable }, told)];
  await Promise.allSettled(asked);
  const open: TopicPartition[] = [];
  for (const place of places) {
    const last = group === undefined ? null : told.get(nameOf(place));
    if (last === null) open.push(place);
    else if (last !== undefined) {
      const { topicId = ZERO_UUID, offset, leaderEpoch: epoch } = last;
      found.set(nameOf(place), { offset, topicId, epoch, committed: offset });
    }
  }
  const offsets = new Map<string, number>();
  const looked = lookUp(cluster, open, options, offsets);
  await Promise.allSettled([looked]);
  for (const place of open) {
    const offset = offsets.get(nameOf(place));
    if (offset === undefined) continue;
    const topicId = cluster.knownTopic(place.topic)?.id ?? ZERO_UUID;
    found.set(nameOf(place), { offset, topicId, epoch: -1, committed: -1 });
  }
  await allOrThrow([...asked, looked]);
}

/** Offsets of a place in many partitions, by name. Throws KafkaError and ClientError. */
export async function beginnings(
  cluster: Cluster,
  places: readonly TopicPartition[],
  options: StartOptions,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  await cluster.retry(() => {
    const open = places.filter((place) => !found.has(nameOf(place)));
    return lookUp(cluster, open, options, found);
  });
  return found;
}

/**
 * Looks a place up in many partitions, once: few requests for what every broker can tell of many. Puts the offsets that
 * are told into `found`, by name; throws, when all have answered, why one is missing.
 */
async function lookUp(
  cluster: Cluster,
  places: readonly TopicPartition[],
  options: StartOptions,
  found: Map<string, number>,
): Promise<void> {
  const { from, isolation, group } = options;
  const time = timestampOf(from);
  if (time !== null) {
    const at = { time, isolation };
    const topics = partitionsByTopic(places);
    await allOrThrow(topics.map((topic) => lookUpTime(cluster, topic, at, found)));
    return;
  }
  const told = places.map(async (place) => {
    const at = { ...place, ...(group === undefined ? {} : { group }) };
    const { offset } = await resolveOffset(from, offsetLookup(cluster, at, isolation, listOnce));
    found.set(nameOf(place), offset);
  });
  await allOrThrow(told);
}

/** {@link lookUp} of a time in partitions of one topic. */
async function lookUpTime(
  cluster: Cluster,
  { topic, partitions }: { readonly topic: string; readonly partitions: readonly number[] },
  { time, isolation }: { readonly time: number; readonly isolation: Isolation },
  found: Map<string, number>,
): Promise<void> {
  const ask = (some: readonly number[], timestamp: number, into: Map<number, FoundOffset>) =>
    askOffsets(cluster, topic, { partitions: some, timestamp, isolation }, into);
  const offsets = new Map<number, FoundOffset>();
  const asked = ask(partitions, time, offsets);
  await Promise.allSettled([asked]);
  // No record so late: then the next one that comes.
  const late = Array.from(offsets).filter(([, { offset }]) => offset < 0);
  const ends = new Map<number, FoundOffset>();
  const askedLate = ask(
    late.map(([partition]) => partition),
    SpecialTime.latest,
    ends,
  );
  await Promise.allSettled([askedLate]);
  for (const [partition, { offset }] of [...offsets, ...ends]) {
    if (offset >= 0) found.set(nameOf({ topic, partition }), offset);
  }
  await allOrThrow([asked, askedLate]);
}

/** {@link listOffsets}, tried once. */
async function listOnce(
  cluster: Cluster,
  topic: string,
  request: OffsetsRequest,
): Promise<Map<number, FoundOffset>> {
  const found = new Map<number, FoundOffset>();
  await askOffsets(cluster, topic, request, found);
  return found;
}

function timestampOf(from: OffsetSpec): number | null {
  switch (from.kind) {
    case 'earliest':
      return SpecialTime.earliest;
    case 'latest':
      return SpecialTime.latest;
    case 'timestamp':
      return from.timestampMs;
    default:
      return null;
  }
}
