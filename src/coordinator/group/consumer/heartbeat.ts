// ConsumerGroupHeartbeat: who may join or stay, and what a member is told (KIP-848).
// Source of the rules and of the texts: org.apache.kafka.coordinator.group.GroupMetadataManager (4.3).

import { ErrorCode, KafkaError } from '../../../base/kafka-errors.ts';
import { storable } from '../../../base/storable.ts';
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../protocol/index.ts';
import { settingsOf } from '../../config.ts';
import type { GroupStep, RequestContext } from '../types.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerMember,
  JOIN_EPOCH,
  LEAVE_EPOCH,
  LEAVE_STATIC_EPOCH,
  MemberState,
  newMember,
  noneOwned,
  type Owned,
  type Partitions,
  type Subscription,
  sameOwned,
} from './member.ts';
import { noteConsumerLeft, removeMembers, replaceMember } from './membership.ts';
import { matchingTopics } from './regex.ts';
import {
  advance,
  checkFits,
  consumerTimer,
  putCurrent,
  restartConsumerSession,
  stepMember,
  subscribe,
} from './update.ts';

/** From this version the client makes up its member id (KIP-1082). */
const ownMemberIdSince = 1;

/** Refuses what no group could accept. Throws KafkaError. */
export function checkHeartbeat(
  request: ConsumerGroupHeartbeatRequest,
  context: RequestContext,
  step: Pick<GroupStep, 'config'>,
): void {
  const { memberId, memberEpoch, groupId, instanceId, rackId, serverAssignor } = request;
  const named =
    context.apiVersion >= ownMemberIdSince || memberEpoch > 0 || memberEpoch === LEAVE_EPOCH;
  if (named) refuseEmpty(memberId, 'MemberId');
  refuseEmpty(groupId, 'GroupId');
  refuseEmpty(instanceId, 'InstanceId');
  refuseEmpty(rackId, 'RackId');
  if (memberEpoch === JOIN_EPOCH) {
    if (request.rebalanceTimeoutMs === -1) {
      throw invalid('RebalanceTimeoutMs must be provided in first request.');
    }
    if (request.topicPartitions === null || request.topicPartitions.length > 0) {
      throw invalid('TopicPartitions must be empty when (re-)joining.');
    }
    if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
      throw invalid(
        'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
      );
    }
  } else if (memberEpoch === LEAVE_STATIC_EPOCH) {
    if (instanceId === null) throw invalid("InstanceId can't be null.");
  } else if (memberEpoch < LEAVE_STATIC_EPOCH) {
    throw invalid('MemberEpoch is invalid.');
  }
  const { groupConsumerAssignors } = step.config;
  if (serverAssignor !== null && !groupConsumerAssignors.includes(serverAssignor)) {
    throw new KafkaError(
      'UNSUPPORTED_ASSIGNOR',
      `ServerAssignor ${serverAssignor} is not supported. ` +
        `Supported assignors: ${groupConsumerAssignors.join(', ')}.`,
    );
  }
  checkStorable(request, context);
  if (request.subscribedTopicNames !== null) {
    checkFits(request, memberId, subscriptionOf(request, newMember(memberId), context), step);
  }
  // Nothing matches in no names: this only finds what is wrong with the expression, before anything is changed.
  if (request.subscribedTopicRegex) matchingTopics(request.subscribedTopicRegex, []);
}

function refuseEmpty(text: string | null, name: string): void {
  if (text !== null && text.trim() === '') throw invalid(`${name} can't be empty.`);
}

function checkStorable(request: ConsumerGroupHeartbeatRequest, context: RequestContext): void {
  const { groupId, memberId, instanceId, rackId, subscribedTopicRegex } = request;
  const texts = [groupId, memberId, instanceId, rackId, subscribedTopicRegex, context.clientId];
  if (![...texts, ...(request.subscribedTopicNames ?? [])].every(storable)) {
    throw invalid('a string in the request is too long to be stored');
  }
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', message);
}

