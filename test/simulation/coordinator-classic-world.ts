// Consumers of one classic group, a coordinator that restarts, a log that stalls and fails, a network that loses
// requests and answers: all on one virtual clock, all drawn from one seed.

import { ErrorCode, errorName } from '../../src/base/kafka-errors.ts';
import { silentLogger } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  type CommandLog,
  Coordinator,
  defaultGroupConfig,
  type LogEntry,
} from '../../src/coordinator/index.ts';
import type { JoinGroupResponse } from '../../src/protocol/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import {
  commitTopic,
  context,
  subscription,
  Topics,
  ZERO_ID,
} from '../unit/coordinator/harness.ts';
import { ChaosLog, logOf, type Outcome, overLossyLink, sleep } from './coordinator-chaos.ts';

export const groupId = 'crawlers';
export const topic = 'pages';
export const sessionTimeoutMs = 6_000;
export const rebalanceTimeoutMs = 8_000;
const requestTimeoutMs = 2_000;
const heartbeatMs = 1_500;

export class World {
  readonly seed: number;
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly log: ChaosLog;
  readonly topics: Topics;
  readonly partitions: number;
  coordinator: Coordinator;
  faults = true;
  readonly consumers: Consumer[] = [];
  readonly problems: string[] = [];
  /** generation/partition → who owned it. */
  readonly #owners = new Map<string, string>();
  readonly ackedOffsets = new Map<number, number>();
  generations = 0;
  commits = 0;
  restarts = 0;

  constructor(seed: number, partitions: number) {
    this.seed = seed;
    this.partitions = partitions;
    this.random = new SeededRandom(seed);
    this.log = new ChaosLog(this.clock, this.random.fork());
    this.topics = new Topics().add(topic, partitions);
    this.coordinator = this.#make(this.log);
    void this.coordinator.start();
  }

  #make(log: CommandLog): Coordinator {
    return new Coordinator({
      log,
      topics: this.topics,
      clock: this.clock,
      random: this.random.fork(),
      logger: silentLogger,
      config: { ...defaultGroupConfig, offsetsRetentionCheckIntervalMs: 1_000_000_000 },
    });
  }

  restart(): void {
    this.restarts++;
    this.coordinator.close();
    this.log.crash();
    this.coordinator = this.#make(this.log);
    void this.coordinator.start();
  }

  add(instanceId: string | null = null): Consumer {
    const consumer = new Consumer(this, this.consumers.length, instanceId);
    this.consumers.push(consumer);
    void consumer.run();
    return consumer;
  }

  /**
   * Fencing is fatal to a client, so something starts it again unless its twin lives. (A new id that was handed out in
   * a rebalance is durable with its assignment only: a restart of the broker in between brings the old id back, as in
   * Kafka, and fences the consumer that has the new one.)
   */
  fenced(consumer: Consumer): void {
    const { instanceId } = consumer;
    void sleep(this.clock, 1_000).then(() => {
      if (!this.alive.some((other) => other.instanceId === instanceId)) this.add(instanceId);
    });
  }

  get alive(): Consumer[] {
    return this.consumers.filter((consumer) => consumer.alive);
  }

  problem(text: string): void {
    this.problems.push(`at ${this.clock.monotonic()} ms: ${text}`);
  }

  owns(generation: number, partition: number, owner: string): void {
    this.generations = Math.max(this.generations, generation);
    const key = `${generation}/${partition}`;
    const known = this.#owners.get(key) ?? owner;
    this.#owners.set(key, known);
    if (known !== owner) {
      this.problem(`partition ${partition} of generation ${generation}: ${known} and ${owner}`);
    }
  }

  /** All that a client can see of the group. */
  async view(coordinator = this.coordinator) {
    const described = await this.clock.until(
      coordinator.describeGroups(
        { groups: [groupId], includeAuthorizedOperations: false },
        context(6),
      ),
    );
    const offsets = await this.clock.until(
      coordinator.offsetFetch(
        {
          groupId: '',
          topics: null,
          groups: [{ groupId, memberId: null, memberEpoch: -1, topics: null }],
          requireStable: true,
        },
        context(9),
      ),
    );
    const byPartition = new Map<number, unknown>();
    for (const one of offsets.groups[0]!.topics[0]?.partitions ?? []) {
      byPartition.set(one.partitionIndex, one);
    }
    const sorted = [...byPartition].sort(([a], [b]) => a - b);
    return { group: described.groups[0]!, offsets: sorted };
  }

  /** A coordinator that knows only these entries. */
  async replayed(entries: readonly LogEntry[]): Promise<Coordinator> {
    const coordinator = this.#make(logOf(entries));
    await this.clock.until(coordinator.start());
    return coordinator;
  }
}

