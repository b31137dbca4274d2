// Answers to the requests of classic members.

import { ErrorCode, type KafkaErrorName } from '../../../base/kafka-errors.ts';
import type { JoinGroupResponse, SyncGroupResponse } from '../../../protocol/index.ts';
import type { ClassicGroup, Member } from './classic-group.ts';

/** A refused JoinGroup. `protocolName` null is written as '' where the version has no null. */
export function joinError(memberId: string, name: KafkaErrorName): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode[name],
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

/** The current generation as a member sees it; `members` is for the leader only. */
export function joined(
  group: ClassicGroup,
  member: Member,
  members: JoinGroupResponse['members'],
): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId: member.memberId,
    members,
  };
}

export function syncError(name: KafkaErrorName): SyncGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode[name],
    protocolType: null,
    protocolName: null,
    assignment: Buffer.alloc(0),
  };
}

export function synced(group: ClassicGroup, member: Member): SyncGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  };
}
