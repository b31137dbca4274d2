// Who may commit and read the offsets of a consumer group (KIP-848, assignment epochs: KIP-1251).
// Source of the rules and of the texts: org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroup (4.3).

import { KafkaError } from '../../../base/kafka-errors.ts';
import type { OffsetCommitRequest } from '../../../protocol/index.ts';
import type { TopicView } from '../../ports.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './member.ts';

/** From this version a commit carries a member epoch. */
const memberEpochSince = 9;

/** Refuses who may not commit for the group. Throws the KafkaError that every partition is answered with. */
export function checkConsumerCommitter(
  group: ConsumerGroup,
  request: OffsetCommitRequest,
  at: { readonly apiVersion: number; readonly topics: TopicView },
): void {
  const { generationIdOrMemberEpoch: epoch, memberId } = request;
  // Tools: only while no member owns the group.
  if (epoch < 0 && group.members.size === 0) return;
  const member = group.requireMember(memberId);
  if (member.classic === null && at.apiVersion < memberEpochSince) {
    throw new KafkaError(
      'UNSUPPORTED_VERSION',
      'OffsetCommit version 9 or above must be used by members using the consumer group protocol',
    );
  }
  if (epoch === member.memberEpoch) return;
  if (epoch > member.memberEpoch) {
    const kind = member.classic === null ? 'member epoch' : 'generation id';
    throw stale(
      member,
      `Received ${kind} ${epoch} is newer than current member epoch ${member.memberEpoch}.`,
    );
  }
  // A member that has not heard of its new epoch yet may still commit what it has had since that epoch or longer.
  for (const { name, topicId, partitions } of request.topics) {
    const id = at.topics.topic(name)?.id ?? topicId;
    for (const { partitionIndex } of partitions) {
      const since =
        member.assigned.get(id)?.get(partitionIndex) ??
        member.pendingRevocation.get(id)?.get(partitionIndex);
      if (since !== undefined && epoch >= since) continue;
      const why = since === undefined ? 'is not assigned' : `was assigned at epoch ${since}`;
      throw stale(member, `${name}-${partitionIndex} ${why}, the commit is of epoch ${epoch}`);
    }
  }
}

function stale(member: ConsumerMember, message: string): KafkaError {
  const code = member.classic === null ? 'STALE_MEMBER_EPOCH' : 'ILLEGAL_GENERATION';
  return new KafkaError(code, message);
}

/** Refuses who may not read the group's offsets: a member of another epoch. Tools name no member. Throws KafkaError. */
export function checkConsumerReader(
  group: ConsumerGroup,
  asked: { readonly memberId: string | null; readonly memberEpoch: number },
): void {
  const { memberId, memberEpoch } = asked;
  if (memberId === null && memberEpoch < 0) return;
  const member = group.requireMember(memberId ?? '');
  if (memberEpoch === member.memberEpoch) return;
  throw stale(
    member,
    `The received ${member.classic === null ? 'member epoch' : 'generation id'} ${memberEpoch} ` +
      `does not match the expected member epoch ${member.memberEpoch}.`,
  );
}
