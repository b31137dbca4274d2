// A coordinator on a virtual clock and a log in memory whose behaviour a test chooses.

import { KafkaError } from '../../../src/base/kafka-errors.ts';
import { type Logger, silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import {
  type CommandLog,
  Coordinator,
  defaultGroupConfig,
  type GroupConfig,
  type GroupObserver,
  type LogEntry,
  type LogRecord,
  type RequestContext,
  type TopicInfo,
  type TopicView,
} from '../../../src/coordinator/index.ts';
import {
  ConsumerProtocolSubscription,
  encodeVersioned,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type LeaveGroupResponse,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  type OffsetFetchResponse,
  type SyncGroupResponse,
} from '../../../src/protocol/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

export const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** A log in memory. `mode` decides the fate of appends; what is `committed` survives a restart. */
export class MemoryLog implements CommandLog {
  readonly partitions: LogEntry[][] = [];
  readonly appends: (readonly LogRecord[])[] = [];
  mode: 'ok' | 'stall' | 'fail' | 'lost' = 'ok';
  failure: KafkaError = new KafkaError('NOT_ENOUGH_REPLICAS', 'told to fail');
  readFailures = 0;
  creations = 0;
  #stalled: (() => void)[] = [];
  readonly #count: number;

  constructor(count = 4, exists = true) {
    this.#count = count;
    if (exists) this.#make();
  }

  #make(): void {
    while (this.partitions.length < this.#count) this.partitions.push([]);
  }

  partitionCount(): number {
    return this.partitions.length;
  }

  async create(): Promise<number> {
    this.creations++;
    await Promise.resolve();
    this.#make();
    return this.#count;
  }

  append(partition: number, records: readonly LogRecord[]): Promise<void> {
    this.appends.push(records);
    const commit = (): void => {
      const target = this.partitions[partition]!;
      for (const record of records) target.push({ kind: 'record', record, transaction: null });
    };
    if (this.mode === 'fail') return Promise.reject(this.failure);
    if (this.mode === 'lost') {
      // Written, but the answer says otherwise: the coordinator must find out by reading.
      commit();
      return Promise.reject(this.failure);
    }
    if (this.mode === 'stall') {
      return new Promise((resolve) => {
        this.#stalled.push(() => {
          commit();
          resolve();
        });
      });
    }
    commit();
    return Promise.resolve();
  }

  /** Lets the stalled appends through. */
  resume(): void {
    this.mode = 'ok';
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const go of stalled) go();
  }

  /** Forgets stalled appends, as a crash does. */
  crash(): void {
    this.mode = 'ok';
    this.#stalled = [];
  }

  async *read(partition: number): AsyncIterable<LogEntry> {
    if (this.readFailures > 0) {
      this.readFailures--;
      throw new KafkaError('KAFKA_STORAGE_ERROR', 'told to fail');
    }
    yield* [...this.partitions[partition]!];
  }
}

export class Topics implements TopicView {
  readonly known = new Map<string, TopicInfo>();

  add(name: string, partitionCount: number, id = `${name}-id`.padEnd(22, 'A').slice(0, 22)): this {
    this.known.set(name, { name, id, partitionCount });
    return this;
  }

  topic(name: string): TopicInfo | undefined {
    return this.known.get(name);
  }

  topics(): Iterable<TopicInfo> {
    return this.known.values();
  }

  topicById(id: string): TopicInfo | undefined {
    return [...this.known.values()].find((topic) => topic.id === id);
  }
}

/** What a consumer puts into JoinGroup. */
export function subscription(...topics: string[]): Buffer {
  return encodeVersioned(ConsumerProtocolSubscription, 1, { topics, userData: null });
}

export interface Harness {
  readonly clock: VirtualClock;
  readonly log: MemoryLog;
  readonly topics: Topics;
  readonly config: { -readonly [K in keyof GroupConfig]: GroupConfig[K] };
  coordinator: Coordinator;
  /** A new coordinator over the same log, as after a restart of the broker. */
  restart(then?: 'wait for it' | 'go on'): Promise<void>;
}

export async function harness(
  options: {
    readonly config?: Partial<GroupConfig>;
    readonly log?: MemoryLog;
    readonly logger?: Logger;
    readonly observer?: (clock: VirtualClock, topics: Topics) => GroupObserver;
    readonly seed?: number;
  } = {},
): Promise<Harness> {
  const clock = new VirtualClock();
  const log = options.log ?? new MemoryLog();
  const topics = new Topics().add('orders', 4).add('pages', 2);
  // Most tests are about what a target says, not about when it is made: targets.test.ts is.
  const groupConsumerAssignmentIntervalMs = 0;
  const config = { ...defaultGroupConfig, groupConsumerAssignmentIntervalMs, ...options.config };
  const random = new SeededRandom(options.seed ?? 1);
  const logger = options.logger ?? silentLogger;
  const observer = options.observer?.(clock, topics);
  const ports = { log, topics, clock, random, logger, config };
  const make = (): Coordinator => new Coordinator({ ...ports, ...(observer && { observer }) });
  const built: Harness = {
    clock,
    log,
    topics,
    config,
    coordinator: make(),
    async restart(then = 'wait for it') {
      this.coordinator.close();
      this.coordinator = make();
      const started = this.coordinator.start();
      if (then === 'wait for it') await clock.until(started);
    },
  };
  await clock.until(built.coordinator.start());
  return built;
}

