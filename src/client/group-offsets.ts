// What groups have committed, and committing: as a member, or from outside as Kafka's own tools do.

import { ErrorCode, errorName, KafkaError } from '../base/kafka-errors.ts';
import { OffsetCommit, OffsetFetch, type Transport, ZERO_UUID } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { allOrThrow, throwOne } from './all-or-throw.ts';
import { byTopic } from './by-topic.ts';
import type { Cluster } from './cluster.ts';
import { isOtherTopic, nameOf } from './fetch-reading.ts';
import { partitionOf, type TopicInfo } from './topic-cache.ts';
import { isUnknownTopic, unknownTopicCodes } from './topic-errors.ts';

/** Who commits. Without member id and with epoch -1: nobody of the group. */
export interface GroupIdentity {
  readonly group: string;
  readonly memberId: string;
  /** Generation of a classic group, epoch of a member of the other kind. */
  readonly epoch: number;
  readonly instanceId: string | null;
}

export function outsider(group: string): GroupIdentity {
  return { group, memberId: '', epoch: -1, instanceId: null };
}

export interface GroupOffset extends TopicPartition {
  /** Of the topic that it is an offset of. Default: whichever has the name now. */
  readonly topicId?: string;
  readonly offset: number;
  /** Leader epoch of the record before it, -1 when unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

interface TopicGroup<Place> {
  readonly name: string;
  readonly topicId: string;
  readonly places: readonly Place[];
}

/** Which of the topics that were asked for an answer is about: old versions say the name, new ones the id. */
function askedFor<Topic extends { readonly name: string; readonly topicId: string }>(
  topics: readonly Topic[],
  { name, topicId }: { readonly name: string; readonly topicId?: string },
): Topic | undefined {
  return topics.find((one) => one.name === name) ?? topics.find((one) => one.topicId === topicId);
}

/** What a code says, and forgets what the code says is wrong: the coordinator, or the topic's id. */
function refusal(
  cluster: Cluster,
  group: string,
  code: number,
  at: string | TopicPartition,
): KafkaError {
  const name = errorName(code);
  if (code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE) {
    cluster.forgetCoordinator(group);
  }
  const where = typeof at === 'string' ? at : `${at.topic}-${at.partition}`;
  if (typeof at !== 'string') cluster.forget(at.topic);
  return new KafkaError(name, `group '${group}', ${where}: ${name}`);
}

/** Asks the coordinator, and looks for it again when the way to it is lost. */
async function withCoordinator<T>(
  cluster: Cluster,
  group: string,
  ask: (coordinator: ReturnType<Cluster['to']>) => Promise<T>,
): Promise<T> {
  try {
    return await ask(cluster.to(await cluster.coordinator(group)));
  } catch (error) {
    if (!(error instanceof KafkaError)) cluster.forgetCoordinator(group);
    throw error;
  }
}

export interface GroupOffsetsRequest {
  readonly group: string;
  readonly places: readonly TopicPartition[];
  /** Offsets that an open transaction may change are refused with `UNSTABLE_OFFSET_COMMIT`. */
  readonly requireStable?: boolean;
}

/** By name of the partition; null: nothing is committed there. */
export type ToldOffsets = Map<string, GroupOffset | null>;

/**
 * Asks once what a group committed for those partitions that are not in `told`, and puts there what is told. Throws,
 * when all have been asked about, why one is missing.
 */
export async function askGroupOffsets(
  cluster: Cluster,
  request: GroupOffsetsRequest,
  told: ToldOffsets,
): Promise<void> {
  const topics: TopicGroup<TopicPartition>[] = [];
  const open = request.places.filter((place) => !told.has(nameOf(place)));
  const known = Array.from(byTopic(open), async ([name, places]) => {
    topics.push({ name, topicId: (await cluster.topic(name)).id, places });
  });
  await Promise.allSettled(known);
  const answered =
    topics.length === 0
      ? Promise.resolve()
      : withCoordinator(cluster, request.group, (coordinator) =>
          askCoordinator(cluster, coordinator, { ...request, topics }, told),
        );
  await allOrThrow([...known, answered]);
}

async function askCoordinator(
  cluster: Cluster,
  coordinator: Transport,
  {
    group,
    topics,
    requireStable = false,
  }: GroupOffsetsRequest & { readonly topics: readonly TopicGroup<TopicPartition>[] },
  told: ToldOffsets,
): Promise<void> {
  const grouped = ((await coordinator.versions(OffsetFetch))?.[1] ?? 0) >= 8;
  const asked = topics.map(({ name, topicId, places }) => ({
    name,
    topicId,
    partitionIndexes: places.map(({ partition }) => partition),
  }));
  const response = await coordinator.send(
    OffsetFetch,
    grouped
      ? { groups: [{ groupId: group, topics: asked }], requireStable }
      : { groupId: group, topics: asked.map(({ topicId: _, ...topic }) => topic), requireStable },
  );
  const answer = grouped ? response.groups[0] : response;
  const code = answer?.errorCode ?? ErrorCode.NONE;
  if (code !== ErrorCode.NONE) throw refusal(cluster, group, code, 'committed offsets');
  const refused = new Map<string, KafkaError>();
  for (const one of answer?.topics ?? []) {
    const asked = askedFor(topics, one);
    const topic = asked?.name ?? one.name;
    const topicId = asked?.topicId ?? ZERO_UUID;
    for (const found of one.partitions) {
      const { partitionIndex: partition, committedOffset: offset, errorCode } = found;
      const { committedLeaderEpoch: leaderEpoch, metadata } = found;
      const name = nameOf({ topic, partition });
      if (errorCode !== ErrorCode.NONE) {
        refused.set(name, refusal(cluster, group, errorCode, { topic, partition }));
      } else if (offset >= 0) {
        const words = metadata ?? '';
        told.set(name, { topic, topicId, partition, offset, leaderEpoch, metadata: words });
      }
    }
  }
  // What is not answered is not committed, as Java's consumer takes it.
  for (const name of topics.flatMap(({ places }) => places.map(nameOf))) {
    if (!told.has(name) && !refused.has(name)) told.set(name, null);
  }
  throwOne([...refused.values()]);
}

/** Offsets that are on their way to a coordinator, each until it is committed or given up. */
class Commit {
  readonly #cluster: Cluster;
  readonly #open: Set<GroupOffset>;
  readonly #committed: (offset: GroupOffset) => void;
  /** Those that the coordinator knew no partition for, with the id that we named. */
  readonly #doubted = new Map<GroupOffset, string>();
  /** Why the first one was given up. */
  refused: KafkaError | null = null;

