// Members of a consumer group that still speak the classic protocol, during an online migration (KIP-848): their
// generation is their member epoch, nobody of them leads, and SyncGroup answers with what the broker assigned.
// Source of the rules: org.apache.kafka.coordinator.group.GroupMetadataManager (4.3).

import { ErrorCode, KafkaError } from '../../../base/kafka-errors.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
  type HeartbeatRequest,
  type HeartbeatResponse,
  type JoinGroupRequest,
  type JoinGroupResponse,
  type LeaveGroupRequest,
  type LeaveGroupResponse,
  ProtocolError,
  type SyncGroupRequest,
  type SyncGroupResponse,
} from '../../../protocol/index.ts';
import type { TopicView } from '../../ports.ts';
import { joinError, syncError } from '../classic/replies.ts';
import type { GroupStep, RequestContext } from '../types.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { checkRoom, randomMemberId, requireInstance } from './heartbeat.ts';
import {
  type ConsumerMember,
  JOIN_EPOCH,
  MemberState,
  type Owned,
  type Partitions,
  type Subscription,
} from './member.ts';
import { noteConsumerLeft, removeMembers, replaceMember } from './membership.ts';
import {
  advance,
  advanceTarget,
  checkFits,
  consumerTimer,
  restartConsumerSession,
  stepMember,
  subscribe,
} from './update.ts';

/** From this version a new member must come back with the id it was given (KIP-394). */
const memberIdRequiredSince = 4;

/** What a member says in its metadata. Throws INCONSISTENT_GROUP_PROTOCOL when it cannot be read. */
function readSubscription(metadata: Buffer): ConsumerProtocolSubscription {
  try {
    return decodeVersioned(ConsumerProtocolSubscription, metadata, 'as-newest');
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const message = 'Malformed embedded consumer protocol in subscription deserialization.';
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', message);
  }
}

