// The group coordinator as the broker sees it: one method per API, from decoded request to response.
// Refusals are codes in the response, never exceptions.

import { ErrorCode, KafkaError } from '../base/kafka-errors.ts';
import type {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
  DeleteGroupsRequest,
  DeleteGroupsResponse,
  DescribeGroupsRequest,
  DescribeGroupsResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  ListGroupsRequest,
  ListGroupsResponse,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetDeleteRequest,
  OffsetDeleteResponse,
  OffsetFetchRequest,
  OffsetFetchResponse,
  SyncGroupRequest,
  SyncGroupResponse,
} from '../protocol/index.ts';
import { describeFailed, listGroups } from './group/admin.ts';
import { checkKeepable } from './group/classic/join.ts';
import { joinError, syncError } from './group/classic/replies.ts';
import { topicsChanged } from './group/consumer/consumer-groups.ts';
import { describeNew, describeRefused } from './group/consumer/describe.ts';
import { heartbeatError } from './group/consumer/heartbeat.ts';
import { loadRegexEngine } from './group/consumer/regex.ts';
import {
  checkCommit,
  checkFetch,
  deleteEither,
  describeEither,
  heartbeatEither,
  joinEither,
  leaveEither,
  leaveResponse,
  leavingMembers,
  offsetsDeletableFrom,
  syncEither,
} from './group/either.ts';
import {
  checkGroupId,
  type GroupEvent,
  type GroupStep,
  type RequestContext,
} from './group/types.ts';
import { GroupMachine } from './machine.ts';
import { answerKnown, checkTopics, commitOffsets } from './offsets/commit.ts';
import { fetchError, fetchOffsets, fetchResponse, requestedGroups } from './offsets/fetch.ts';
import { deleteOffsets } from './offsets/forget.ts';
import { partitionFor } from './partition-for.ts';
import type { CoordinatorOptions } from './ports.ts';
import type { GroupRecord } from './records.ts';
import { codeOf, noteRefused } from './refused.ts';
import { Shard } from './runtime.ts';

type GroupShard = Shard<GroupRecord, GroupEvent, GroupStep, GroupMachine>;

/** From this version JoinGroup can answer without a protocol name. */
const nullProtocolSince = 7;

