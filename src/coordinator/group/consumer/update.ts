// What follows a change of a member, a subscription or a topic: a new group epoch, a new target, and the member's next
// step towards it. Shared by heartbeats and by classic members that join.
//
// Every record is applied to the group the moment it is decided, by the same function that a replay uses; the runtime
// writes them later, in this order. Any beginning of the order is a sound state, so a large change may be spread over
// batches.
// Source of the rules: org.apache.kafka.coordinator.group.GroupMetadataManager (4.3).

import { KafkaError } from '../../../base/kafka-errors.ts';
import { settingsOf } from '../../config.ts';
import type { TopicInfo, TopicView } from '../../ports.ts';
import { fitBatch } from '../../records.ts';
import { consumerFacts, consumerHeld } from '../../timeline/facts.ts';
import { type GroupStep, timerKey } from '../types.ts';
import { assignors } from './assignors.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerMember,
  currentValue,
  MemberState,
  newMember,
  type Partitions,
  type Subscription,
  sameNames,
  samePartitions,
  sameSubscription,
  subscriptionValue,
} from './member.ts';
import { reconcile } from './reconcile.ts';
import type { ConsumerRecord } from './records.ts';
import { isRegexEngineLoaded, matchingTopics } from './regex.ts';

/** Applies a record of the group and has it written. */
export function emit(group: ConsumerGroup, record: ConsumerRecord, step: GroupStep): void {
  group.apply(record);
  step.append(record);
  step.divisible = true;
}

/**
 * What a member says of itself must fit into the log. Throws `UNKNOWN_SERVER_ERROR`, which Kafka makes of the log's
 * refusal (GroupCoordinatorService.handleOperationException).
 */
export function checkFits(
  { groupId }: Pick<ConsumerGroup, 'groupId'>,
  memberId: string,
  told: Subscription,
  step: Pick<GroupStep, 'config'>,
): void {
  const value = subscriptionValue(told);
  const record = { kind: 'consumer-member', group: groupId, member: memberId, value } as const;
  if (fitBatch([record], step.config.messageMaxBytes)) return;
  const message = `What member ${memberId} says of itself is larger than message.max.bytes.`;
  throw new KafkaError('UNKNOWN_SERVER_ERROR', message);
}

/** Writes what a member says of itself where it is news; answers whether the group's target depends on it. */
export function subscribe(
  group: ConsumerGroup,
  memberId: string,
  now: Subscription,
  step: GroupStep,
): boolean {
  const { groupId } = group;
  const before = group.members.get(memberId);
  const was = before ?? newMember(memberId);
  const value = subscriptionValue(now);
  if (before === undefined || !sameSubscription(before, now)) {
    emit(group, { kind: 'consumer-member', group: groupId, member: memberId, value }, step);
  }
  const otherRegex = was.topicRegex !== now.topicRegex;
  if (otherRegex) {
    dropUnusedRegex(group, was.topicRegex, step);
    if (now.topicRegex !== null && !group.regexes.has(now.topicRegex)) {
      resolveRegex(group, now.topicRegex, step);
    }
  }
  if (before === undefined) {
    const member = consumerFacts(group, group.requireMember(memberId));
    step.note({ kind: 'joined', groupId, member, again: false });
  }
  return before === undefined || otherRegex || !sameNames(was.topicNames, now.topicNames);
}

function resolveRegex(group: ConsumerGroup, regex: string, step: GroupStep): void {
  const names = [...step.topics.topics()].map(({ name }) => name).sort();
  const topics = matchingTopics(regex, names);
  const known = group.regexes.get(regex);
  if (known !== undefined && sameNames(known.topics, topics)) return;
  const value = { topics, version: 0, timestamp: step.nowMs };
  emit(group, { kind: 'consumer-regex', group: group.groupId, regex, value }, step);
}

/**
 * Looks again at an expression that the group has. One that was accepted by another broker, of Kafka say, and cannot be
 * read here keeps its topics: a decision that fails halfway would leave the group neither as it was nor as it will be.
 */
function resolveAgain(group: ConsumerGroup, regex: string, step: GroupStep): void {
  try {
    resolveRegex(group, regex, step);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const fields = { groupId: group.groupId, error };
    step.logger.warn(fields, 'group: new topics are not looked for, an expression cannot be read');
  }
}

