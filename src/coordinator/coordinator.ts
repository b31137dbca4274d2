// The group coordinator as the broker sees it: one method per API, from decoded request to response.
// Refusals are codes in the response, never exceptions.

import { ErrorCode, KafkaError } from '../base/kafka-errors.ts';
import type { Clock, Logger, Random } from '../base/ports.ts';
import type {
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
import type { GroupConfig } from './config.ts';
import {
  checkDeletable,
  checkOffsetsDeletable,
  describeFailed,
  describeGroup,
  describeUnknown,
  listGroups,
} from './group/admin.ts';
import { checkJoin, joinGroup } from './group/classic/join.ts';
import { heartbeat, heartbeatCode, leaveGroup, syncGroup } from './group/classic/membership.ts';
import { joinError, syncError } from './group/classic/replies.ts';
import {
  checkGroupId,
  type GroupEvent,
  type GroupStep,
  type RequestContext,
  storable,
} from './group/types.ts';
import { GroupMachine } from './machine.ts';
import { answerAll, checkCommitter, checkTopics, commitOffsets } from './offsets/commit.ts';
import { fetchError, fetchOffsets, fetchResponse, requestedGroups } from './offsets/fetch.ts';
import { deleteOffsets } from './offsets/forget.ts';
import { partitionFor } from './partition-for.ts';
import type { CommandLog, TopicView } from './ports.ts';
import type { GroupRecord } from './records.ts';
import { Shard } from './runtime.ts';

type GroupShard = Shard<GroupRecord, GroupEvent, GroupStep, GroupMachine>;

export interface CoordinatorOptions {
  /** `__consumer_offsets`. */
  readonly log: CommandLog;
  readonly topics: TopicView;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: GroupConfig;
}

/** From this version LeaveGroup takes many members and answers for each. */
const leaveManySince = 3;
/** From this version JoinGroup can answer without a protocol name. */
const nullProtocolSince = 7;
/** From this version a commit to a group that does not exist says so. */
const commitUnknownGroupSince = 9;

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
    const response = await this.#join(request, context).catch((error: unknown) =>
      joinError(request.memberId, codeOf(error)),
    );
    const named = context.apiVersion >= nullProtocolSince;
    const protocolName = named ? response.protocolName || null : (response.protocolName ?? '');
    return { ...response, protocolName };
  }

  async #join(request: JoinGroupRequest, context: RequestContext): Promise<JoinGroupResponse> {
    checkGroupId(request.groupId, 'refused');
    checkStrings(request, context);
    const shard = await this.#shardOf(request.groupId);
    return shard.call<JoinGroupResponse>((machine, step, ticket) => {
      checkJoin(request, step);
      const known = machine.groups.get(request.groupId);
      if (known === undefined && request.memberId !== '') {
        throw new KafkaError('UNKNOWN_MEMBER_ID', `there is no group "${request.groupId}"`);
      }
      const group = known ?? machine.obtain(request.groupId, step.nowMs);
      joinGroup(group, { request, context, ticket }, step);
      machine.discardUnused(group);
    });
  }

  /** SyncGroup v0–5. Answers when the generation has its assignment. */
  async syncGroup(request: SyncGroupRequest): Promise<SyncGroupResponse> {
    try {
      checkGroupId(request.groupId, 'refused');
      const shard = await this.#shardOf(request.groupId);
      return await shard.call<SyncGroupResponse>((machine, step, ticket) => {
        const group = machine.require(request.groupId, 'UNKNOWN_MEMBER_ID');
        syncGroup(group, { request, ticket }, step);
      });
    } catch (error) {
      return syncError(codeOf(error));
    }
  }

  /** Heartbeat v0–4, answered from memory whatever the log does. */
  async heartbeat(request: HeartbeatRequest): Promise<HeartbeatResponse> {
    try {
      checkGroupId(request.groupId, 'refused');
      const shard = await this.#shardOf(request.groupId);
      return await shard.call<HeartbeatResponse>((machine, step, ticket) => {
        const group = machine.require(request.groupId, 'UNKNOWN_MEMBER_ID');
        heartbeat(group, request, step);
        step.reply(ticket, { throttleTimeMs: 0, errorCode: heartbeatCode(group) });
      });
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: ErrorCode[codeOf(error)] };
    }
  }

  /** LeaveGroup v0–5. */
  async leaveGroup(
    request: LeaveGroupRequest,
    context: RequestContext,
  ): Promise<LeaveGroupResponse> {
    const many = context.apiVersion >= leaveManySince;
    const leaving = many
      ? request.members
      : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
    const answer = await this.#leave(request.groupId, leaving);
    if (many || answer.errorCode !== ErrorCode.NONE) return answer;
    const errorCode = answer.members[0]?.errorCode ?? ErrorCode.NONE;
    return { throttleTimeMs: 0, errorCode, members: [] };
  }

  async #leave(
    groupId: string,
    leaving: LeaveGroupRequest['members'],
  ): Promise<LeaveGroupResponse> {
    try {
      checkGroupId(groupId, 'refused');
      const shard = await this.#shardOf(groupId);
      return await shard.call<LeaveGroupResponse>((machine, step, ticket) => {
        const group = machine.groups.get(groupId);
        const members =
          group === undefined
            ? leaving.map(({ memberId, groupInstanceId }) => ({
                memberId,
                groupInstanceId,
                errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
              }))
            : leaveGroup(group, leaving, step);
        if (group !== undefined) machine.discardUnused(group);
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
    const { groupId, generationIdOrMemberEpoch } = request;
    const topics = checkTopics(request, context.apiVersion, this.#options.topics);
    try {
      checkGroupId(groupId, 'allowed');
      const shard = await this.#shardOf(groupId);
      return await shard.call<OffsetCommitResponse>(
        (machine, step, ticket) => {
          const known = machine.groups.get(groupId);
          if (known === undefined && generationIdOrMemberEpoch >= 0) {
            throw new KafkaError(
              context.apiVersion >= commitUnknownGroupSince
                ? 'GROUP_ID_NOT_FOUND'
                : 'ILLEGAL_GENERATION',
              `there is no group "${groupId}"`,
            );
          }
          if (known !== undefined) checkCommitter(known, request, step);
          const response = commitOffsets(request, topics, step);
          if (step.records.length > 0) machine.obtain(groupId, step.nowMs);
          step.reply(ticket, response);
        },
        { scope: groupId },
      );
    } catch (error) {
      const errorCode = ErrorCode[codeOf(error)];
      const answers = topics.map((checked) =>
        checked.kind === 'known' ? answerAll(checked.topic, errorCode) : checked.answer,
      );
      return { throttleTimeMs: 0, topics: answers };
    }
  }

  /** OffsetFetch v1–10. Tells only of durable offsets. */
  async offsetFetch(
    request: OffsetFetchRequest,
    context: RequestContext,
  ): Promise<OffsetFetchResponse> {
    const { apiVersion } = context;
    const { topics } = this.#options;
    const options = { requireStable: request.requireStable, apiVersion, topics };
    const groups = requestedGroups(request, apiVersion).map(async (group) => {
      const { groupId } = group;
      try {
        checkGroupId(groupId, 'allowed');
        const shard = await this.#shardOf(groupId);
        return await shard.call<ReturnType<typeof fetchOffsets>>(
          (machine, step, ticket) =>
            step.reply(ticket, fetchOffsets(group, options, machine.offsets)),
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
          const group = machine.require(groupId, 'GROUP_ID_NOT_FOUND');
          checkOffsetsDeletable(group);
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
    const groups = request.groups.map(async (groupId) => {
      try {
        checkGroupId(groupId, 'allowed');
        const shard = await this.#shardOf(groupId);
        const group = shard.view((machine) => machine.groups.get(groupId));
        return group === undefined
          ? describeUnknown(groupId, context.apiVersion)
          : describeGroup(group);
      } catch (error) {
        return describeFailed(groupId, ErrorCode[codeOf(error)]);
      }
    });
    return { throttleTimeMs: 0, groups: await Promise.all(groups) };
  }

  /** ListGroups v0–5, from memory. An error when some groups cannot be seen yet. */
  listGroups(request: ListGroupsRequest): ListGroupsResponse {
    const response: ListGroupsResponse = { throttleTimeMs: 0, errorCode: 0, groups: [] };
    for (const shard of this.#shards) {
      try {
        const listed = shard.view((machine) => listGroups(machine.groups.values(), request));
        response.groups.push(...listed);
      } catch (error) {
        return { throttleTimeMs: 0, errorCode: ErrorCode[codeOf(error)], groups: [] };
      }
    }
    return response;
  }

  /** DeleteGroups v0–2. */
  async deleteGroups(request: DeleteGroupsRequest): Promise<DeleteGroupsResponse> {
    const results = request.groupsNames.map(async (groupId) => {
      try {
        checkGroupId(groupId, 'allowed');
        const shard = await this.#shardOf(groupId);
        const errorCode = await shard.call<number>(
          (machine, step, ticket) => {
            const group = machine.require(groupId, 'GROUP_ID_NOT_FOUND');
            checkDeletable(group);
            machine.deleteGroup(group, step);
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

  /** Forgets what groups committed for topics that were deleted; resolves when that is durable. */
  async onTopicsDeleted(names: readonly string[]): Promise<void> {
    const gone = new Set(names);
    const done = this.#shards.map((shard) =>
      shard
        .call<null>((machine, step, ticket) => {
          machine.deleteTopics(gone, step);
          step.reply(ticket, null);
        })
        .catch((error: unknown) => {
          // A commit for the old topic is not taken for one of a new topic of that name: topic ids differ.
          this.#options.logger.warn({ topics: names, error }, 'coordinator: offsets not forgotten');
        }),
    );
    await Promise.all(done);
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
    const { log, clock, logger, random, config } = this.#options;
    const count = log.partitionCount() || (await log.create());
    if (this.#closed) throw new KafkaError('NOT_COORDINATOR', 'the coordinator is closed');
    const newMachine = (): GroupMachine => new GroupMachine({ config, random, logger });
    this.#shards = Array.from(
      { length: count },
      (_, partition) => new Shard({ partition, log, clock, logger, newMachine }),
    );
    await Promise.all(this.#shards.map((shard) => shard.load()));
  }
}

/** Strings that go into records must fit there. */
function checkStrings(request: JoinGroupRequest, context: RequestContext): void {
  const { groupInstanceId, protocolType, protocols } = request;
  const texts = [groupInstanceId, protocolType, context.clientId, context.clientHost];
  if (![...texts, ...protocols.map(({ name }) => name)].every(storable)) {
    throw new KafkaError('INVALID_REQUEST', 'a string in the request is too long to be stored');
  }
}

function codeOf(error: unknown): KafkaError['code'] {
  if (error instanceof KafkaError) return error.code;
  return 'UNKNOWN_SERVER_ERROR';
}