/** A member joins or says that it is alive. Throws KafkaError before anything is changed. */
export function consumerHeartbeat(
  group: ConsumerGroup,
  request: ConsumerGroupHeartbeatRequest,
  context: RequestContext,
  step: GroupStep,
): ConsumerGroupHeartbeatResponse {
  const joins = request.memberEpoch === JOIN_EPOCH;
  checkRoom(group, request.memberId, step);
  const memberId = request.memberId === '' ? randomMemberId(step) : request.memberId;
  const claimed = claimedOf(request);
  const before = admit(group, { ...request, memberId }, claimed, step);
  const told = subscriptionOf(request, before, context);
  const changed = subscribe(group, memberId, told, step);
  advance(group, changed, step);
  const at = { claimed, subscriptionChanged: changed };
  const after = stepMember(group, memberId, at, step);
  restartConsumerSession(group, after, step);
  const tells = joins || isFull(request) || !sameOwned(before.assigned, after.assigned);
  return {
    ...heartbeatAnswer(intervalOf(group, after, step)),
    memberId,
    memberEpoch: after.memberEpoch,
    assignment: tells ? { topicPartitions: wirePartitions(after.assigned) } : null,
  };
}

/** Members of a group on the move come back so soon. */
const BUSY_INTERVAL_MS = 1_000;
/** Heartbeats a second that a group on the move may cost. */
const BUSY_RATE_MAX = 1_000;

/**
 * When the member is to be heard of again. The broker can tell nobody anything unasked, so while there is something to
 * wait for, members come back sooner: a target that is due, partitions that others have not given up, and for one
 * usual interval after each target, since members that start together do not start at the same moment.
 */
function intervalOf(group: ConsumerGroup, member: ConsumerMember, step: GroupStep): number {
  const { heartbeatIntervalMs } = settingsOf(step.config, group.groupId);
  const targetAgeMs = step.nowMs - group.targetMs;
  const busy =
    group.epoch > group.targetEpoch ||
    member.state !== MemberState.STABLE ||
    (targetAgeMs >= 0 && targetAgeMs < heartbeatIntervalMs);
  if (!busy) return heartbeatIntervalMs;
  const soonMs = Math.max(BUSY_INTERVAL_MS, (1_000 * group.members.size) / BUSY_RATE_MAX);
  return Math.min(heartbeatIntervalMs, soonMs);
}

function heartbeatAnswer(heartbeatIntervalMs: number): ConsumerGroupHeartbeatResponse {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs,
    assignment: null,
  };
}

/** A refused heartbeat, with Kafka's text. */
export function heartbeatError(error: unknown): ConsumerGroupHeartbeatResponse {
  const known = error instanceof KafkaError;
  return {
    throttleTimeMs: 0,
    errorCode: known ? error.errorCode : ErrorCode.UNKNOWN_SERVER_ERROR,
    errorMessage: known ? error.message : null,
    memberId: null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
    assignment: null,
  };
}

export function checkRoom(group: ConsumerGroup, memberId: string, step: GroupStep): void {
  if (group.members.has(memberId)) return;
  checkSize(group.members.size, step);
}

/** Refuses one more member than there may be. Throws GROUP_MAX_SIZE_REACHED. */
export function checkSize(size: number, step: GroupStep): void {
  const max = step.config.groupConsumerMaxSize;
  if (size < max) return;
  throw new KafkaError(
    'GROUP_MAX_SIZE_REACHED',
    `The consumer group has reached its maximum capacity of ${max} members.`,
  );
}

/** The member as it was; a new one when it may join. */
function admit(
  group: ConsumerGroup,
  request: ConsumerGroupHeartbeatRequest,
  claimed: Partitions | null,
  step: GroupStep,
): ConsumerMember {
  const { memberId, memberEpoch, instanceId } = request;
  const joins = memberEpoch === JOIN_EPOCH;
  if (instanceId === null) {
    const known = joins ? group.members.get(memberId) : group.requireMember(memberId);
    if (known !== undefined) checkEpoch(known, memberEpoch, claimed);
    return known ?? newMember(memberId);
  }
  const holder = group.staticMember(instanceId);
  if (!joins) {
    const member = requireInstance(group, instanceId, memberId);
    checkEpoch(member, memberEpoch, claimed);
    return member;
  }
  if (holder === undefined) return newMember(memberId);
  if (holder.memberEpoch !== LEAVE_STATIC_EPOCH && holder.classic === null) {
    if (holder.memberId === memberId) return holder;
    throw new KafkaError(
      'UNRELEASED_INSTANCE_ID',
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because ` +
        `the instance id is owned by ${holder.memberId} member.`,
    );
  }
  return replaceMember(group, holder, { memberId, memberEpoch: JOIN_EPOCH }, step);
}

/** The static member. Throws UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID when another has its name. */
export function requireInstance(
  group: ConsumerGroup,
  instanceId: string,
  memberId: string,
): ConsumerMember {
  const holder = group.staticMember(instanceId);
  if (holder === undefined) {
    throw new KafkaError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`);
  }
  if (holder.memberId !== memberId) {
    throw new KafkaError(
      'FENCED_INSTANCE_ID',
      `Static member ${memberId} with instance id ${instanceId} was fenced by member ` +
        `${holder.memberId}.`,
    );
  }
  return holder;
}

