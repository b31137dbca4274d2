// What the simulated consumers of both protocols share: a network that loses, partitions with positions, commits.

import { ErrorCode, errorName } from '../../src/base/kafka-errors.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';
import type { Coordinator } from '../../src/coordinator/index.ts';
import { commitTopic, context, ZERO_ID } from '../unit/coordinator/harness.ts';
import { type Outcome, overLossyLink, sleep } from './coordinator-chaos.ts';
import type { MixedWorld } from './coordinator-mixed-world.ts';

export const groupId = 'fetchers';
export const sessionTimeoutMs = 6_000;
export const rebalanceTimeoutMs = 8_000;
export const heartbeatMs = 1_500;
export const topicNames = ['pages', 'orders'] as const;
const requestTimeoutMs = 2_000;

export interface Identity {
  readonly name: string;
  readonly instanceId: string | null;
}

/** Topic → partitions. */
export type ByTopic = ReadonlyMap<string, readonly number[]>;

const retriable = new Set<number>([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
]);

export function isRetriable(errorCode: number): boolean {
  return retriable.has(errorCode);
}

export abstract class SimMember {
  abstract readonly kind: 'classic' | 'modern';
  readonly world: MixedWorld;
  readonly name: string;
  readonly instanceId: string | null;
  readonly random: SeededRandom;
  alive = true;
  memberId = '';
  /** Member epoch, or generation. */
  epoch = -1;
  /** Has been told what it has in its epoch, and works on it. */
  stable = false;
  topics: readonly string[];
  /** topic/partition → where it stands; null until it has asked. */
  readonly #positions = new Map<string, number | null>();

  constructor(world: MixedWorld, identity: Identity) {
    this.world = world;
    this.name = identity.name;
    this.instanceId = identity.instanceId;
    this.random = world.random.fork();
    this.topics = this.#drawTopics();
  }

  abstract run(): Promise<void>;
  abstract leave(): Promise<void>;

  #drawTopics(): readonly string[] {
    return this.random.chance(0.7) ? topicNames : [this.random.pick(topicNames)];
  }

  /** Asks for other topics from now on. */
  resubscribe(): void {
    this.topics = this.#drawTopics();
  }

  /** Gone without a word. */
  crash(): void {
    this.alive = false;
    this.stable = false;
    this.#positions.clear();
  }

  holds(topic: string, partition: number): boolean {
    return this.stable && this.#positions.has(`${topic}/${partition}`);
  }

  get owned(): ByTopic {
    const owned = new Map<string, number[]>();
    for (const key of this.#positions.keys()) {
      const [topic = '', partition] = key.split('/');
      owned.set(topic, [...(owned.get(topic) ?? []), Number(partition)]);
    }
    return owned;
  }

  /** `topic/partition` of all it has. */
  get ownedKeys(): string[] {
    return [...this.#positions.keys()];
  }

  /** Has nothing any more: gave it up, or was told that it lost it. */
  drop(): void {
    this.#positions.clear();
  }

  /** Whether it would have to give something up for this. */
  gives(assigned: ByTopic): boolean {
    return this.ownedKeys.some((key) => {
      const [topic = '', partition] = key.split('/');
      return assigned.get(topic)?.includes(Number(partition)) !== true;
    });
  }

  /** Has this from now on; answers whether it gave something up for it. */
  take(assigned: ByTopic): boolean {
    const now = new Set<string>();
    for (const [topic, partitions] of assigned) {
      for (const partition of partitions) now.add(`${topic}/${partition}`);
    }
    let gaveUp = false;
    for (const key of [...this.#positions.keys()]) {
      if (now.has(key)) continue;
      this.#positions.delete(key);
      gaveUp = true;
    }
    for (const key of now) {
      if (this.#positions.has(key)) continue;
      this.#positions.set(key, null);
      const [topic = '', partition] = key.split('/');
      this.world.acquired(this, topic, Number(partition));
    }
    return gaveUp;
  }

  /** One request: it or its answer may be lost, and the answer may be late. */
  async call<T>(
    send: (coordinator: Coordinator) => Promise<T>,
    timeoutMs = requestTimeoutMs,
  ): Promise<Outcome<T>> {
    const outcome = await overLossyLink(this.world, this.random, send, timeoutMs);
    if (this.world.trace !== null) {
      const answer = outcome.answered ? JSON.stringify(outcome.response) : 'no answer';
      this.world.note(`${this.name} (${this.kind}, epoch ${this.epoch}): ${answer}`);
    }
    return outcome;
  }

  /** A handler slower than the session timeout, or a process that stood still. */
  async maybeStall(): Promise<void> {
    if (this.world.faults && this.random.chance(0.01)) {
      await sleep(this.world.clock, sessionTimeoutMs * 2);
    }
  }

  /** Works on one partition: asks where to go on, or commits that it has come further. */
  async progress(): Promise<number> {
    const keys = this.ownedKeys;
    if (keys.length === 0) return ErrorCode.NONE;
    const key = this.random.pick(keys);
    const [topic = '', partition] = key.split('/');
    const position = this.#positions.get(key) ?? null;
    return position === null
      ? this.#resume(key, topic, Number(partition))
      : this.#commit(key, { topic, partition: Number(partition), offset: position });
  }

  /** Where to go on: what was acknowledged before must be there. */
  async #resume(key: string, topic: string, partition: number): Promise<number> {
    const least = this.world.acked.get(key) ?? -1;
    const { memberId, epoch } = this;
    const topics = [{ name: topic, topicId: ZERO_ID, partitionIndexes: [partition] }];
    const asked = { groupId, memberId, memberEpoch: epoch, topics };
    const request = { groupId: '', topics: null, groups: [asked], requireStable: true };
    const fetched = await this.call((c) => c.offsetFetch(request, context(9)));
    if (!fetched.answered || !this.alive || !this.#positions.has(key)) return ErrorCode.NONE;
    const group = fetched.response.groups[0];
    if (group === undefined || group.errorCode !== 0) return group?.errorCode ?? ErrorCode.NONE;
    const committed = group.topics[0]?.partitions[0]?.committedOffset ?? -1;
    if (committed < least) this.world.problem(`${key} went back to ${committed} from ${least}`);
    this.#positions.set(key, Math.max(0, committed));
    return ErrorCode.NONE;
  }

  async #commit(
    key: string,
    at: { readonly topic: string; readonly partition: number; readonly offset: number },
  ): Promise<number> {
    const offset = at.offset + 1 + this.random.below(10);
    this.#positions.set(key, offset);
    const request = {
      groupId,
      generationIdOrMemberEpoch: this.epoch,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      retentionTimeMs: -1,
      topics: [commitTopic(at.topic, at.partition, offset)],
    };
    const committed = await this.call((c) => c.offsetCommit(request, context(9)));
    if (!committed.answered) return ErrorCode.NONE;
    const errorCode = committed.response.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.NONE;
    if (errorCode !== ErrorCode.NONE) return errorCode;
    const { acked, counts } = this.world;
    const before = acked.get(key) ?? -1;
    if (offset < before) this.world.problem(`${this.name} set ${key} to ${offset} < ${before}`);
    acked.set(key, Math.max(offset, before));
    counts.commits++;
    return ErrorCode.NONE;
  }

  /** A refusal that no correct broker gives. */
  unexpected(errorCode: number, what: string): void {
    this.world.problem(`${this.name}: ${what} was refused with ${errorName(errorCode)}`);
  }
}