/** An expression that nobody uses any more ends. */
export function dropUnusedRegex(group: ConsumerGroup, regex: string | null, step: GroupStep): void {
  if (regex === null || !group.regexes.has(regex) || group.regexUsers(regex) > 0) return;
  emit(group, { kind: 'consumer-regex', group: group.groupId, regex, value: null }, step);
}

/**
 * Raises the group's epoch when `changed`, or when the topics in use are not what they were; then brings the target
 * up to the epoch.
 */
export function advance(group: ConsumerGroup, changed: boolean, step: GroupStep): void {
  if (changed || group.metadataStale) {
    if (group.metadataStale && isRegexEngineLoaded()) {
      for (const regex of [...group.regexes.keys()]) resolveAgain(group, regex, step);
    }
    group.metadataStale = false;
    const metadataHash = hashTopics(group.topics, step.topics);
    if (changed || metadataHash !== group.metadataHash) {
      const reason = changed ? 'what a member asks for has changed' : 'its topics have changed';
      raiseEpoch(group, { metadataHash, reason }, step);
    }
  }
  advanceTarget(group, step);
}

/** Brings the target up to the group's epoch, once it is time. */
export function advanceTarget(group: ConsumerGroup, step: GroupStep): void {
  if (group.epoch === group.targetEpoch || group.members.size === 0) return;
  if (isTargetDue(group, step)) assign(group, step);
}

/**
 * Changes that come one soon after the other share a target (KIP-1263): one assignment for five hundred members that
 * join at once, instead of five hundred. A clock that was put back makes nobody wait.
 */
function isTargetDue(group: ConsumerGroup, step: GroupStep): boolean {
  const ageMs = step.nowMs - group.targetMs;
  return ageMs < 0 || ageMs >= settingsOf(step.config, group.groupId).assignmentIntervalMs;
}

export function raiseEpoch(
  group: ConsumerGroup,
  { metadataHash, reason }: { readonly metadataHash: number; readonly reason: string },
  step: GroupStep,
): void {
  const { groupId } = group;
  const value = { epoch: group.epoch + 1, metadataHash };
  emit(group, { kind: 'consumer-group', group: groupId, value }, step);
  step.note({ kind: 'rebalancing', groupId, epoch: group.epoch, reason });
}

/** Digest, below 2^53, of the topics that exist: their names, ids and numbers of partitions. */
export function hashTopics(names: ReadonlySet<string>, topics: TopicView): number {
  let high = 0x811c9dc5;
  let low = 0x01234567;
  for (const name of [...names].sort()) {
    const topic = topics.topic(name);
    if (topic === undefined) continue;
    const text = `${name}/${topic.id}/${topic.partitionCount}\n`;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul(low ^ unit, 0x5bd1e995) ^ (low >>> 15);
    }
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}

/** Makes the target of the group's epoch and writes whose has changed. */
function assign(group: ConsumerGroup, step: GroupStep): void {
  const { groupId } = group;
  const byId = new Map<string, TopicInfo>();
  const members = new Map(
    [...group.members.values()].map((member) => {
      const topicIds = new Set<string>();
      for (const name of group.topicsOf(member)) {
        const topic = step.topics.topic(name);
        if (topic === undefined) continue;
        byId.set(topic.id, topic);
        topicIds.add(topic.id);
      }
      const { memberId, instanceId } = member;
      return [memberId, { instanceId, topicIds, current: group.targetOf(memberId) }] as const;
    }),
  );
  const assignor = assignors.get(assignorOf(group, step));
  const next = assignor?.({
    members,
    partitionCount: (topicId) => byId.get(topicId)?.partitionCount ?? 0,
  });
  for (const [memberId, target] of next ?? []) {
    if (group.targets.has(memberId) && samePartitions(group.targetOf(memberId), target)) continue;
    putTarget(group, memberId, target, step);
  }
  const value = { assignmentEpoch: group.epoch, assignmentTimestamp: step.nowMs };
  emit(group, { kind: 'consumer-target-epoch', group: groupId, value }, step);
  step.logger.info({ groupId, epoch: group.epoch, members: members.size }, 'group: new target');
  step.note({
    kind: 'generation',
    protocol: 'consumer',
    groupId,
    epoch: group.epoch,
    members: members.size,
    leaderId: null,
    assignor: assignorOf(group, step),
  });
}