  constructor(
    cluster: Cluster,
    offsets: readonly GroupOffset[],
    committed: (offset: GroupOffset) => void,
  ) {
    this.#cluster = cluster;
    this.#open = new Set(offsets);
    this.#committed = committed;
  }

  /** What is left, of topics that there are; the rest is given up. */
  async topics(): Promise<TopicGroup<GroupOffset>[]> {
    const found: TopicGroup<GroupOffset>[] = [];
    for (const [name, some] of byTopic(this.#open)) {
      const info = await this.#topic(name, some);
      const places = some.filter((one) => info !== null && this.#isThere(one, info));
      if (info !== null && places.length > 0) found.push({ name, topicId: info.id, places });
    }
    return found;
  }

  /** One attempt. Throws what it comes to grief by, or the first refusal of a partition. */
  async send(
    coordinator: Transport,
    who: GroupIdentity,
    topics: readonly TopicGroup<GroupOffset>[],
  ): Promise<void> {
    const { group: groupId, memberId, epoch, instanceId } = who;
    const response = await coordinator.send(OffsetCommit, {
      groupId,
      generationIdOrMemberEpoch: epoch,
      memberId,
      groupInstanceId: instanceId,
      topics: topics.map(({ name, topicId, places }) => ({
        name,
        topicId,
        partitions: places.map(({ partition, offset, leaderEpoch, metadata }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: leaderEpoch,
          committedMetadata: metadata,
        })),
      })),
    });
    let failure: KafkaError | null = null;
    for (const topic of response.topics) {
      const asked = askedFor(topics, topic);
      for (const { partitionIndex, errorCode } of topic.partitions) {
        const one = asked?.places.find(({ partition }) => partition === partitionIndex);
        if (asked === undefined || one === undefined) continue;
        if (errorCode === ErrorCode.NONE) {
          this.#open.delete(one);
          this.#committed(one);
          continue;
        }
        const error = refusal(this.#cluster, groupId, errorCode, one);
        if (unknownTopicCodes.has(error.code)) this.#doubted.set(one, asked.topicId);
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
  }

  /** Null for a topic that there is not, or that is kept from us. */
  async #topic(name: string, some: readonly GroupOffset[]): Promise<TopicInfo | null> {
    try {
      return await this.#cluster.topic(name);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      for (const one of some) this.#giveUp(one, error);
      return null;
    }
  }

  /** A coordinator may hear late of a partition; one that metadata do not know either is gone. */
  #isThere(one: GroupOffset, info: TopicInfo): boolean {
    const id = this.#doubted.get(one);
    const known = id === info.id && partitionOf(info, one.partition) !== undefined;
    // An offset of a topic that is gone means nothing in another of its name.
    if (!isOtherTopic(one.topicId ?? ZERO_UUID, info.id) && (id === undefined || known))
      return true;
    const message = `there is no partition ${one.topic}-${one.partition} any more`;
    this.#giveUp(one, new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message));
    return false;
  }

  #giveUp(one: GroupOffset, error: KafkaError): void {
    this.#open.delete(one);
    this.refused ??= error;
  }
}

/**
 * Commits, and tells `committed` of each that is. Topics and partitions that there are not keep nothing else from
 * being committed; then throws KafkaError `UNKNOWN_TOPIC_OR_PARTITION`. Throws `ILLEGAL_GENERATION`,
 * `STALE_MEMBER_EPOCH`, `UNKNOWN_MEMBER_ID` or `REBALANCE_IN_PROGRESS` when the partitions may be others' by now, or
 * the group has members and we are none.
 */
export async function commitGroupOffsets(
  cluster: Cluster,
  who: () => GroupIdentity,
  offsets: readonly GroupOffset[],
  committed: (offset: GroupOffset) => void = () => {},
): Promise<void> {
  if (offsets.length === 0) return;
  const commit = new Commit(cluster, offsets, committed);
  await cluster.retry(async () => {
    const topics = await commit.topics();
    if (topics.length === 0) return;
    const me = who();
    await withCoordinator(cluster, me.group, (coordinator) => commit.send(coordinator, me, topics));
  });
  if (commit.refused !== null) throw commit.refused;
}

/**
 * Committed offsets of a group in one topic; partitions without a commit are left out. Throws KafkaError, for a topic
 * that there is not at once.
 */
export async function committedOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, number>> {
  const places = partitions.map((partition) => ({ topic, partition }));
  const told: ToldOffsets = new Map();
  await cluster.retry(
    () => askGroupOffsets(cluster, { group, places }, told),
    (error) => !isUnknownTopic(error),
  );
  const offsets = new Map<number, number>();
  for (const one of told.values()) if (one !== null) offsets.set(one.partition, one.offset);
  return offsets;
}

/**
 * Commits offsets for a group without being its member, as Kafka's own tools do. A group that has members refuses it.
 * Throws KafkaError `UNKNOWN_MEMBER_ID` then, and others.
 */
export async function commitOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  const places = [...offsets].map(([partition, offset]) => ({ topic, partition, offset }));
  const plain = places.map((place) => ({ ...place, leaderEpoch: -1, metadata: '' }));
  await commitGroupOffsets(cluster, () => outsider(group), plain);
}
