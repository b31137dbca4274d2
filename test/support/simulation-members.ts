// Members of a classic group in a simulated run: they join, share the partitions, commit ever higher offsets, are thrown
// out by faults and come back. A partition's committed offset must never fall behind what was acknowledged.

import { ErrorCode, errorName, KafkaError } from '../../src/base/kafka-errors.ts';
import { type Cluster, committedOffsets } from '../../src/client/index.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  Heartbeat,
  JoinGroup,
  type JoinGroupResponse,
  OffsetCommit,
  SyncGroup,
} from '../../src/protocol/index.ts';
import { bearable, newCluster, type Stage, sleep } from './simulation-actors.ts';
import type { PartitionModel } from './simulation-model.ts';

interface Membership {
  readonly memberId: string;
  readonly generationId: number;
  readonly partitions: readonly PartitionModel[];
}

function refuse(code: number, what: string): void {
  if (code !== ErrorCode.NONE) throw new KafkaError(errorName(code), what);
}

/** One member that works until it has committed `rounds` times. */
export async function memberOf(stage: Stage, group: string, rounds: number): Promise<void> {
  const { clock, random } = stage;
  const cluster = newCluster(stage, `member-${group}`);
  const member = new Member(stage, cluster, group);
  for (let left = rounds; left > 0 && !stage.healed(); ) {
    try {
      const membership = await member.join();
      while (left > 0 && !stage.healed()) {
        await member.work(membership);
        left -= 1;
        await sleep(clock, random.below(120));
        await member.heartbeat(membership);
      }
    } catch (error) {
      if (!bearable(error)) throw error;
      cluster.forgetCoordinator(group);
      await sleep(clock, 40);
    }
  }
  await cluster.close();
}

class Member {
  readonly #stage: Stage;
  readonly #cluster: Cluster;
  readonly #group: string;
  #memberId = '';

  constructor(stage: Stage, cluster: Cluster, group: string) {
    this.#stage = stage;
    this.#cluster = cluster;
    this.#group = group;
  }

  /** Joins and gets its share; throws KafkaError when it has to begin anew. */
  async join(): Promise<Membership> {
    const joined = await this.#enter();
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId;
    if (joined.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = '';
    refuse(joined.errorCode, 'join');
    const { memberId, generationId } = joined;
    this.#memberId = memberId;
    const transport = await this.#coordinator();
    const synced = await transport.send(SyncGroup, {
      groupId: this.#group,
      generationId,
      memberId,
      protocolType: 'consumer',
      protocolName: joined.protocolName,
      assignments: joined.leader === memberId ? this.#share(joined) : [],
    });
    refuse(synced.errorCode, 'sync');
    const { assignedPartitions } = decodeVersioned(ConsumerProtocolAssignment, synced.assignment);
    const mine = new Set(
      assignedPartitions.flatMap(({ topic, partitions }) =>
        partitions.map((at) => `${topic}-${at}`),
      ),
    );
    const partitions = this.#stage.model.partitions.filter(({ name }) => mine.has(name));
    this.#stage.trace(`${memberId} has ${[...mine].join()} in generation ${generationId}`);
    return { memberId, generationId, partitions };
  }

  async #enter(): Promise<JoinGroupResponse> {
    const topics = [...new Set(this.#stage.model.partitions.map(({ topic }) => topic))];
    const metadata = encodeVersioned(ConsumerProtocolSubscription, 1, { topics, userData: null });
    const transport = await this.#coordinator();
    return transport.send(JoinGroup, {
      groupId: this.#group,
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 600,
      memberId: this.#memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata }],
    });
  }

  /** The leader deals the partitions out in turn. */
  #share(joined: JoinGroupResponse): { memberId: string; assignment: Buffer }[] {
    const { partitions } = this.#stage.model;
    return joined.members.map(({ memberId }, turn) => {
      const mine = partitions.filter((_, at) => at % joined.members.length === turn);
      const assignedPartitions = mine.map(({ topic, index }) => ({ topic, partitions: [index] }));
      const assignment = encodeVersioned(ConsumerProtocolAssignment, 1, {
        assignedPartitions,
        userData: null,
      });
      return { memberId, assignment };
    });
  }

  /** Goes on from what is committed for one of its partitions. */
  async work({ memberId, generationId, partitions }: Membership): Promise<void> {
    if (partitions.length === 0) return;
    const { model, random, trace } = this.#stage;
    const partition = random.pick(partitions);
    const { topic, index } = partition;
    const commits = model.commit(this.#group, partition);
    const { acknowledged } = commits;
    const found = await committedOffsets(this.#cluster, this.#group, topic, [index]);
    const committed = found.get(index) ?? -1;
    commits.check(committed, acknowledged);
    const committedOffset = committed + 1 + random.below(3);
    commits.attempted = Math.max(commits.attempted, committedOffset);
    const { id } = await this.#cluster.topic(topic);
    const transport = await this.#coordinator();
    const response = await transport.send(OffsetCommit, {
      groupId: this.#group,
      generationIdOrMemberEpoch: generationId,
      memberId,
      topics: [
        {
          name: topic,
          topicId: id,
          partitions: [{ partitionIndex: index, committedOffset, committedMetadata: '' }],
        },
      ],
    });
    refuse(response.topics[0]?.partitions[0]?.errorCode ?? 0, 'commit');
    commits.acknowledged = Math.max(commits.acknowledged, committedOffset);
    trace(`${memberId} committed ${partition.name} ${committedOffset}`);
  }

  async heartbeat({ memberId, generationId }: Membership): Promise<void> {
    const transport = await this.#coordinator();
    const groupId = this.#group;
    const { errorCode } = await transport.send(Heartbeat, { groupId, memberId, generationId });
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = '';
    refuse(errorCode, 'heartbeat');
  }

  async #coordinator() {
    return this.#cluster.to(await this.#cluster.coordinator(this.#group));
  }
}
