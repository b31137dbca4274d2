// Requests of the classic protocol and of administrators, which a group of either protocol may get: which of the two it
// is, and what then.

import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import type {
  HeartbeatRequest,
  HeartbeatResponse,
  LeaveGroupRequest,
  LeaveGroupResponse,
  OffsetCommitRequest,
  SyncGroupResponse,
} from '../../protocol/index.ts';
import type { GroupMachine } from '../machine.ts';
import { checkCommitter } from '../offsets/commit.ts';
import type { FetchGroup } from '../offsets/fetch.ts';
import type { DeletableFrom } from '../offsets/forget.ts';
import {
  checkDeletable,
  checkOffsetsDeletable,
  type DescribedGroup,
  describeGroup,
  describeUnknown,
} from './admin.ts';
import { checkJoin, type Join, joinGroup } from './classic/join.ts';
import {
  heartbeat,
  heartbeatCode,
  leaveGroup,
  type Sync,
  syncGroup,
} from './classic/membership.ts';
import { heartbeatConsumerGroup, syncConsumerGroup } from './consumer/classic-members.ts';
import { checkConsumerCommitter, checkConsumerReader } from './consumer/offsets.ts';
import type { GroupStep } from './types.ts';

/** From this version a commit to a group that does not exist says so. */
const commitUnknownGroupSince = 9;

/** JoinGroup. Throws KafkaError before anything is changed. */
export function joinEither(machine: GroupMachine, join: Join, step: GroupStep): void {
  const { request, context, ticket } = join;
  const { groupId } = request;
  checkJoin(request, step);
  const consumer = machine.consumers.get(groupId);
  if (consumer !== undefined && consumer.members.size > 0) {
    step.reply(ticket, machine.consumers.join(consumer, request, context, step));
    return;
  }
  const known = machine.groups.get(groupId);
  if (known === undefined && request.memberId !== '') {
    throw new KafkaError('UNKNOWN_MEMBER_ID', `there is no group "${groupId}"`);
  }
  // Nobody is in it, so its protocol is whatever comes first.
  if (consumer !== undefined) machine.consumers.end(consumer, step);
  const group = known ?? machine.obtain(groupId, step.nowMs);
  joinGroup(group, join, step);
  machine.discardUnused(group);
}

/** SyncGroup. Throws KafkaError before anything is changed. */
export function syncEither(machine: GroupMachine, sync: Sync, step: GroupStep): void {
  const { request, ticket } = sync;
  const consumer = machine.consumers.get(request.groupId);
  if (consumer === undefined) {
    syncGroup(machine.require(request.groupId, 'UNKNOWN_MEMBER_ID'), sync, step);
    return;
  }
  step.reply<SyncGroupResponse>(ticket, syncConsumerGroup(consumer, request, step));
}

/** Heartbeat of the classic protocol. Throws KafkaError before anything is changed. */
export function heartbeatEither(
  machine: GroupMachine,
  request: HeartbeatRequest,
  step: GroupStep,
): HeartbeatResponse {
  const consumer = machine.consumers.get(request.groupId);
  if (consumer !== undefined) return heartbeatConsumerGroup(consumer, request, step);
  const group = machine.require(request.groupId, 'UNKNOWN_MEMBER_ID');
  heartbeat(group, request, step);
  return { throttleTimeMs: 0, errorCode: heartbeatCode(group) };
}

/** From this version LeaveGroup takes many members and answers for each. */
const leaveManySince = 3;

/** Who leaves, whatever the request's version. */
export function leavingMembers(
  request: LeaveGroupRequest,
  apiVersion: number,
): LeaveGroupRequest['members'] {
  if (apiVersion >= leaveManySince) return request.members;
  return [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
}

/** The response in the form of the request's version. */
export function leaveResponse(answer: LeaveGroupResponse, apiVersion: number): LeaveGroupResponse {
  if (apiVersion >= leaveManySince || answer.errorCode !== ErrorCode.NONE) return answer;
  const errorCode = answer.members[0]?.errorCode ?? ErrorCode.NONE;
  return { throttleTimeMs: 0, errorCode, members: [] };
}

/** LeaveGroup: an answer for each member. */
export function leaveEither(
  machine: GroupMachine,
  groupId: string,
  leaving: LeaveGroupRequest['members'],
  step: GroupStep,
): LeaveGroupResponse['members'] {
  const consumer = machine.consumers.get(groupId);
  if (consumer !== undefined) return machine.consumers.leave(consumer, leaving, step);
  const group = machine.groups.get(groupId);
  if (group === undefined) {
    const errorCode = ErrorCode.UNKNOWN_MEMBER_ID;
    return leaving.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode,
    }));
  }
  const members = leaveGroup(group, leaving, step);
  machine.discardUnused(group);
  return members;
}

/** Who may commit. Throws KafkaError. */
export function checkCommit(
  machine: GroupMachine,
  request: OffsetCommitRequest,
  apiVersion: number,
  step: GroupStep,
): void {
  const { groupId } = request;
  const consumer = machine.consumers.get(groupId);
  if (consumer !== undefined) {
    checkConsumerCommitter(consumer, request, { apiVersion, topics: step.topics });
    return;
  }
  const known = machine.groups.get(groupId);
  if (known !== undefined) checkCommitter(known, request, step);
  else if (request.generationIdOrMemberEpoch >= 0) {
    throw new KafkaError(
      apiVersion >= commitUnknownGroupSince ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION',
      `there is no group "${groupId}"`,
    );
  }
}

/** Who may read committed offsets: of a classic group everybody. Throws KafkaError. */
export function checkFetch(machine: GroupMachine, asked: FetchGroup): void {
  const consumer = machine.consumers.get(asked.groupId);
  if (consumer !== undefined) checkConsumerReader(consumer, asked);
}

/** The group whose offsets are to be deleted. Throws GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. */
export function offsetsDeletableFrom(machine: GroupMachine, groupId: string): DeletableFrom {
  const consumer = machine.consumers.get(groupId);
  if (consumer !== undefined) return consumer;
  const group = machine.require(groupId, 'GROUP_ID_NOT_FOUND');
  checkOffsetsDeletable(group);
  return group;
}

/** DeleteGroups, of one group. Throws GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. */
export function deleteEither(machine: GroupMachine, groupId: string, step: GroupStep): void {
  const consumer = machine.consumers.get(groupId);
  const group = consumer ?? machine.require(groupId, 'GROUP_ID_NOT_FOUND');
  checkDeletable(group);
  machine.deleteGroup(group, step);
}

/** DescribeGroups, of one group: those of the new protocol are no business of it. */
export function describeEither(
  machine: GroupMachine,
  groupId: string,
  apiVersion: number,
): DescribedGroup {
  const group = machine.groups.get(groupId);
  if (group !== undefined) return describeGroup(group);
  const known = machine.consumers.get(groupId) !== undefined;
  return describeUnknown(groupId, apiVersion, known ? 'consumer' : 'unknown');
}
