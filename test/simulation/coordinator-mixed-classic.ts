// A simulated consumer of the classic protocol, as the Java client is one. Eager: gives everything up before it joins.
// Cooperative (KIP-429): keeps what it has, and gives up what its assignment leaves out, then joins again; as leader it
// hands out only what nobody has.

import { ErrorCode, errorName } from '../../src/base/kafka-errors.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  type JoinGroupResponse,
  type SyncGroupRequest,
} from '../../src/protocol/index.ts';
import { context } from '../unit/coordinator/harness.ts';
import { sleep } from './coordinator-chaos.ts';
import {
  groupId,
  heartbeatMs,
  isRetriable,
  rebalanceTimeoutMs,
  SimMember,
  sessionTimeoutMs,
} from './coordinator-mixed-member.ts';

type Assignments = SyncGroupRequest['assignments'];

export class ClassicMember extends SimMember {
  readonly kind = 'classic';
  /** Of the topics that its last JoinGroup told of, and their sizes. */
  #said = '';

  async run(): Promise<void> {
    while (this.alive) {
      const entered = await this.#enter();
      if (!this.alive) return;
      if (entered === 'settled') await this.#work();
      if (this.alive && entered !== 'again') {
        await sleep(this.world.clock, 50 + this.random.below(200));
      }
    }
  }

  async leave(): Promise<void> {
    const members = [{ memberId: this.memberId, groupInstanceId: this.instanceId, reason: null }];
    this.crash();
    await this.call((c) => c.leaveGroup({ groupId, memberId: '', members }, context(5)));
  }

  get #cooperative(): boolean {
    return this.world.classic === 'cooperative';
  }

  /** What makes it join again, as leader at least. */
  get #wish(): string {
    return `${this.topics.join()} ${this.world.topicsVersion}`;
  }

  async #enter(): Promise<'settled' | 'again' | 'failed'> {
    // Nothing is committed until the assignment is there.
    this.stable = false;
    if (!this.#cooperative) this.drop();
    this.#said = this.#wish;
    const joined = await this.#join();
    if (joined === null) return 'failed';
    this.memberId = joined.memberId;
    this.epoch = joined.generationId;
    const leads = joined.leader === joined.memberId && !joined.skipAssignment;
    const request = {
      groupId,
      generationId: this.epoch,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocolName: this.world.classic,
      assignments: leads ? this.#assign(joined) : [],
    };
    const synced = await this.call((c) => c.syncGroup(request), rebalanceTimeoutMs);
    if (!this.alive || !synced.answered) return 'failed';
    const { errorCode, assignment } = synced.response;
    if (errorCode !== ErrorCode.NONE) {
      this.#refused(errorCode, this.memberId);
      return 'failed';
    }
    this.stable = true;
    return this.take(decodeAssignment(assignment)) ? 'again' : 'settled';
  }

  async #join(): Promise<JoinGroupResponse | null> {
    const ownedPartitions = [...this.owned].map(([topic, partitions]) => ({
      topic,
      partitions: [...partitions],
    }));
    const metadata = encodeVersioned(ConsumerProtocolSubscription, 2, {
      topics: [...this.topics],
      userData: null,
      ownedPartitions,
      generationId: ownedPartitions.length > 0 ? this.epoch : -1,
    });
    const request = {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocols: [{ name: this.world.classic, metadata }],
      reason: null,
    };
    const joined = await this.call(
      (c) => c.joinGroup(request, context(9, this.name)),
      rebalanceTimeoutMs + 5_000,
    );
    if (!this.alive || !joined.answered) return null;
    const { errorCode, memberId } = joined.response;
    if (errorCode === ErrorCode.NONE) return joined.response;
    this.#refused(errorCode, memberId);
    return null;
  }

  async #work(): Promise<void> {
    while (this.alive) {
      await sleep(this.world.clock, heartbeatMs);
      await this.maybeStall();
      if (!this.alive || this.#said !== this.#wish) return;
      if (this.random.chance(0.6) && !this.#mayGoOn(await this.progress())) return;
      const beat = await this.call((c) =>
        c.heartbeat({
          groupId,
          generationId: this.epoch,
          memberId: this.memberId,
          groupInstanceId: this.instanceId,
        }),
      );
      if (!this.alive) return;
      if (beat.answered && !this.#mayGoOn(beat.response.errorCode)) return;
    }
  }

  #mayGoOn(errorCode: number): boolean {
    if (errorCode === ErrorCode.NONE || isRetriable(errorCode)) return true;
    this.#refused(errorCode, this.memberId);
    return false;
  }

  #refused(errorCode: number, memberId: string): void {
    switch (errorName(errorCode)) {
      case 'MEMBER_ID_REQUIRED':
        this.memberId = memberId;
        return;
      case 'UNKNOWN_MEMBER_ID':
        this.memberId = '';
        this.drop();
        return;
      case 'ILLEGAL_GENERATION':
      // A fetch of a member of a group that is classic, and was not when it joined.
      case 'STALE_MEMBER_EPOCH':
        this.drop();
        return;
      case 'FENCED_INSTANCE_ID':
        this.world.fenced(this);
        return;
      case 'REBALANCE_IN_PROGRESS':
        return;
      default:
        if (!isRetriable(errorCode)) this.unexpected(errorCode, 'a request');
    }
  }

  #assign({ members }: JoinGroupResponse): Assignments {
    const said = members.map(({ memberId, metadata }) => ({
      memberId,
      ...decodeVersioned(ConsumerProtocolSubscription, metadata, 'as-newest'),
    }));
    const holders = new Map<string, { memberId: string; generationId: number }>();
    for (const { memberId, ownedPartitions, generationId } of said) {
      for (const key of keysOf(ownedPartitions)) {
        const known = holders.get(key);
        if (known === undefined || known.generationId < generationId) {
          holders.set(key, { memberId, generationId });
        }
      }
    }
    const shares = new Map(members.map(({ memberId }) => [memberId, [] as string[]]));
    for (const topic of new Set(said.flatMap(({ topics }) => topics))) {
      const takers = said.filter(({ topics }) => topics.includes(topic));
      const count = this.world.topics.topic(topic)?.partitionCount ?? 0;
      for (let partition = 0; partition < count; partition++) {
        const key = `${topic}/${partition}`;
        const taker = takers[partition % takers.length]?.memberId ?? '';
        const holder = holders.get(key)?.memberId ?? taker;
        // What another still has is given up first, and given out by the next rebalance.
        if (holder === taker) shares.get(taker)?.push(key);
      }
    }
    return [...shares].map(([memberId, keys]) => ({
      memberId,
      assignment: encodeAssignment(keys),
    }));
  }
}

function keysOf(owned: readonly { topic: string; partitions: number[] }[]): string[] {
  return owned.flatMap(({ topic, partitions }) => partitions.map((one) => `${topic}/${one}`));
}

function encodeAssignment(keys: readonly string[]): Buffer {
  const byTopic = new Map<string, number[]>();
  for (const key of keys) {
    const [topic = '', partition] = key.split('/');
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), Number(partition)]);
  }
  const assignedPartitions = [...byTopic].map(([topic, partitions]) => ({ topic, partitions }));
  return encodeVersioned(ConsumerProtocolAssignment, 1, { assignedPartitions, userData: null });
}

function decodeAssignment(bytes: Buffer): Map<string, number[]> {
  if (bytes.length === 0) return new Map();
  const { assignedPartitions } = decodeVersioned(ConsumerProtocolAssignment, bytes, 'as-newest');
  return new Map(assignedPartitions.map(({ topic, partitions }) => [topic, partitions]));
}
