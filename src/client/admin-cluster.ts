// The cluster, its log directories and its groups.

import { DescribeLogDirs, ListGroups } from '../protocol/index.ts';
import { type Cluster, throwIfError } from './cluster.ts';

/** A directory of a broker with its partitions. Sizes in bytes, -1 when the broker does not tell. */
export interface LogDir {
  readonly nodeId: number;
  readonly path: string;
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly sizeBytes: number;
  }[];
}

/** Log directories of all brokers, with the partitions of the topics named (null: all). Throws KafkaError. */
export async function describeLogDirs(
  cluster: Cluster,
  topics: ReadonlyMap<string, readonly number[]> | null,
): Promise<LogDir[]> {
  const which =
    topics === null
      ? null
      : [...topics].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
  return cluster.retry(async () => {
    const dirs: LogDir[] = [];
    for (const node of await cluster.nodes()) {
      const response = await cluster.to(node).send(DescribeLogDirs, { topics: which });
      throwIfError(response.errorCode, `log directories of broker ${node.id}`);
      for (const result of response.results) {
        throwIfError(result.errorCode, `log directory ${result.logDir} of broker ${node.id}`);
        const partitions = result.topics.flatMap(({ name, partitions: found }) =>
          found.map(({ partitionIndex, partitionSize }) => ({
            topic: name,
            partition: partitionIndex,
            sizeBytes: partitionSize,
          })),
        );
        const { logDir, totalBytes, usableBytes } = result;
        dirs.push({ nodeId: node.id, path: logDir, totalBytes, usableBytes, partitions });
      }
    }
    return dirs;
  });
}

export interface GroupListing {
  readonly id: string;
  readonly protocolType: string;
  /** Empty when the broker does not tell. */
  readonly state: string;
  /** `classic`, `consumer`, `share`; empty when the broker does not tell. */
  readonly type: string;
}

/** Groups of all brokers, by id. Throws KafkaError. */
export async function listGroups(cluster: Cluster): Promise<GroupListing[]> {
  return cluster.retry(async () => {
    const groups = new Map<string, GroupListing>();
    for (const node of await cluster.nodes()) {
      const response = await cluster.to(node).send(ListGroups, {});
      throwIfError(response.errorCode, `groups of broker ${node.id}`);
      for (const { groupId, protocolType, groupState, groupType } of response.groups) {
        groups.set(groupId, { id: groupId, protocolType, state: groupState, type: groupType });
      }
    }
    return [...groups.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  });
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}
