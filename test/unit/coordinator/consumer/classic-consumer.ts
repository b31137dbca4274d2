// A consumer that speaks the classic protocol with real subscriptions and assignments, as a migration needs it: eager
// (gives up everything before it joins) or cooperative (says what it has, gives up what it is told to).

import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  type JoinGroupResponse,
  type SyncGroupResponse,
} from '../../../../src/protocol/index.ts';
import { type Harness, TestMember } from '../harness.ts';

type Owned = { topic: string; partitions: number[] }[];

export class ClassicConsumer extends TestMember {
  readonly topics: string[];
  cooperative = true;
  owned: Owned = [];
  #busy = false;

  constructor(h: Harness, topics = ['orders'], instanceId: string | null = null) {
    super(h, 'group', instanceId);
    this.topics = topics;
  }

  /** JoinGroup and SyncGroup; as leader it gives partitions out by turns. Answers the last code met. */
  async enter(): Promise<number> {
    const ownedPartitions = this.cooperative ? this.owned : [];
    const said = { topics: this.topics, userData: null, ownedPartitions };
    const metadata = encodeVersioned(ConsumerProtocolSubscription, 1, said);
    this.protocols = [{ name: 'cooperative-sticky', metadata }];
    const joined = await this.join();
    if (joined.errorCode !== 0) return joined.errorCode;
    const synced = await this.#sync(joined);
    if (synced.errorCode === 0) this.owned = assigned(synced.assignment);
    return synced.errorCode;
  }

  #sync(joined: JoinGroupResponse): Promise<SyncGroupResponse> {
    const leads = joined.leader === joined.memberId;
    return this.h.coordinator.syncGroup({
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: null,
      protocolName: null,
      assignments: leads ? this.#assign(joined) : [],
    });
  }

  #assign(joined: JoinGroupResponse) {
    const members = joined.members.map(({ memberId }) => memberId).sort();
    return members.map((memberId, index) => {
      const assignedPartitions = this.topics.map((topic) => {
        const count = this.h.topics.topic(topic)?.partitionCount ?? 0;
        const all = Array.from({ length: count }, (_, partition) => partition);
        return {
          topic,
          partitions: all.filter((one) => one % members.length === index),
        };
      });
      const value = { assignedPartitions, userData: null };
      return {
        memberId,
        assignment: encodeVersioned(ConsumerProtocolAssignment, 1, value),
      };
    });
  }

  /** One Heartbeat; joins again when it is told to. Answers the heartbeat's code. */
  async beat(): Promise<number> {
    const { errorCode } = await this.heartbeat();
    if (errorCode === 27) await this.enter();
    return errorCode;
  }

  /** A beat on its own, unless one is under way: JoinGroup waits for the others. */
  poke(): void {
    if (this.#busy) return;
    this.#busy = true;
    void this.beat().finally(() => {
      this.#busy = false;
    });
  }

  of(topic: string): number[] {
    return this.owned.find((one) => one.topic === topic)?.partitions ?? [];
  }
}

function assigned(bytes: Buffer): Owned {
  if (bytes.length === 0) return [];
  const { assignedPartitions } = decodeVersioned(ConsumerProtocolAssignment, bytes, 'as-newest');
  return assignedPartitions.map(({ topic, partitions }) => ({
    topic,
    partitions,
  }));
}