/** JoinGroup: the member is taken one step on and answered at once. Throws KafkaError before anything is changed. */
export function joinConsumerGroup(
  group: ConsumerGroup,
  request: JoinGroupRequest,
  context: RequestContext,
  step: GroupStep,
): JoinGroupResponse {
  const { groupInstanceId, protocols } = request;
  checkMigration(group, step);
  checkRoom(group, request.memberId, step);
  checkProtocols(group, request);
  const said = readSubscription(protocols[0]?.metadata ?? Buffer.alloc(0));
  const memberId = request.memberId === '' ? randomMemberId(step) : request.memberId;
  if (
    groupInstanceId === null &&
    request.memberId === '' &&
    context.apiVersion >= memberIdRequiredSince
  ) {
    return joinError(memberId, 'MEMBER_ID_REQUIRED');
  }
  const { rebalanceTimeoutMs, sessionTimeoutMs } = request;
  const told: Subscription = {
    instanceId: groupInstanceId,
    rackId: said.rackId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    topicNames: [...new Set(said.topics)].sort(),
    topicRegex: null,
    serverAssignor: null,
    classic: {
      sessionTimeoutMs,
      supportedProtocols: protocols.map(({ name, metadata }) => ({
        name,
        metadata: Buffer.from(metadata),
      })),
    },
  };
  checkFits(group, memberId, told, step);
  if (groupInstanceId !== null) takeInstance(group, groupInstanceId, request, memberId, step);
  // It was taken out without knowing: what it thinks it has went through other hands, and its positions are old. Kafka
  // takes it in again as it is; being unknown, it gives everything up and asks where to go on.
  else if (said.ownedPartitions.length > 0) group.requireMember(memberId);
  const changed = subscribe(group, memberId, told, step);
  advance(group, changed, step);
  const claimed = byId(said.ownedPartitions, step.topics);
  const member = stepMember(group, memberId, { claimed, subscriptionChanged: changed }, step);
  step.cancel(consumerTimer('join', group.groupId, memberId));
  restartConsumerSession(group, member, step);
  watch(group, member, 'sync', step);
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    generationId: member.memberEpoch,
    protocolType: 'consumer',
    protocolName: protocols[0]?.name ?? '',
    // The broker assigns.
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

function checkMigration({ groupId }: ConsumerGroup, step: GroupStep): void {
  if (step.config.groupConsumerMigrationPolicy !== 'disabled') return;
  throw new KafkaError(
    'INCONSISTENT_GROUP_PROTOCOL',
    `Cannot join the consumer group ${groupId} with the classic protocol because the group ` +
      'migration is disabled.',
  );
}

/** All classic members must share a protocol, so that the group can go back to the classic protocol. */
function checkProtocols(group: ConsumerGroup, request: JoinGroupRequest): void {
  const names = new Set(request.protocols.map(({ name }) => name));
  for (const { memberId, classic } of group.members.values()) {
    if (classic === null || memberId === request.memberId) continue;
    const theirs = new Set(classic.supportedProtocols.map(({ name }) => name));
    for (const name of names) if (!theirs.has(name)) names.delete(name);
  }
  if (request.protocolType !== 'consumer' || names.size === 0) {
    throw new KafkaError(
      'INCONSISTENT_GROUP_PROTOCOL',
      `Member ${request.memberId}'s protocols are not supported.`,
    );
  }
}

function takeInstance(
  group: ConsumerGroup,
  instanceId: string,
  request: JoinGroupRequest,
  memberId: string,
  step: GroupStep,
): void {
  const holder = group.staticMember(instanceId);
  if (request.memberId !== '') {
    requireInstance(group, instanceId, memberId);
  } else if (holder !== undefined) {
    // At epoch 0 it is no target's, so the step that follows brings it to the one that it inherits.
    replaceMember(group, holder, { memberId, memberEpoch: JOIN_EPOCH }, step);
  }
}

/** Topic id → partitions of what a classic member names; topics that are gone are left out. */
export function byId(
  named: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  topics: TopicView,
): Partitions {
  const found = new Map<string, Set<number>>();
  for (const { topic, partitions } of named) {
    const id = topics.topic(topic)?.id;
    if (id !== undefined) found.set(id, new Set(partitions));
  }
  return found;
}

/** SyncGroup. Throws KafkaError. */
export function syncConsumerGroup(
  group: ConsumerGroup,
  request: SyncGroupRequest,
  step: GroupStep,
): SyncGroupResponse {
  const member = requireClassic(group, request.memberId, request.groupInstanceId);
  requireGeneration(member, request.generationId);
  const protocol = member.classic?.supportedProtocols[0];
  const { protocolType, protocolName } = request;
  if (
    (protocolType !== null && protocolType !== 'consumer') ||
    (protocolName !== null && protocolName !== protocol?.name)
  ) {
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', 'JoinGroup answered another protocol');
  }
  if (group.targetEpoch > member.memberEpoch && member.state !== MemberState.UNREVOKED_PARTITIONS) {
    watch(group, member, 'join', step);
    return syncError('REBALANCE_IN_PROGRESS');
  }
  step.cancel(consumerTimer('sync', group.groupId, member.memberId));
  restartConsumerSession(group, member, step);
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    protocolType: 'consumer',
    protocolName: protocol?.name ?? null,
    assignment: assignmentBytes(member.assigned, protocol?.metadata, step.topics),
  };
}

/** What a consumer of the classic protocol reads as its assignment, in the version that it speaks itself. */
export function assignmentBytes(
  assigned: Owned,
  metadata: Buffer | undefined,
  topics: TopicView,
): Buffer {
  const assignedPartitions: ConsumerProtocolAssignment['assignedPartitions'] = [];
  for (const [topicId, partitions] of assigned) {
    const topic = topics.topicById(topicId)?.name;
    if (topic === undefined) continue;
    assignedPartitions.push({ topic, partitions: [...partitions.keys()].sort((a, b) => a - b) });
  }
  const spoken = metadata !== undefined && metadata.length >= 2 ? metadata.readInt16BE(0) : 0;
  const version = Math.max(0, Math.min(spoken, ConsumerProtocolAssignment.versions[1]));
  return encodeVersioned(ConsumerProtocolAssignment, version, {
    assignedPartitions,
    userData: null,
  });
}

