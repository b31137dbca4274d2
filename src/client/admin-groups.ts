// Deleting groups and what they committed, against any Kafka cluster.

import { ErrorCode } from '../base/kafka-errors.ts';
import { DeleteGroups, OffsetDelete } from '../protocol/index.ts';
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
