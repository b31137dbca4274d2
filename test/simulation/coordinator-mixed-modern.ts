// A simulated consumer of the new protocol (KIP-848), as the Java client is one: says what has changed, and all of it
// after an answer that did not come; gives up before it takes; begins anew when it is fenced.

import { ErrorCode, errorName } from '../../src/base/kafka-errors.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../src/protocol/index.ts';
import { context } from '../unit/coordinator/harness.ts';
import { sleep } from './coordinator-chaos.ts';
import {
  type ByTopic,
  groupId,
  heartbeatMs,
  type Identity,
  isRetriable,
  rebalanceTimeoutMs,
  SimMember,
} from './coordinator-mixed-member.ts';
import type { MixedWorld } from './coordinator-mixed-world.ts';

export class ModernMember extends SimMember {
  readonly kind = 'modern';
  override epoch = 0;
  readonly #byRegex: boolean;
  /** Everything is to be said: it joins, or does not know what the broker has heard. */
  #full = true;
  /** What it has is to be said: it has given something up. */
  #claims = false;
  #said = '';
  /** What it is to have, while its handlers still work on what it is to give up. */
  #target: ByTopic | null = null;
  #busyUntilMs = 0;

  constructor(world: MixedWorld, identity: Identity) {
    super(world, identity);
    this.memberId = this.random.bytes(16).toString('base64url');
    this.#byRegex = this.random.chance(0.3);
  }

  async run(): Promise<void> {
    const { clock } = this.world;
    while (this.alive) {
      await this.#beat();
      await this.maybeStall();
      if (!this.alive) return;
      this.#follow();
      const hurry = this.epoch === 0 || this.#claims;
      await sleep(clock, hurry ? 50 + this.random.below(200) : heartbeatMs);
      if (this.alive && this.epoch > 0 && this.random.chance(0.6)) await this.#work();
    }
  }

  async leave(): Promise<void> {
    const away = this.instanceId !== null && this.random.chance(0.7);
    const request = { ...this.#request(), memberEpoch: away ? -2 : -1, topicPartitions: null };
    this.crash();
    await this.call((c) => c.consumerGroupHeartbeat(request, context(1)));
  }

  #request(): ConsumerGroupHeartbeatRequest {
    const { topics } = this;
    const all = this.#full || this.epoch === 0;
    const changed = all || this.#said !== topics.join();
    return {
      groupId,
      memberId: this.memberId,
      memberEpoch: this.epoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: all ? rebalanceTimeoutMs : -1,
      subscribedTopicNames: changed ? (this.#byRegex ? [] : [...topics]) : null,
      subscribedTopicRegex: changed && this.#byRegex ? `(${topics.join('|')})` : null,
      serverAssignor: null,
      topicPartitions: all || this.#claims ? this.#owned() : null,
    };
  }

  #owned(): NonNullable<ConsumerGroupHeartbeatRequest['topicPartitions']> {
    if (this.epoch === 0) return [];
    return [...this.owned].map(([topic, partitions]) => ({
      topicId: this.world.topics.topic(topic)?.id ?? '',
      partitions: [...partitions],
    }));
  }

  async #beat(): Promise<void> {
    const request = this.#request();
    const saying = this.topics.join();
    const outcome = await this.call((c) => c.consumerGroupHeartbeat(request, context(1)));
    if (!this.alive) return;
    if (!outcome.answered || isRetriable(outcome.response.errorCode)) {
      this.#full = true;
      return;
    }
    const { response } = outcome;
    if (response.errorCode !== ErrorCode.NONE) {
      this.refused(response.errorCode);
      return;
    }
    this.#full = false;
    this.#said = saying;
    this.#claims = false;
    this.epoch = response.memberEpoch;
    this.stable = true;
    if (response.assignment === null) return;
    this.#target = this.#named(response.assignment);
    const slow = this.world.faults && this.random.chance(0.2);
    if (slow) this.#busyUntilMs = this.world.clock.monotonic() + this.random.below(12_000);
    this.#follow();
  }

  /** Gives up and takes, unless its handlers are at work: heartbeats go on, and say nothing of it. */
  #follow(): void {
    if (this.#target === null) return;
    if (this.gives(this.#target) && this.world.clock.monotonic() < this.#busyUntilMs) return;
    if (this.take(this.#target)) this.#claims = true;
    this.#target = null;
  }

  #named(assignment: NonNullable<ConsumerGroupHeartbeatResponse['assignment']>) {
    const named = new Map<string, number[]>();
    for (const { topicId, partitions } of assignment.topicPartitions) {
      const topic = this.world.topics.topicById(topicId)?.name;
      if (topic !== undefined) named.set(topic, partitions);
    }
    return named;
  }

  async #work(): Promise<void> {
    const errorCode = await this.progress();
    if (!this.alive || errorCode === ErrorCode.NONE || isRetriable(errorCode)) return;
    // The next heartbeat brings the new epoch.
    if (errorCode !== ErrorCode.STALE_MEMBER_EPOCH) this.refused(errorCode);
  }

  protected refused(errorCode: number): void {
    switch (errorName(errorCode)) {
      case 'UNKNOWN_MEMBER_ID':
      case 'FENCED_MEMBER_EPOCH':
      // The group ended, or became classic, while it was taken for dead.
      case 'GROUP_ID_NOT_FOUND':
      // A commit or fetch in a group that became classic meanwhile.
      case 'ILLEGAL_GENERATION':
        this.drop();
        this.#target = null;
        this.epoch = 0;
        return;
      case 'UNRELEASED_INSTANCE_ID':
      case 'FENCED_INSTANCE_ID':
        this.world.fenced(this);
        return;
      default:
        this.unexpected(errorCode, 'a request');
    }
  }
}
