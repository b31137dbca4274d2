// Members of consumer groups over bare sockets, hundreds in one process: just enough of a client to follow its group.
// They read no records, so that what is measured is the coordinator.

import { randomBytes } from 'node:crypto';
import {
  ConsumerGroupHeartbeat,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  Heartbeat,
  JoinGroup,
  type JoinGroupResponse,
  LeaveGroup,
  type RequestInput,
  SyncGroup,
} from '../../src/protocol/index.ts';
import { RawClient } from './raw-client.ts';

export interface GroupTask {
  readonly port: number;
  readonly groupId: string;
  readonly topic: string;
  readonly partitions: number;
}

const MEMBER_ID_REQUIRED = 79;
const REBALANCE_IN_PROGRESS = 27;
/** Coordinators that are on their way: loading, not available, elsewhere. */
const TRY_AGAIN: readonly number[] = [14, 15, 16];
const RETRY_MS = 50;
/** As clients of the classic protocol do; those of the new one are told by the broker. */
const CLASSIC_HEARTBEAT_MS = 3_000;
const SESSION_TIMEOUT_MS = 45_000;
const REBALANCE_TIMEOUT_MS = 300_000;

/** What the two kinds share: a connection, a pause that can be cut short, what is owned. */
export abstract class GroupMember {
  readonly task: GroupTask;
  readonly client: RawClient;
  memberId = '';
  epoch = 0;
  owned = 0;
  requests = 0;
  protected stopped = false;
  #wake: () => void = () => undefined;

  constructor(task: GroupTask, client: RawClient) {
    this.task = task;
    this.client = client;
  }

  /** Joins, and follows the group until it is stopped. */
  abstract run(): Promise<void>;
  abstract leave(): Promise<void>;

  stop(): void {
    this.stopped = true;
    this.#wake();
    this.client.close();
  }

  protected pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A member of the new protocol (KIP-848). */
export class ConsumerMember extends GroupMember {
  #assigned: { topicId: string; partitions: number[] }[] = [];
  #news = true;

  override async run(): Promise<void> {
    this.memberId = randomBytes(16).toString('base64url');
    while (!this.stopped) {
      const answer = await this.client.send(ConsumerGroupHeartbeat, 1, this.#request());
      this.requests++;
      if (TRY_AGAIN.includes(answer.errorCode)) {
        await this.pause(RETRY_MS);
        continue;
      }
      if (answer.errorCode !== 0) throw new Error(`heartbeat: ${answer.errorMessage}`);
      this.#news = false;
      this.epoch = answer.memberEpoch;
      if (answer.assignment !== null) {
        const before = this.owned;
        this.#assigned = answer.assignment.topicPartitions;
        this.owned = this.#assigned.reduce((sum, { partitions }) => sum + partitions.length, 0);
        // What it has given up is told at once: others wait for it.
        this.#news = this.owned < before;
      }
      if (!this.#news) await this.pause(answer.heartbeatIntervalMs);
    }
  }

  #request(): RequestInput<typeof ConsumerGroupHeartbeat> {
    const { memberId, epoch } = this;
    const { groupId, topic } = this.task;
    const identity = { groupId, memberId, memberEpoch: epoch };
    if (epoch > 0) return this.#news ? { ...identity, topicPartitions: this.#assigned } : identity;
    return {
      ...identity,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      subscribedTopicNames: [topic],
      topicPartitions: [],
    };
  }

  override async leave(): Promise<void> {
    const { groupId } = this.task;
    const client = await RawClient.connect(this.task.port);
    this.stop();
    const request = { groupId, memberId: this.memberId, memberEpoch: -1 };
    await client.send(ConsumerGroupHeartbeat, 1, request);
    client.close();
  }
}

/** A member of the classic protocol; as leader it gives out partitions in turn. */
export class ClassicMember extends GroupMember {
  override async run(): Promise<void> {
    while (!this.stopped) {
      this.owned = 0;
      const joined = await this.#join();
      if (joined === null) continue;
      this.memberId = joined.memberId;
      if (!(await this.#sync(joined))) continue;
      while (!this.stopped && (await this.#beat())) await this.pause(CLASSIC_HEARTBEAT_MS);
    }
  }

  async #join(): Promise<JoinGroupResponse | null> {
    const { groupId, topic } = this.task;
    const said = { topics: [topic], userData: null, ownedPartitions: [] };
    const metadata = encodeVersioned(ConsumerProtocolSubscription, 1, said);
    const joined = await this.client.send(JoinGroup, 9, {
      groupId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.memberId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata }],
    });
    this.requests++;
    if (joined.errorCode === 0) return joined;
    if (joined.errorCode === MEMBER_ID_REQUIRED) this.memberId = joined.memberId;
    else await this.#refused('JoinGroup', joined.errorCode);
    return null;
  }

  async #sync(joined: JoinGroupResponse): Promise<boolean> {
    const leads = joined.leader === joined.memberId;
    const synced = await this.client.send(SyncGroup, 5, {
      groupId: this.task.groupId,
      generationId: joined.generationId,
      memberId: this.memberId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: leads ? this.#assign(joined) : [],
    });
    this.requests++;
    if (synced.errorCode !== 0) {
      await this.#refused('SyncGroup', synced.errorCode);
      return false;
    }
    this.epoch = joined.generationId;
    const { assignedPartitions } = decodeVersioned(ConsumerProtocolAssignment, synced.assignment);
    this.owned = assignedPartitions.reduce((sum, { partitions }) => sum + partitions.length, 0);
    return true;
  }

  #assign({ members }: JoinGroupResponse): { memberId: string; assignment: Buffer }[] {
    const { topic, partitions } = this.task;
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    return members.map(({ memberId }, index) => {
      const own = all.filter((partition) => partition % members.length === index);
      const assignedPartitions = [{ topic, partitions: own }];
      const value = { assignedPartitions, userData: null };
      return { memberId, assignment: encodeVersioned(ConsumerProtocolAssignment, 1, value) };
    });
  }

  async #beat(): Promise<boolean> {
    const { groupId } = this.task;
    const request = { groupId, generationId: this.epoch, memberId: this.memberId };
    const { errorCode } = await this.client.send(Heartbeat, 4, request);
    this.requests++;
    if (errorCode === 0) return true;
    await this.#refused('Heartbeat', errorCode);
    return TRY_AGAIN.includes(errorCode);
  }

  async #refused(what: string, errorCode: number): Promise<void> {
    if (errorCode === REBALANCE_IN_PROGRESS) return;
    if (!TRY_AGAIN.includes(errorCode)) throw new Error(`${what}: error ${errorCode}`);
    await this.pause(RETRY_MS);
  }

  override async leave(): Promise<void> {
    const { groupId, port } = this.task;
    const client = await RawClient.connect(port);
    this.stop();
    const members = [{ memberId: this.memberId, groupInstanceId: null }];
    await client.send(LeaveGroup, 5, { groupId, members });
    client.close();
  }
}