/** Heartbeat. Throws KafkaError. */
export function heartbeatConsumerGroup(
  group: ConsumerGroup,
  request: HeartbeatRequest,
  step: GroupStep,
): HeartbeatResponse {
  const member = requireClassic(group, request.memberId, request.groupInstanceId);
  requireGeneration(member, request.generationId);
  restartConsumerSession(group, member, step);
  // Those of the new protocol may be silent for long.
  advanceTarget(group, step);
  // The classic protocol has one way to say that something is to be given up or to be had: join again.
  const rejoin =
    group.targetEpoch > member.memberEpoch ||
    member.state === MemberState.UNREVOKED_PARTITIONS ||
    (member.state === MemberState.UNRELEASED_PARTITIONS && targetIsFree(group, member));
  if (rejoin) watch(group, member, 'join', step);
  return {
    throttleTimeMs: 0,
    errorCode: rejoin ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE,
  };
}

function targetIsFree(group: ConsumerGroup, member: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.targetOf(member.memberId)) {
    for (const partition of partitions) {
      const owner = group.ownerOf(topicId, partition);
      if (owner !== undefined && owner !== member.memberId) return false;
    }
  }
  return true;
}

/** LeaveGroup: takes the named members, of either protocol, out in one go and answers for each. */
export function leaveConsumerGroup(
  group: ConsumerGroup,
  members: LeaveGroupRequest['members'],
  step: GroupStep,
): LeaveGroupResponse['members'] {
  const gone = new Set<ConsumerMember>();
  const answers = members.map(({ memberId, groupInstanceId, reason }) => {
    const answer = { memberId, groupInstanceId };
    try {
      const member = leaving(group, memberId, groupInstanceId);
      if (!gone.has(member)) noteConsumerLeft(group, member, { reason, returns: false }, step);
      gone.add(member);
      return { ...answer, errorCode: ErrorCode.NONE };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { ...answer, errorCode: error.errorCode };
    }
  });
  removeMembers(group, [...gone], 'left', step);
  return answers;
}

function leaving(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember {
  if (instanceId === null) return group.requireMember(memberId);
  // An administrator takes out a static member by its instance id alone.
  const holder = memberId === '' ? group.staticMember(instanceId) : undefined;
  return holder ?? requireInstance(group, instanceId, memberId);
}

function requireClassic(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember {
  const member =
    instanceId === null
      ? group.requireMember(memberId)
      : requireInstance(group, instanceId, memberId);
  if (member.classic === null) {
    const message = `Member ${memberId} does not use the classic protocol.`;
    throw new KafkaError('UNKNOWN_MEMBER_ID', message);
  }
  return member;
}

function requireGeneration(member: ConsumerMember, generation: number): void {
  if (generation === member.memberEpoch) return;
  throw new KafkaError(
    'ILLEGAL_GENERATION',
    `The request generation id ${generation} is not equal to the member epoch ` +
      `${member.memberEpoch} of member ${member.memberId}.`,
  );
}

/** A member that was told to join or sync and does not is out after its rebalance timeout. */
export function watch(
  group: ConsumerGroup,
  member: ConsumerMember,
  phase: 'join' | 'sync',
  step: GroupStep,
): void {
  const { groupId } = group;
  const { memberId, memberEpoch, rebalanceTimeoutMs } = member;
  const key = consumerTimer(phase, groupId, memberId);
  const event = { kind: 'consumer-late', phase, groupId, memberId, memberEpoch } as const;
  // Every heartbeat tells it to join again, which must not give it more time each.
  if (phase === 'join') step.scheduleIfAbsent(key, rebalanceTimeoutMs, event);
  else step.schedule(key, rebalanceTimeoutMs, event);
}