export function putTarget(
  group: ConsumerGroup,
  memberId: string,
  target: Partitions,
  step: GroupStep,
): void {
  const topicPartitions = [...target].map(([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions].sort((a, b) => a - b),
  }));
  const value = { topicPartitions };
  emit(group, { kind: 'consumer-target', group: group.groupId, member: memberId, value }, step);
}

/** The assignor that most members ask for; the first that is configured when nobody asks. */
export function assignorOf(group: ConsumerGroup, step: Pick<GroupStep, 'config'>): string {
  const votes = new Map<string, number>();
  for (const { serverAssignor } of group.members.values()) {
    if (serverAssignor !== null) {
      votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1);
    }
  }
  const [first = 'uniform'] = step.config.groupConsumerAssignors;
  let best = first;
  let most = 0;
  for (const [name, count] of votes) {
    if (count <= most) continue;
    best = name;
    most = count;
  }
  return best;
}

/** Takes a member one step towards its target and answers how it is then. */
export function stepMember(
  group: ConsumerGroup,
  memberId: string,
  at: { readonly claimed: Partitions | null; readonly subscriptionChanged: boolean },
  step: GroupStep,
): ConsumerMember {
  const member = group.requireMember(memberId);
  const subscribed = new Set<string>();
  for (const name of group.topicsOf(member)) {
    const topic = step.topics.topic(name);
    if (topic !== undefined) subscribed.add(topic.id);
  }
  const after = reconcile(member, {
    ...at,
    targetEpoch: group.targetEpoch,
    target: group.targetOf(memberId),
    subscribed,
    ownerOf: (topicId, partition) => group.ownerOf(topicId, partition),
  });
  if (after === member) return member;
  putCurrent(group, after, step);
  noteSettled(group, memberId, step);
  watchRevocation(group, after, step);
  return after;
}

/** Tells once for each epoch that everybody has what the target says. */
function noteSettled(group: ConsumerGroup, lastId: string, step: GroupStep): void {
  const { groupId, epoch } = group;
  if (group.settledEpoch === epoch || group.state !== 'Stable') return;
  group.settledEpoch = epoch;
  const held = consumerHeld(group.members.values());
  step.note({ kind: 'assigned', groupId, epoch, held, lastId });
}

export function putCurrent(group: ConsumerGroup, member: ConsumerMember, step: GroupStep): void {
  const { memberId } = member;
  emit(
    group,
    {
      kind: 'consumer-current',
      group: group.groupId,
      member: memberId,
      value: currentValue(member),
    },
    step,
  );
}

/**
 * A member that does not give up its partitions in time is out, so that those who wait for them get them. Members
 * that speak the classic protocol have their time to join and to sync instead.
 */
export function watchRevocation(
  group: ConsumerGroup,
  member: ConsumerMember,
  step: GroupStep,
): void {
  const { groupId } = group;
  const { memberId, memberEpoch, rebalanceTimeoutMs } = member;
  const key = consumerTimer('rebalance', groupId, memberId);
  if (member.state !== MemberState.UNREVOKED_PARTITIONS || member.classic !== null) {
    step.cancel(key);
    return;
  }
  step.schedule(key, rebalanceTimeoutMs, {
    kind: 'consumer-late',
    phase: 'rebalance',
    groupId,
    memberId,
    memberEpoch,
  });
}

/** Gives the member its session timeout from now to be heard of. */
export function restartConsumerSession(
  group: ConsumerGroup,
  member: ConsumerMember,
  step: GroupStep,
): void {
  const { groupId } = group;
  const { memberId } = member;
  group.heardMs.set(memberId, step.nowMs);
  step.schedule(timerKey.session(groupId, memberId), sessionTimeoutOf(group, member, step), {
    kind: 'consumer-late',
    phase: 'session',
    groupId,
    memberId,
    memberEpoch: null,
  });
}

/** Members that speak the classic protocol bring their own. */
export function sessionTimeoutOf(
  group: ConsumerGroup,
  member: ConsumerMember,
  step: Pick<GroupStep, 'config'>,
): number {
  const brought = member.classic?.sessionTimeoutMs;
  return brought ?? settingsOf(step.config, group.groupId).sessionTimeoutMs;
}

/** Names of timers of single members; the session's is the one of classic groups, so that it passes on. */
export function consumerTimer(
  phase: 'rebalance' | 'join' | 'sync',
  groupId: string,
  memberId: string,
): string {
  return `${phase}:${groupId.length}:${groupId}:${memberId}`;
}