export class Coordinator {
  readonly #options: CoordinatorOptions;
  #shards: GroupShard[] = [];
  #opening: Promise<void> | null = null;
  #closed = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  /**
   * Loads all groups when the log exists already; resolves when done. Until then, groups answer
   * COORDINATOR_LOAD_IN_PROGRESS. Calling it is not needed for a log that is still to be made.
   */
  async start(): Promise<void> {
    if (this.#options.log.partitionCount() > 0) await this.#open();
  }

  /** Answers all who wait with NOT_COORDINATOR and takes no more. */
  close(): void {
    this.#closed = true;
    for (const shard of this.#shards) shard.close();
  }

  /** The partition of `__consumer_offsets` that keeps a group; makes the topic when there is none. */
  async partitionOf(groupId: string): Promise<number> {
    await this.#open();
    return partitionFor(groupId, this.#shards.length);
  }

  /** JoinGroup v0–9. Answers when the rebalance completes. */
  async joinGroup(request: JoinGroupRequest, context: RequestContext): Promise<JoinGroupResponse> {
    const response = await this.#join(request, context).catch((error: unknown) => {
      noteRefused(this.#options.observer, request, error);
      return joinError(request.memberId, codeOf(error));
    });
    const named = context.apiVersion >= nullProtocolSince;
    const protocolName = named ? response.protocolName || null : (response.protocolName ?? '');
    return { ...response, protocolName };
  }

  async #join(request: JoinGroupRequest, context: RequestContext): Promise<JoinGroupResponse> {
    checkGroupId(request.groupId, 'refused');
    checkKeepable(request, context);
    const shard = await this.#shardOf(request.groupId);
    return shard.call<JoinGroupResponse>((machine, step, ticket) => {
      joinEither(machine, { request, context, ticket }, step);
    });
  }

  /** SyncGroup v0–5. Answers when the generation has its assignment. */
  async syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    try {
      checkGroupId(request.groupId, 'refused');
      const shard = await this.#shardOf(request.groupId);
      return await shard.call<SyncGroupResponse>((machine, step, ticket) => {
        syncEither(machine, { request, ticket }, step);
      });
    } catch (error) {
      noteRefused(this.#options.observer, request, error);
      return syncError(codeOf(error));
    }
  }

  /** Heartbeat v0–4, answered from memory whatever the log does. */
  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse> {
    try {
      checkGroupId(request.groupId, 'refused');
      const shard = await this.#shardOf(request.groupId);
      return await shard.call<HeartbeatResponse>((machine, step, ticket) => {
        step.reply(ticket, heartbeatEither(machine, request, step));
      });
    } catch (error) {
      noteRefused(this.#options.observer, request, error);
      return { throttleTimeMs: 0, errorCode: ErrorCode[codeOf(error)] };
    }
  }

  /** ConsumerGroupHeartbeat v0–1. What changes nothing is answered from memory. */
  async consumerGroupHeartbeat(
    request: ConsumerGroupHeartbeatRequest,
    context: RequestContext,
  ): Promise<ConsumerGroupHeartbeatResponse> {
    const { groupId } = request;
    try {
      if (request.subscribedTopicRegex) await loadRegexEngine();
      // Whoever says what it has is told what it has, which must be durable.
      const scope = request.topicPartitions === null ? null : groupId;
      const shard = await this.#shardOf(groupId);
      return await shard.call<ConsumerGroupHeartbeatResponse>(
        ({ consumers }, step, ticket) =>
          step.reply(ticket, consumers.heartbeat(request, context, step)),
        { scope },
      );
    } catch (error) {
      noteRefused(this.#options.observer, request, error);
      return heartbeatError(error);
    }
  }

  /** ConsumerGroupDescribe v0–1, from memory. The caller fills in authorized operations. */
  async consumerGroupDescribe(
    request: ConsumerGroupDescribeRequest,
  ): Promise<ConsumerGroupDescribeResponse> {
    const { topics, config } = this.#options;
    const groups = request.groupIds.map((groupId) =>
      this.#view(groupId, 'refused', (machine) =>
        describeNew(machine, groupId, topics, config),
      ).catch((error: unknown) => describeRefused(groupId, ErrorCode[codeOf(error)])),
    );
    return { throttleTimeMs: 0, groups: await Promise.all(groups) };
  }

  /** LeaveGroup v0–5. */
  async leaveGroup(
    request: LeaveGroupRequest,
    context: RequestContext,
  ): Promise<LeaveGroupResponse> {
    const leaving = leavingMembers(request, context.apiVersion);
    return leaveResponse(await this.#leave(request.groupId, leaving), context.apiVersion);
  }

  async #leave(
    groupId: string,
    leaving: LeaveGroupRequest['members'],
  ): Promise<LeaveGroupResponse> {
    try {
      checkGroupId(groupId, 'refused');
      const shard = await this.#shardOf(groupId);
      return await shard.call<LeaveGroupResponse>((machine, step, ticket) => {
        const members = leaveEither(machine, groupId, leaving, step);
        step.reply(ticket, { throttleTimeMs: 0, errorCode: ErrorCode.NONE, members });
      });
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: ErrorCode[codeOf(error)], members: [] };
    }
  }

  /** OffsetCommit v2–10. Answers once the offsets are durable. */
  async offsetCommit(
    request: OffsetCommitRequest,
    context: RequestContext,
  ): Promise<OffsetCommitResponse> {
    const { groupId } = request;
    const topics = checkTopics(request, context.apiVersion, this.#options.topics);
    try {
      checkGroupId(groupId, 'allowed');
      const shard = await this.#shardOf(groupId);
      return await shard.call<OffsetCommitResponse>(
        (machine, step, ticket) => {
          checkCommit(machine, request, context.apiVersion, step);
          const response = commitOffsets(request, topics, step);
          if (step.records.length > 0) machine.ensure(groupId, step.nowMs);
          step.reply(ticket, response);
        },
        { scope: groupId },
      );
    } catch (error) {
      noteRefused(this.#options.observer, request, error);
      return { throttleTimeMs: 0, topics: answerKnown(topics, ErrorCode[codeOf(error)]) };
    }
  }

  /** OffsetFetch v1–10. Tells only of durable offsets; none waits for the end of a transaction (`requireStable`). */
  async offsetFetch(
    request: OffsetFetchRequest,
    context: RequestContext,
  ): Promise<OffsetFetchResponse> {
    const { apiVersion } = context;
    const { topics } = this.#options;
    const options = { apiVersion, topics };
    const groups = requestedGroups(request, apiVersion).map(async (group) => {
      const { groupId } = group;
      try {
        checkGroupId(groupId, 'allowed');
        const shard = await this.#shardOf(groupId);
        return await shard.call<ReturnType<typeof fetchOffsets>>(
          (machine, step, ticket) => {
            checkFetch(machine, group);
            step.reply(ticket, fetchOffsets(group, options, machine.offsets));
          },
          { scope: groupId },
        );
      } catch (error) {
        return fetchError(group, ErrorCode[codeOf(error)], apiVersion);
      }
    });
    return fetchResponse(await Promise.all(groups), apiVersion);
  }

  /** OffsetDelete v0. */
  async offsetDelete(request: OffsetDeleteRequest): Promise<OffsetDeleteResponse> {
    const { groupId } = request;
    try {
      checkGroupId(groupId, 'refused');
      const shard = await this.#shardOf(groupId);
      return await shard.call<OffsetDeleteResponse>(
        (machine, step, ticket) => {
          const group = offsetsDeletableFrom(machine, groupId);
          const from = { group, store: machine.offsets, topics: this.#options.topics };
          const topics = deleteOffsets(request, from, step);
          step.reply(ticket, { errorCode: ErrorCode.NONE, throttleTimeMs: 0, topics });
        },
        { scope: groupId },
      );
    } catch (error) {
      return { errorCode: ErrorCode[codeOf(error)], throttleTimeMs: 0, topics: [] };
    }
  }

  /** DescribeGroups v0–6, from memory. The caller fills in authorized operations. */
  async describeGroups(
    request: DescribeGroupsRequest,
    context: RequestContext,
  ): Promise<DescribeGroupsResponse> {
    const { apiVersion } = context;
    const groups = request.groups.map((groupId) =>
      this.#view(groupId, 'allowed', (machine) =>
        describeEither(machine, groupId, apiVersion),
      ).catch((error: unknown) => describeFailed(groupId, ErrorCode[codeOf(error)])),
    );
    return { throttleTimeMs: 0, groups: await Promise.all(groups) };
  }

  /** ListGroups v0–5, from memory. An error when some groups cannot be seen yet. */
  listGroups(request: ListGroupsRequest): ListGroupsResponse {
    const response: ListGroupsResponse = { throttleTimeMs: 0, errorCode: 0, groups: [] };
    for (const shard of this.#shards) {
      try {
        const listed = shard.view((machine) => listGroups(machine.all(), request));
        response.groups.push(...listed);
      } catch (error) {
        return { throttleTimeMs: 0, errorCode: ErrorCode[codeOf(error)], groups: [] };
      }
    }
    return response;
  }

  /** DeleteGroups v0–2. */
  async deleteGroups(request: DeleteGroupsRequest): Promise<DeleteGroupsResponse> {
    // As Kafka: a group that is named twice is answered once.
    const results = [...new Set(request.groupsNames)].map(async (groupId) => {
      try {
        checkGroupId(groupId, 'allowed');
        const shard = await this.#shardOf(groupId);
        const errorCode = await shard.call<number>(
          (machine, step, ticket) => {
            deleteEither(machine, groupId, step);
            step.reply(ticket, ErrorCode.NONE);
          },
          { scope: groupId },
        );
        return { groupId, errorCode };
      } catch (error) {
        return { groupId, errorCode: ErrorCode[codeOf(error)] };
      }
    });
    return { throttleTimeMs: 0, results: await Promise.all(results) };
  }

  /** Topics were made, grown or deleted: consumer groups look at theirs again with their next heartbeat. */
  async onTopicsChanged(): Promise<void> {
    const active = this.#shards.filter(({ state }) => state === 'active');
    await topicsChanged(active.map((shard) => shard.view(({ consumers }) => consumers)));
  }

  /** Forgets what groups committed for topics that were deleted; resolves when that is durable. */
  async onTopicsDeleted(names: readonly string[]): Promise<void> {
    const { logger } = this.#options;
    const gone = new Set(names);
    const done = this.#shards.map((shard) =>
      shard
        .call<null>((machine, step, ticket) => {
          machine.deleteTopics(gone, step);
          step.reply(ticket, null);
        })
        // A commit for the old topic is not taken for one of a new topic of that name: topic ids differ.
        .catch((error: unknown) => logger.warn({ topics: names, error }, 'offsets not forgotten')),
    );
    await Promise.all(done);
  }

  async #view<T>(
    groupId: string,
    empty: 'allowed' | 'refused',
    look: (machine: GroupMachine) => T,
  ): Promise<T> {
    checkGroupId(groupId, empty);
    return (await this.#shardOf(groupId)).view(look);
  }

  async #shardOf(groupId: string): Promise<GroupShard> {
    if (this.#shards.length === 0) await this.#open();
    const shard = this.#shards[partitionFor(groupId, this.#shards.length)];
    if (shard === undefined || this.#closed) {
      throw new KafkaError('NOT_COORDINATOR', 'the coordinator is closed');
    }
    return shard;
  }

  /** Single flight. A failure is told and forgotten, so that the next request tries again. */
  #open(): Promise<void> {
    this.#opening ??= this.#openShards().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  async #openShards(): Promise<void> {
    const { log, clock, logger, random, config, topics, observer } = this.#options;
    const count = log.partitionCount() || (await log.create());
    if (this.#closed) throw new KafkaError('NOT_COORDINATOR', 'the coordinator is closed');
    const newMachine = (): GroupMachine => new GroupMachine({ config, random, logger, topics });
    const observe = ({ facts, nowMs }: GroupStep): void => observer?.decided(facts, nowMs);
    this.#shards = Array.from(
      { length: count },
      (_, partition) => new Shard({ partition, log, clock, logger, newMachine, observe }),
    );
    await Promise.all(this.#shards.map((shard) => shard.load()));
    // Groups that were loaded with expressions may need the engine at their first heartbeat.
    await this.onTopicsChanged();
  }
}
