// What administrators see of groups, and when a group may be deleted.

import { clip } from '../../base/clip.ts';
import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import type {
  DescribeGroupsResponse,
  ListGroupsRequest,
  ListGroupsResponse,
} from '../../protocol/index.ts';
import type { ClassicGroup } from './classic/classic-group.ts';
import type { ConsumerGroup } from './consumer/consumer-group.ts';

export type DescribedGroup = DescribeGroupsResponse['groups'][number];
type ListedGroup = ListGroupsResponse['groups'][number];

/** From this version an unknown group is an error; before, a group in state Dead. */
const unknownIsErrorSince = 6;
/** "Not asked for", as Kafka says it. */
const noAuthorizedOperations = -0x8000_0000;

export function describeGroup(group: ClassicGroup): DescribedGroup {
  const stable = group.state === 'Stable';
  return {
    ...emptyDescription(group.groupId),
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // While a rebalance is under way no protocol is chosen to show this in; what a member has is told all the same.
      memberMetadata: stable ? group.metadataOf(member) : Buffer.alloc(0),
      memberAssignment: member.assignment,
    })),
  };
}

export function describeUnknown(
  groupId: string,
  apiVersion: number,
  why: 'unknown' | 'consumer' = 'unknown',
): DescribedGroup {
  if (apiVersion < unknownIsErrorSince) {
    return { ...emptyDescription(groupId), groupState: 'Dead' };
  }
  return {
    ...describeFailed(groupId, ErrorCode.GROUP_ID_NOT_FOUND),
    errorMessage:
      why === 'unknown'
        ? `Group ${clip(groupId)} not found.`
        : `Group ${clip(groupId)} is not a classic group.`,
    groupState: 'Dead',
  };
}

export function describeFailed(groupId: string, errorCode: number): DescribedGroup {
  return { ...emptyDescription(groupId), errorCode };
}

function emptyDescription(groupId: string): DescribedGroup {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: '',
    protocolType: '',
    protocolData: '',
    members: [],
    authorizedOperations: noAuthorizedOperations,
  };
}

/** Groups that pass the filters; an empty filter passes all. Names are compared without case. */
export function listGroups(
  groups: Iterable<ClassicGroup | ConsumerGroup>,
  request: ListGroupsRequest,
): ListedGroup[] {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()));
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()));
  const listed: ListedGroup[] = [];
  for (const group of groups) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue;
    if (types.size > 0 && !types.has(group.type)) continue;
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: group.type,
    });
  }
  return listed;
}

/** Throws NON_EMPTY_GROUP while the group has members. */
export function checkDeletable(group: ClassicGroup | ConsumerGroup): void {
  if (group.state !== 'Empty') {
    const names = [...group.members.keys()].slice(0, 5).join(', ');
    throw new KafkaError('NON_EMPTY_GROUP', `the group ${group.groupId} has members: ${names}`);
  }
}

/** Throws NON_EMPTY_GROUP where the broker cannot tell which topics the members use. */
export function checkOffsetsDeletable(group: ClassicGroup): void {
  if (group.state !== 'Empty' && !group.usesConsumerProtocol) checkDeletable(group);
}