export function context(apiVersion: number, clientId = 'client'): RequestContext {
  return { clientId, clientHost: '/127.0.0.1', apiVersion };
}

/** A consumer in a group, request by request. */
export class TestMember {
  readonly h: Harness;
  readonly groupId: string;
  instanceId: string | null;
  memberId = '';
  generation = -1;
  joinVersion = 9;
  sessionTimeoutMs = 10_000;
  rebalanceTimeoutMs = 30_000;
  protocolType = 'consumer';
  protocols: JoinGroupRequest['protocols'] = [{ name: 'range', metadata: subscription('orders') }];

  constructor(h: Harness, groupId = 'group', instanceId: string | null = null) {
    this.h = h;
    this.groupId = groupId;
    this.instanceId = instanceId;
  }

  joinRequest(): JoinGroupRequest {
    return {
      groupId: this.groupId,
      sessionTimeoutMs: this.sessionTimeoutMs,
      rebalanceTimeoutMs: this.rebalanceTimeoutMs,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: this.protocolType,
      protocols: this.protocols,
      reason: null,
    };
  }

  /** One JoinGroup, whatever the answer. */
  async joinOnce(): Promise<JoinGroupResponse> {
    const response = await this.h.coordinator.joinGroup(
      this.joinRequest(),
      context(this.joinVersion),
    );
    if (response.errorCode === 0 || response.errorCode === 79) this.memberId = response.memberId;
    if (response.errorCode === 0) this.generation = response.generationId;
    return response;
  }

  /** JoinGroup with the handshake for new members. */
  async join(): Promise<JoinGroupResponse> {
    const response = await this.joinOnce();
    return response.errorCode === 79 ? this.joinOnce() : response;
  }

  sync(assignments: Record<string, string | Buffer> = {}): Promise<SyncGroupResponse> {
    return this.h.coordinator.syncGroup({
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([memberId, assignment]) => ({
        memberId,
        assignment: typeof assignment === 'string' ? Buffer.from(assignment) : assignment,
      })),
    });
  }

  heartbeat(overrides: Partial<HeartbeatRequest> = {}): Promise<HeartbeatResponse> {
    return this.h.coordinator.heartbeat({
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      ...overrides,
    });
  }

  leave(): Promise<LeaveGroupResponse> {
    return this.h.coordinator.leaveGroup(
      {
        groupId: this.groupId,
        memberId: '',
        members: [{ memberId: this.memberId, groupInstanceId: this.instanceId, reason: null }],
      },
      context(5),
    );
  }

  commit(
    offset: number,
    overrides: Partial<OffsetCommitRequest> = {},
  ): Promise<OffsetCommitResponse> {
    return this.h.coordinator.offsetCommit(
      {
        groupId: this.groupId,
        generationIdOrMemberEpoch: this.generation,
        memberId: this.memberId,
        groupInstanceId: this.instanceId,
        retentionTimeMs: -1,
        topics: [commitTopic('orders', 0, offset)],
        ...overrides,
      },
      context(9),
    );
  }
}

export function commitTopic(
  name: string,
  partitionIndex: number,
  committedOffset: number,
  committedMetadata: string | null = null,
): OffsetCommitRequest['topics'][number] {
  return {
    name,
    topicId: ZERO_ID,
    partitions: [{ partitionIndex, committedOffset, committedLeaderEpoch: 3, committedMetadata }],
  };
}

/** A committed offset as OffsetFetch v9 tells it. */
export async function fetchOffset(
  h: Harness,
  groupId: string,
  name = 'orders',
  index = 0,
): Promise<OffsetFetchResponse['groups'][number]['topics'][number]['partitions'][number]> {
  const response = await h.clock.until(
    h.coordinator.offsetFetch(
      {
        groupId: '',
        topics: null,
        groups: [
          {
            groupId,
            memberId: null,
            memberEpoch: -1,
            topics: [{ name, topicId: ZERO_ID, partitionIndexes: [index] }],
          },
        ],
        requireStable: true,
      },
      context(9),
    ),
  );
  return response.groups[0]!.topics[0]!.partitions[0]!;
}

/** The only code in an OffsetCommit response. */
export function commitCode(response: OffsetCommitResponse): number {
  return response.topics[0]!.partitions[0]!.errorCode;
}

/** Brings the members into one stable generation; the first becomes leader in a new group. */
export async function settle(h: Harness, ...members: TestMember[]): Promise<SyncGroupResponse[]> {
  const joins = await Promise.all(members.map((member) => h.clock.until(member.join())));
  const leader = joins[0]!.leader;
  return Promise.all(
    members.map((member) => {
      const assignments = Object.fromEntries(
        members.map((one, index) => [one.memberId, `assigned ${index}`]),
      );
      return h.clock.until(member.sync(member.memberId === leader ? assignments : {}));
    }),
  );
}

export async function describe1(h: Harness, groupId = 'group', apiVersion = 6) {
  const response = await h.clock.until(
    h.coordinator.describeGroups(
      { groups: [groupId], includeAuthorizedOperations: false },
      context(apiVersion),
    ),
  );
  return response.groups[0]!;
}
