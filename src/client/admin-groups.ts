// Deleting groups, what they committed, and members of theirs, against any Kafka cluster.

import { ErrorCode } from '../base/kafka-errors.ts';
import { DeleteGroups, LeaveGroup, OffsetDelete } from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { type Cluster, throwIfError } from './cluster.ts';

/**
 * Deletes a group with all it committed. Throws KafkaError: `NON_EMPTY_GROUP` while it has members,
 * `GROUP_ID_NOT_FOUND`.
 */
export async function deleteGroup(cluster: Cluster, id: string): Promise<void> {
  await cluster.retry(async () => {
    const transport = cluster.to(await cluster.coordinator(id));
    const response = await transport.send(DeleteGroups, { groupsNames: [id] });
    const code = response.results[0]?.errorCode ?? ErrorCode.NONE;
    if (code !== ErrorCode.NONE) cluster.forgetCoordinator(id);
    throwIfError(code, `group '${id}'`);
  });
}

/** A member to be removed: a static one by its `instanceId`, another by its `memberId`. */
export type MemberToRemove = { readonly instanceId: string } | { readonly memberId: string };

/**
 * Makes members leave a group (KIP-345), so that a static member that will not come back holds its partitions no
 * longer; a live one joins again. Throws KafkaError for the first that could not be, when all are dealt with:
 * `UNKNOWN_MEMBER_ID`; `GROUP_ID_NOT_FOUND`.
 */
export async function removeMembers(
  cluster: Cluster,
  id: string,
  members: readonly MemberToRemove[],
): Promise<void> {
  const request = {
    groupId: id,
    members: members.map((one) => ({
      memberId: 'memberId' in one ? one.memberId : '',
      groupInstanceId: 'instanceId' in one ? one.instanceId : null,
      reason: 'removed by an administrator',
    })),
  };
  const response = await cluster.retry(async () => {
    const transport = cluster.to(await cluster.coordinator(id));
    const answer = await transport.send(LeaveGroup, request);
    if (answer.errorCode !== ErrorCode.NONE) cluster.forgetCoordinator(id);
    throwIfError(answer.errorCode, `group '${id}'`);
    return answer;
  });
  for (const { memberId, groupInstanceId, errorCode } of response.members) {
    throwIfError(errorCode, `member ${groupInstanceId ?? memberId} of group '${id}'`);
  }
}

/**
 * Forgets committed offsets (KIP-496). Throws KafkaError: `GROUP_SUBSCRIBED_TO_TOPIC` for topics that members read,
 * `GROUP_ID_NOT_FOUND`.
 */
export async function deleteOffsets(
  cluster: Cluster,
  id: string,
  places: readonly TopicPartition[],
): Promise<void> {
  const topics = [...new Set(places.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: places
      .filter(({ topic }) => topic === name)
      .map(({ partition }) => ({ partitionIndex: partition })),
  }));
  await cluster.retry(async () => {
    const transport = cluster.to(await cluster.coordinator(id));
    const response = await transport.send(OffsetDelete, { groupId: id, topics });
    if (response.errorCode !== ErrorCode.NONE) cluster.forgetCoordinator(id);
    throwIfError(response.errorCode, `group '${id}'`);
    for (const topic of response.topics) {
      for (const { partitionIndex, errorCode } of topic.partitions) {
        throwIfError(errorCode, `offset of group '${id}' in ${topic.name}-${partitionIndex}`);
      }
    }
  });
}