/** A consumer as clients are: join, sync, heartbeat, commit; new attempts after every refusal. */
export class Consumer {
  readonly world: World;
  readonly name: string;
  readonly instanceId: string | null;
  alive = true;
  memberId = '';
  generation = -1;
  owned: readonly number[] = [];
  stable = false;
  /** Wants a rebalance, as a leader does that sees new partitions. */
  rejoin = false;
  readonly #random: SeededRandom;
  readonly #positions = new Map<number, number>();

  constructor(world: World, index: number, instanceId: string | null) {
    this.world = world;
    this.instanceId = instanceId;
    this.name = instanceId ?? `consumer ${index}`;
    this.#random = world.random.fork();
  }

  async run(): Promise<void> {
    while (this.alive) {
      this.stable = false;
      if (await this.#enter()) await this.#work();
      if (this.alive) await sleep(this.world.clock, 50 + this.#random.below(200));
    }
  }

  /** Gone without a word. */
  crash(): void {
    this.alive = false;
    this.stable = false;
  }

  async leave(): Promise<void> {
    this.crash();
    const members = [{ memberId: this.memberId, groupInstanceId: this.instanceId, reason: null }];
    await this.#call((c) => c.leaveGroup({ groupId, memberId: '', members }, context(5)));
  }

  #call<T>(
    send: (coordinator: Coordinator) => Promise<T>,
    timeoutMs = requestTimeoutMs,
  ): Promise<Outcome<T>> {
    return overLossyLink(this.world, this.#random, send, timeoutMs);
  }

  async #enter(): Promise<boolean> {
    const joined = await this.#call(
      (c) =>
        c.joinGroup(
          {
            groupId,
            sessionTimeoutMs,
            rebalanceTimeoutMs,
            memberId: this.memberId,
            groupInstanceId: this.instanceId,
            protocolType: 'consumer',
            protocols: [{ name: 'range', metadata: subscription(topic) }],
            reason: null,
          },
          context(9, this.name),
        ),
      rebalanceTimeoutMs + 5_000,
    );
    if (!this.alive || !joined.answered) return false;
    const { response } = joined;
    if (response.errorCode !== ErrorCode.NONE) {
      this.#refused(response.errorCode, response.memberId);
      return false;
    }
    this.memberId = response.memberId;
    this.generation = response.generationId;
    return this.#sync(response);
  }

