// The consumer groups of one partition of `__consumer_offsets`, beside its classic groups: which of the two a request
// is about, when one becomes the other, and what happens on time.

import { ErrorCode, KafkaError } from '../../../base/kafka-errors.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
} from '../../../protocol/index.ts';
import type { ClassicGroup } from '../classic/classic-group.ts';
import type { GroupStep, RequestContext } from '../types.ts';
import { joinConsumerGroup, leaveConsumerGroup } from './classic-members.ts';
import { ConsumerGroup } from './consumer-group.ts';
import { checkHeartbeat, checkSize, consumerHeartbeat, consumerLeave } from './heartbeat.ts';
import { JOIN_EPOCH } from './member.ts';
import { endGroup, type LateMember, memberLate, rearm } from './membership.ts';
import { dismiss, downgrade, mayDowngrade, upgrade } from './migrate.ts';
import type { ConsumerRecord } from './records.ts';
import { loadRegexEngine } from './regex.ts';
import { hashTopics, raiseEpoch } from './update.ts';

export class ConsumerGroups {
  readonly groups = new Map<string, ConsumerGroup>();
  readonly #classic: Map<string, ClassicGroup>;

  /** `classic` are the groups of the other protocol: an id is in one of the two. */
  constructor(classic: Map<string, ClassicGroup>) {
    this.#classic = classic;
  }

  get(groupId: string): ConsumerGroup | undefined {
    return this.groups.get(groupId);
  }

  /** Takes in one record of the log. */
  replay(record: ConsumerRecord): void {
    const known = this.groups.get(record.group);
    // An end without a beginning: compaction has taken the beginning.
    if (known === undefined && record.value === null) return;
    const group = known ?? new ConsumerGroup(record.group);
    if (group.apply(record) === 'ended') this.groups.delete(record.group);
    else this.groups.set(record.group, group);
  }

  /** The log is read: sets timers. */
  loaded(step: GroupStep): void {
    for (const group of this.groups.values()) rearm(group, step);
  }

  /** ConsumerGroupHeartbeat. Throws KafkaError before anything is changed. */
  heartbeat(
    request: ConsumerGroupHeartbeatRequest,
    context: RequestContext,
    step: GroupStep,
  ): ConsumerGroupHeartbeatResponse {
    checkHeartbeat(request, context, step);
    const { groupId, memberEpoch } = request;
    if (memberEpoch < JOIN_EPOCH) {
      const group = this.#require(groupId);
      const { size } = group.members;
      const response = consumerLeave(group, request, step);
      if (group.members.size < size) this.#shrunk(group, `${request.memberId} left`, step);
      return response;
    }
    const group =
      memberEpoch === JOIN_EPOCH ? this.#joinable(groupId, step) : this.#require(groupId);
    const response = consumerHeartbeat(group, request, context, step);
    this.groups.set(groupId, group);
    return response;
  }

  /** JoinGroup of a group that has members of the new protocol. Throws KafkaError before anything is changed. */
  join(
    group: ConsumerGroup,
    request: JoinGroupRequest,
    context: RequestContext,
    step: GroupStep,
  ): JoinGroupResponse {
    const response = joinConsumerGroup(group, request, context, step);
    // The last member of the new protocol may have come back with the classic one.
    const answered = response.errorCode === ErrorCode.NONE;
    if (answered && mayDowngrade(group, step)) {
      const rebalance = group.state === 'Stable' ? null : `${response.memberId} joined`;
      this.#downgrade(group, rebalance, step);
    }
    return response;
  }

  /** LeaveGroup of a consumer group. */
  leave(
    group: ConsumerGroup,
    members: LeaveGroupRequest['members'],
    step: GroupStep,
  ): LeaveGroupResponse['members'] {
    const { size } = group.members;
    const answers = leaveConsumerGroup(group, members, step);
    if (group.members.size < size) this.#shrunk(group, 'members left', step);
    return answers;
  }

  /** The time of a member is up. */
  late(event: LateMember, step: GroupStep): void {
    const group = this.groups.get(event.groupId);
    if (group === undefined || !memberLate(group, event, step)) return;
    this.#shrunk(group, `${event.memberId} was not heard of in time`, step);
  }

  /** Ends a group without members, for an administrator, for its age, or for a classic group of the same id. */
  end(group: ConsumerGroup, step: GroupStep): void {
    endGroup(group, step);
    this.groups.delete(group.groupId);
  }

  #require(groupId: string): ConsumerGroup {
    const group = this.groups.get(groupId);
    if (group !== undefined) return group;
    throw new KafkaError(
      'GROUP_ID_NOT_FOUND',
      this.#classic.has(groupId)
        ? `Group ${groupId} is not a consumer group.`
        : `Group ${groupId} not found.`,
    );
  }

  /** The group that a member of the new protocol joins: known, made of a classic group, or new. */
  #joinable(groupId: string, step: GroupStep): ConsumerGroup {
    const known = this.groups.get(groupId);
    if (known !== undefined) return known;
    const classic = this.#classic.get(groupId);
    if (classic === undefined) return new ConsumerGroup(groupId);
    if (classic.members.size > 0) {
      checkSize(classic.members.size, step);
      const group = upgrade(classic, step);
      this.#classic.delete(groupId);
      this.groups.set(groupId, group);
      return group;
    }
    dismiss(classic, step);
    this.#classic.delete(groupId);
    return new ConsumerGroup(groupId);
  }

  /** Members are gone: the others get their partitions with the next epoch, or by a classic rebalance. */
  #shrunk(group: ConsumerGroup, reason: string, step: GroupStep): void {
    if (mayDowngrade(group, step)) this.#downgrade(group, reason, step);
    else {
      const metadataHash = hashTopics(group.topics, step.topics);
      raiseEpoch(group, { metadataHash, reason }, step);
    }
  }

  #downgrade(group: ConsumerGroup, rebalance: string | null, step: GroupStep): void {
    const classic = downgrade(group, rebalance, step);
    this.groups.delete(group.groupId);
    this.#classic.set(group.groupId, classic);
  }
}

/** Topics were made, grown or deleted: every group looks at its own again with its next heartbeat. */
export async function topicsChanged(shards: readonly ConsumerGroups[]): Promise<void> {
  const groups = shards.flatMap((shard) => [...shard.groups.values()]);
  if (groups.some(({ regexes }) => regexes.size > 0)) await loadRegexEngine();
  for (const group of groups) group.metadataStale = true;
}