function checkEpoch(member: ConsumerMember, epoch: number, claimed: Partitions | null): void {
  if (epoch === JOIN_EPOCH || epoch === member.memberEpoch) return;
  // The answer with the new epoch may have been lost on its way.
  const retried = epoch === member.previousEpoch && isWithin(claimed, member.assigned);
  if (epoch < member.memberEpoch && retried) return;
  throw new KafkaError(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${epoch > member.memberEpoch ? 'greater' : 'smaller'} member ` +
      `epoch (${epoch}) than the one known by the group coordinator (${member.memberEpoch}). ` +
      'The member must abandon all its partitions and rejoin.',
  );
}

function isWithin(claimed: Partitions | null, assigned: Owned): boolean {
  if (claimed === null) return false;
  for (const [topicId, partitions] of claimed) {
    const of = assigned.get(topicId);
    for (const partition of partitions) if (of?.has(partition) !== true) return false;
  }
  return true;
}

function claimedOf(request: ConsumerGroupHeartbeatRequest): Partitions | null {
  const { topicPartitions } = request;
  if (topicPartitions === null) return null;
  const claimed = new Map<string, Set<number>>();
  for (const { topicId, partitions } of topicPartitions) {
    claimed.set(topicId, new Set([...(claimed.get(topicId) ?? []), ...partitions]));
  }
  return claimed;
}

/**
 * What is null in a request is as it was; who joins says all it asks for, so that a static member that comes back does
 * not ask for what another did before it.
 */
function subscriptionOf(
  request: ConsumerGroupHeartbeatRequest,
  before: ConsumerMember,
  context: RequestContext,
): Subscription {
  const joins = request.memberEpoch === JOIN_EPOCH;
  const names = request.subscribedTopicNames ?? (joins ? [] : null);
  const regex = request.subscribedTopicRegex ?? (joins ? '' : null);
  return {
    instanceId: request.instanceId ?? before.instanceId,
    rackId: request.rackId ?? before.rackId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    topicNames: names === null ? before.topicNames : [...new Set(names)].sort(),
    // An empty expression ends the subscription by expression.
    topicRegex: regex === null ? before.topicRegex : regex || null,
    serverAssignor: request.serverAssignor ?? before.serverAssignor,
    classic: null,
  };
}

/** A request that says everything wants to hear everything. */
function isFull(request: ConsumerGroupHeartbeatRequest): boolean {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex } = request;
  return (
    rebalanceTimeoutMs !== -1 &&
    (subscribedTopicNames !== null || subscribedTopicRegex !== null) &&
    request.topicPartitions !== null
  );
}

function wirePartitions(owned: Owned): { topicId: string; partitions: number[] }[] {
  return [...owned].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()].sort((a, b) => a - b),
  }));
}

/** A member goes, for good or (static, epoch -2) to come back. Throws KafkaError. */
export function consumerLeave(
  group: ConsumerGroup,
  request: ConsumerGroupHeartbeatRequest,
  step: GroupStep,
): ConsumerGroupHeartbeatResponse {
  const { memberId, memberEpoch, instanceId } = request;
  const member =
    instanceId === null
      ? group.requireMember(memberId)
      : requireInstance(group, instanceId, memberId);
  if (memberEpoch === LEAVE_STATIC_EPOCH) {
    step.cancel(consumerTimer('rebalance', group.groupId, memberId));
    noteConsumerLeft(group, member, { reason: null, returns: true }, step);
    const away = { ...member, memberEpoch: LEAVE_STATIC_EPOCH, pendingRevocation: noneOwned };
    putCurrent(group, away, step);
  } else {
    noteConsumerLeft(group, member, { reason: null, returns: false }, step);
    removeMembers(group, [member], 'left', step);
  }
  return { ...heartbeatAnswer(0), memberId, memberEpoch };
}

/** A random UUID in Kafka's 22 characters. */
export function randomMemberId(step: GroupStep): string {
  const bytes = step.random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('base64url');
}