  async #sync(joined: JoinGroupResponse): Promise<boolean> {
    const leads = joined.leader === joined.memberId && !joined.skipAssignment;
    const assignments = leads ? this.#assign(joined) : [];
    const synced = await this.#call(
      (c) =>
        c.syncGroup({
          groupId,
          generationId: this.generation,
          memberId: this.memberId,
          groupInstanceId: this.instanceId,
          protocolType: 'consumer',
          protocolName: 'range',
          assignments,
        }),
      rebalanceTimeoutMs,
    );
    if (!this.alive || !synced.answered) return false;
    const { errorCode, assignment } = synced.response;
    if (errorCode !== ErrorCode.NONE) {
      this.#refused(errorCode, this.memberId);
      return false;
    }
    this.owned = assignment.length === 0 ? [] : (JSON.parse(assignment.toString()) as number[]);
    for (const partition of this.owned) {
      this.world.owns(this.generation, partition, this.name);
    }
    return this.#resume();
  }

  #assign(joined: JoinGroupResponse): { memberId: string; assignment: Buffer }[] {
    const shares = joined.members.map(() => [] as number[]);
    for (let index = 0; index < this.world.partitions; index++) {
      shares[index % shares.length]!.push(index);
    }
    return joined.members.map(({ memberId }, index) => ({
      memberId,
      assignment: Buffer.from(JSON.stringify(shares[index])),
    }));
  }

  /** Reads where to go on; what was acknowledged before must be there. */
  async #resume(): Promise<boolean> {
    if (this.owned.length === 0) return true;
    const acked = new Map(this.world.ackedOffsets);
    const fetched = await this.#call((c) =>
      c.offsetFetch(
        {
          groupId: '',
          topics: null,
          groups: [
            {
              groupId,
              memberId: this.memberId,
              memberEpoch: -1,
              topics: [{ name: topic, topicId: ZERO_ID, partitionIndexes: [...this.owned] }],
            },
          ],
          requireStable: true,
        },
        context(9),
      ),
    );
    if (!this.alive || !fetched.answered) return false;
    const group = fetched.response.groups[0]!;
    if (group.errorCode !== ErrorCode.NONE) {
      this.#refused(group.errorCode, this.memberId);
      return false;
    }
    for (const { partitionIndex, committedOffset } of group.topics[0]!.partitions) {
      const least = acked.get(partitionIndex) ?? -1;
      if (committedOffset < least) {
        this.world.problem(
          `partition ${partitionIndex} went back to ${committedOffset} < ${least}`,
        );
      }
      this.#positions.set(partitionIndex, Math.max(0, committedOffset));
    }
    return true;
  }

  async #work(): Promise<void> {
    this.stable = true;
    while (this.alive) {
      await sleep(this.world.clock, heartbeatMs);
      // A handler slower than the session timeout now and then.
      if (this.world.faults && this.#random.chance(0.01)) {
        await sleep(this.world.clock, sessionTimeoutMs * 2);
      }
      if (!this.alive || this.rejoin) break;
      if (this.#random.chance(0.5) && !(await this.#commit())) break;
      const beat = await this.#call((c) =>
        c.heartbeat({
          groupId,
          generationId: this.generation,
          memberId: this.memberId,
          groupInstanceId: this.instanceId,
        }),
      );
      if (!this.alive) return;
      if (!beat.answered) continue;
      const { errorCode } = beat.response;
      if (retriable.has(errorCode)) continue;
      if (errorCode !== ErrorCode.NONE) {
        this.#refused(errorCode, this.memberId);
        break;
      }
    }
    this.rejoin = false;
  }

  async #commit(): Promise<boolean> {
    const partition = this.owned[this.#random.below(Math.max(1, this.owned.length))];
    if (partition === undefined) return true;
    const offset = (this.#positions.get(partition) ?? 0) + 1 + this.#random.below(10);
    this.#positions.set(partition, offset);
    const committed = await this.#call((c) =>
      c.offsetCommit(
        {
          groupId,
          generationIdOrMemberEpoch: this.generation,
          memberId: this.memberId,
          groupInstanceId: this.instanceId,
          retentionTimeMs: -1,
          topics: [commitTopic(topic, partition, offset)],
        },
        context(9),
      ),
    );
    if (!committed.answered) return true;
    const { errorCode } = committed.response.topics[0]!.partitions[0]!;
    if (errorCode === ErrorCode.NONE) {
      this.world.commits++;
      const before = this.world.ackedOffsets.get(partition) ?? -1;
      if (offset < before) this.world.problem(`${this.name} committed ${offset} after ${before}`);
      this.world.ackedOffsets.set(partition, Math.max(offset, before));
      return true;
    }
    if (retriable.has(errorCode)) return true;
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
        return;
      case 'FENCED_INSTANCE_ID':
        this.crash();
        this.world.fenced(this);
        return;
      case 'ILLEGAL_GENERATION':
      case 'REBALANCE_IN_PROGRESS':
      case 'NOT_COORDINATOR':
      case 'COORDINATOR_NOT_AVAILABLE':
      case 'COORDINATOR_LOAD_IN_PROGRESS':
        return;
      default:
        this.world.problem(`${this.name} was refused with ${errorName(errorCode)}`);
    }
  }
}

const retriable = new Set<number>([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
]);
