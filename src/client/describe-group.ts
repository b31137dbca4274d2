// What a group is: its state, its members and what it has committed, of either protocol, on any Kafka cluster.

import { ErrorCode, KafkaError } from '../base/kafka-errors.ts';
import {
  ConsumerGroupDescribe,
  type ConsumerGroupDescribeResponse,
  ConsumerProtocolAssignment,
  DescribeGroups,
  decodeVersioned,
  OffsetFetch,
} from '../protocol/index.ts';
import type { TopicPartition } from './admin-cluster.ts';
import { type Cluster, throwIfError } from './cluster.ts';
import type { Node } from './network.ts';

export interface GroupMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly assignment: readonly TopicPartition[];
  /** Of members of consumer groups; null in classic groups. */
  readonly epoch: number | null;
  /** What it is to have; the same as `assignment` once it has followed. Null in classic groups. */
  readonly target: readonly TopicPartition[] | null;
  /** `classic` or `consumer`: what it speaks. */
  readonly protocol: GroupProtocol;
}

export type GroupProtocol = 'classic' | 'consumer';

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  readonly metadata: string | null;
}

export interface GroupDescription {
  readonly id: string;
  readonly type: GroupProtocol;
  readonly state: string;
  readonly protocolType: string;
  /** Name of the assignor. */
  readonly protocol: string;
  /** The broker that coordinates it. */
  readonly coordinator: Node;
  /** Of consumer groups: the epoch of the members, and of the target that was made for them. Null in classic groups. */
  readonly epoch: number | null;
  readonly targetEpoch: number | null;
  readonly members: readonly GroupMember[];
  readonly offsets: readonly CommittedOffset[];
}

type Described = Omit<GroupDescription, 'offsets' | 'coordinator'>;

/** A group of either protocol with its committed offsets. Throws KafkaError `GROUP_ID_NOT_FOUND` and others. */
export async function describeGroup(cluster: Cluster, id: string): Promise<GroupDescription> {
  return cluster.retry(async () => {
    const coordinator = await cluster.coordinator(id);
    const group =
      (await describeConsumer(cluster, coordinator, id)) ??
      (await describeClassic(cluster, coordinator, id));
    const offsets = await allCommitted(cluster, id);
    // Brokers before Kafka 4 answer an unknown group as dead instead of with an error.
    if (group.state === 'Dead' && offsets.length === 0) {
      throw new KafkaError('GROUP_ID_NOT_FOUND', `there is no group '${id}'`);
    }
    return { ...group, coordinator, offsets };
  });
}

/** Null: it is none of the consumer protocol, or the broker does not know that protocol. */
async function describeConsumer(
  cluster: Cluster,
  node: Node,
  id: string,
): Promise<Described | null> {
  const transport = cluster.to(node);
  if ((await transport.versions(ConsumerGroupDescribe)) === null) return null;
  const response = await transport.send(ConsumerGroupDescribe, {
    groupIds: [id],
    includeAuthorizedOperations: false,
  });
  const [group] = response.groups;
  const code = group?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND;
  // A broker may know the request and have the protocol switched off.
  const other = code === ErrorCode.GROUP_ID_NOT_FOUND || code === ErrorCode.UNSUPPORTED_VERSION;
  if (group === undefined || other) return null;
  if (code === ErrorCode.NOT_COORDINATOR) cluster.forgetCoordinator(id);
  throwIfError(code, `group '${id}'`, group.errorMessage);
  return {
    id,
    type: 'consumer',
    state: group.groupState,
    protocolType: 'consumer',
    protocol: group.assignorName,
    epoch: group.groupEpoch,
    targetEpoch: group.assignmentEpoch,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      assignment: placesOf(member.assignment),
      epoch: member.memberEpoch,
      target: placesOf(member.targetAssignment),
      protocol: member.memberType === 0 ? 'classic' : 'consumer',
    })),
  };
}

type Assignment = ConsumerGroupDescribeResponse['groups'][number]['members'][number]['assignment'];

function placesOf({ topicPartitions }: Assignment): TopicPartition[] {
  return topicPartitions.flatMap(({ topicName: topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

async function describeClassic(cluster: Cluster, node: Node, id: string): Promise<Described> {
  const response = await cluster.to(node).send(DescribeGroups, { groups: [id] });
  const [group] = response.groups;
  if (group === undefined) throw new KafkaError('GROUP_ID_NOT_FOUND', `there is no group '${id}'`);
  if (group.errorCode === ErrorCode.NOT_COORDINATOR) cluster.forgetCoordinator(id);
  throwIfError(group.errorCode, `group '${id}'`, group.errorMessage);
  const { groupState, protocolType, protocolData } = group;
  return {
    id,
    type: 'classic',
    state: groupState,
    protocolType,
    protocol: protocolData,
    epoch: null,
    targetEpoch: null,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      assignment: assignmentOf(protocolType, member.memberAssignment),
      epoch: null,
      target: null,
      protocol: 'classic',
    })),
  };
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
