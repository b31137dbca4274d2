// OffsetCommit: who may commit, and what is stored.

import { saturatedSum } from '../../base/int64.ts';
import { ErrorCode, KafkaError } from '../../base/kafka-errors.ts';
import { storable } from '../../base/storable.ts';
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/index.ts';
import type { ClassicGroup } from '../group/classic/classic-group.ts';
import { restartSession } from '../group/classic/rebalance.ts';
import type { GroupStep } from '../group/types.ts';
import type { TopicView } from '../ports.ts';
import { fitBatch } from '../records.ts';

type RequestTopic = OffsetCommitRequest['topics'][number];
type ResponseTopic = OffsetCommitResponse['topics'][number];

/** From this version topics come by id instead of by name. */
const topicIdsSince = 10;

/** A topic of the request with its name and id, or the answer for one that does not exist. */
export type CheckedTopic =
  | { readonly kind: 'known'; readonly topic: RequestTopic; readonly partitionCount: number }
  | { readonly kind: 'refused'; readonly answer: ResponseTopic };

/** Looks the topics up, in the request's order. */
export function checkTopics(
  request: OffsetCommitRequest,
  apiVersion: number,
  topics: TopicView,
): CheckedTopic[] {
  return request.topics.map((topic) => {
    const byId = apiVersion >= topicIdsSince;
    const found = byId ? topics.topicById(topic.topicId) : topics.topic(topic.name);
    if (found === undefined) {
      const code = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      return { kind: 'refused', answer: answerAll(topic, code) };
    }
    const { name, id: topicId, partitionCount } = found;
    return { kind: 'known', topic: { ...topic, name, topicId }, partitionCount };
  });
}

/** The same code for every partition of the topics that there are. */
export function answerKnown(topics: readonly CheckedTopic[], errorCode: number): ResponseTopic[] {
  return topics.map((checked) =>
    checked.kind === 'known' ? answerAll(checked.topic, errorCode) : checked.answer,
  );
}

/** The same code for every partition of a topic. */
function answerAll(topic: RequestTopic, errorCode: number): ResponseTopic {
  const { name, topicId } = topic;
  const partitions = topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }));
  return { name, topicId, partitions };
}

/** What a group makes of the sender of a commit. Throws the KafkaError that every partition is answered with. */
export function checkCommitter(
  group: ClassicGroup,
  request: OffsetCommitRequest,
  step: GroupStep,
): void {
  const { generationIdOrMemberEpoch: generation, memberId, groupInstanceId } = request;
  // Tools, and consumers that assign themselves: only while no managed member owns the group.
  if (generation < 0 && group.state === 'Empty') return;
  if (generation < 0 && memberId === '' && groupInstanceId === null) {
    throw new KafkaError('UNKNOWN_MEMBER_ID', 'the group has members, and this is none of them');
  }
  const member = group.requireMember(memberId, groupInstanceId);
  if (generation !== group.generation) {
    throw new KafkaError('ILLEGAL_GENERATION', `the group's generation is ${group.generation}`);
  }
  if (group.state === 'CompletingRebalance') {
    throw new KafkaError('REBALANCE_IN_PROGRESS', 'the generation has no assignment yet');
  }
  // Old consumers kept their session by committing.
  restartSession(group, member.memberId, member.sessionTimeoutMs, step);
}

/**
 * Stores what can be stored, all of it at once, and answers per partition. Throws KafkaError
 * `INVALID_COMMIT_OFFSET_SIZE` for more than fits a batch.
 */
export function commitOffsets(
  request: OffsetCommitRequest,
  topics: readonly CheckedTopic[],
  step: GroupStep,
): OffsetCommitResponse {
  const answers = topics.map((checked): ResponseTopic => {
    if (checked.kind === 'refused') return checked.answer;
    const { topic, partitionCount } = checked;
    return {
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitions.map((partition) => ({
        partitionIndex: partition.partitionIndex,
        errorCode: commitOne(request, { topic, partition, partitionCount }, step),
      })),
    };
  });
  // Common commits are spared the encoding: three bytes a character is the most they may take.
  const perOffset = 3 * (request.groupId.length + 249 + step.config.offsetMetadataMaxBytes) + 256;
  const { messageMaxBytes } = step.config;
  const surelyFits = step.records.length * perOffset <= messageMaxBytes;
  if (!surelyFits && !fitBatch(step.records, messageMaxBytes)) {
    const message = 'the commit is larger than message.max.bytes: commit fewer partitions at once';
    throw new KafkaError('INVALID_COMMIT_OFFSET_SIZE', message);
  }
  return { throttleTimeMs: 0, topics: answers };
}

function commitOne(
  request: OffsetCommitRequest,
  at: {
    readonly topic: RequestTopic;
    readonly partition: RequestTopic['partitions'][number];
    readonly partitionCount: number;
  },
  step: GroupStep,
): number {
  const { topic, partition, partitionCount } = at;
  const metadata = partition.committedMetadata ?? '';
  const index = partition.partitionIndex;
  if (index < 0 || index >= partitionCount) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (metadata.length > step.config.offsetMetadataMaxBytes || !storable(metadata)) {
    return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  }
  const { retentionTimeMs } = request;
  step.append({
    kind: 'offset',
    group: request.groupId,
    topic: topic.name,
    partition: index,
    value: {
      offset: partition.committedOffset,
      leaderEpoch: partition.committedLeaderEpoch,
      metadata,
      commitTimestamp: step.nowMs,
      expireTimestamp: retentionTimeMs === -1 ? -1 : saturatedSum(step.nowMs, retentionTimeMs),
      topicId: topic.topicId,
    },
  });
  return ErrorCode.NONE;
}
