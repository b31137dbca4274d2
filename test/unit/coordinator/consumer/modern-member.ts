// A consumer of the new group protocol, heartbeat by heartbeat: gives up what it is to give up, then says what it has.

import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../../src/protocol/index.ts';
import { context, type Harness } from '../harness.ts';

export class ModernMember {
  readonly h: Harness;
  readonly groupId: string;
  readonly memberId: string;
  epoch = 0;
  topics: string[] | null = ['orders'];
  regex: string | null = null;
  assignor: string | null = null;
  instanceId: string | null = null;
  rebalanceTimeoutMs = 30_000;
  /** `topic id` → partitions. */
  owned = new Map<string, number[]>();

  constructor(h: Harness, memberId: string, groupId = 'group') {
    this.h = h;
    this.memberId = memberId;
    this.groupId = groupId;
  }

  request(overrides: Partial<ConsumerGroupHeartbeatRequest> = {}): ConsumerGroupHeartbeatRequest {
    return {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch: this.epoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: this.rebalanceTimeoutMs,
      subscribedTopicNames: this.topics,
      subscribedTopicRegex: this.regex,
      serverAssignor: this.assignor,
      topicPartitions: [...this.owned].map(([topicId, partitions]) => ({
        topicId,
        partitions,
      })),
      ...overrides,
    };
  }

  /** One heartbeat that says everything; what it is told is taken over. */
  async beat(
    overrides: Partial<ConsumerGroupHeartbeatRequest> = {},
  ): Promise<ConsumerGroupHeartbeatResponse> {
    const request = this.request(overrides);
    const response = await this.h.clock.until(
      this.h.coordinator.consumerGroupHeartbeat(request, context(1)),
    );
    if (response.errorCode === 0) {
      this.epoch = response.memberEpoch;
      if (response.assignment !== null) {
        this.owned = new Map(
          response.assignment.topicPartitions.map((one) => [one.topicId, one.partitions]),
        );
      }
    }
    return response;
  }

  leave(memberEpoch = -1): Promise<ConsumerGroupHeartbeatResponse> {
    const request = this.request({ memberEpoch, topicPartitions: null });
    return this.h.clock.until(this.h.coordinator.consumerGroupHeartbeat(request, context(1)));
  }

  /** Partitions of a topic that it has. */
  of(topic: string): number[] {
    const id = this.h.topics.topic(topic)?.id ?? '';
    return this.owned.get(id) ?? [];
  }
}

/** Beats until nobody is told anything new. */
export async function settleModern(...members: ModernMember[]): Promise<void> {
  for (let round = 0; round < 10; round++) for (const member of members) await member.beat();
}

export async function describeModern(h: Harness, groupId = 'group') {
  const request = { groupIds: [groupId], includeAuthorizedOperations: false };
  const response = await h.clock.until(h.coordinator.consumerGroupDescribe(request));
  return response.groups[0]!;
}

/** The group as it reads after a restart of the broker, members in the order of their ids. */
export async function replayedModern(h: Harness, groupId = 'group') {
  await h.restart();
  const group = await describeModern(h, groupId);
  return sorted(group);
}

export function sorted(group: Awaited<ReturnType<typeof describeModern>>) {
  const members = group.members
    .map((member) => ({
      ...member,
      assignment: byTopic(member.assignment),
      targetAssignment: byTopic(member.targetAssignment),
    }))
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  return { ...group, members };
}

function byTopic<T extends { topicPartitions: { topicId: string }[] }>(assignment: T) {
  return [...assignment.topicPartitions].sort((a, b) => (a.topicId < b.topicId ? -1 : 1));
}
