// The cluster, its log directories and its groups.

import { ErrorCode, KafkaError } from '../base/kafka-errors.ts';
import {
  ConsumerProtocolAssignment,
  DescribeGroups,
  DescribeLogDirs,
  decodeVersioned,
  ListGroups,
  OffsetFetch,
} from '../protocol/index.ts';
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
  /** `Classic`, `Consumer`, `Share`; empty when the broker does not tell. */
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

export interface GroupMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly assignment: readonly TopicPartition[];
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  readonly metadata: string | null;
}

export interface GroupDescription {
  readonly id: string;
  readonly state: string;
  readonly protocolType: string;
  /** Name of the assignor. */
  readonly protocol: string;
  readonly members: readonly GroupMember[];
  readonly offsets: readonly CommittedOffset[];
}

/** A classic group with its members and committed offsets. Throws KafkaError `GROUP_ID_NOT_FOUND` and others. */
export async function describeGroup(cluster: Cluster, id: string): Promise<GroupDescription> {
  return cluster.retry(async () => {
    const transport = cluster.to(await cluster.coordinator(id));
    const response = await transport.send(DescribeGroups, { groups: [id] });
    const [group] = response.groups;
    if (group === undefined)
      throw new KafkaError('GROUP_ID_NOT_FOUND', `there is no group '${id}'`);
    if (group.errorCode === ErrorCode.NOT_COORDINATOR) cluster.forgetCoordinator(id);
    throwIfError(group.errorCode, `group '${id}'`, group.errorMessage);
    const offsets = await allCommitted(cluster, id);
    // Brokers before Kafka 4 answer an unknown group as dead instead of with an error.
    if (group.groupState === 'Dead' && offsets.length === 0) {
      throw new KafkaError('GROUP_ID_NOT_FOUND', `there is no group '${id}'`);
    }
    const members = group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      assignment: assignmentOf(group.protocolType, member.memberAssignment),
    }));
    const { groupState, protocolType, protocolData } = group;
    return { id, state: groupState, protocolType, protocol: protocolData, members, offsets };
  });
}

function assignmentOf(protocolType: string, bytes: Buffer): TopicPartition[] {
  if (protocolType !== 'consumer' || bytes.length === 0) return [];
  const assignment = decodeVersioned(ConsumerProtocolAssignment, bytes, 'as-newest');
  return assignment.assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

async function allCommitted(cluster: Cluster, id: string): Promise<CommittedOffset[]> {
  const transport = cluster.to(await cluster.coordinator(id));
  const range = await transport.versions(OffsetFetch);
  const highest = range?.[1] ?? 0;
  // Version 10 answers with topic ids only; names are what is wanted here.
  const version = Math.min(highest, 9);
  const grouped = version >= 8;
  const response = await transport.send(
    OffsetFetch,
    grouped ? { groups: [{ groupId: id, topics: null }] } : { groupId: id, topics: null },
    { version },
  );
  const answer = grouped ? response.groups[0] : response;
  throwIfError(answer?.errorCode ?? 0, `offsets of group '${id}'`);
  return (answer?.topics ?? []).flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, committedOffset, metadata }) => ({
      topic: name,
      partition: partitionIndex,
      offset: committedOffset,
      metadata,
    })),
  );
}
