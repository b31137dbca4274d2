// The state machine of one partition of `__consumer_offsets`: its groups and their offsets.
//
// Offsets change only by `apply`. A classic group's members, timers and parked requests live in memory alone; the log
// gets a picture of the group (one GroupMetadata record) when a generation has its assignment, when a static member
// changes its id, and when the group empties. So a step applies its offsets and tombstones, while the picture, which
// was taken of the state in memory, is needed only when the log is read back.

import { KafkaError } from '../base/kafka-errors.ts';
import { ClassicGroup } from './group/classic/classic-group.ts';
import { sessionTimeout } from './group/classic/membership.ts';
import {
  assignmentCommitted,
  joinTimeout,
  prepareRebalance,
  restartSession,
  syncTimeout,
} from './group/classic/rebalance.ts';
import type { ConsumerGroup } from './group/consumer/consumer-group.ts';
import { ConsumerGroups } from './group/consumer/consumer-groups.ts';
import { type GroupEvent, GroupStep, type GroupSurroundings, timerKey } from './group/types.ts';
import { type ExpiringGroup, forgetExpired, forgetGroup, forgetTopics } from './offsets/forget.ts';
import { OffsetStore } from './offsets/store.ts';
import type { LogEntry, LogRecord } from './ports.ts';
import { decodeRecord, encodeRecord, type GroupRecord } from './records.ts';
import type { StateMachine } from './runtime.ts';
import { classicFacts, classicHeld } from './timeline/facts.ts';

export class GroupMachine implements StateMachine<GroupRecord, GroupEvent, GroupStep> {
  readonly groups = new Map<string, ClassicGroup>();
  /** Groups of the new protocol. An id is in one of the two maps. */
  readonly consumers = new ConsumerGroups(this.groups);
  readonly offsets = new OffsetStore();
  readonly #surroundings: GroupSurroundings;

  constructor(surroundings: GroupSurroundings) {
    this.#surroundings = surroundings;
  }

  newStep(nowMs: number): GroupStep {
    return new GroupStep(nowMs, this.#surroundings);
  }

  encode(record: GroupRecord, nowMs: number): LogRecord {
    return encodeRecord(record, nowMs);
  }

  apply(record: GroupRecord): void {
    if (record.kind === 'offset') {
      this.offsets.apply(record, record.value);
      return;
    }
    // Those of consumer groups were applied one by one while the step was decided.
    if (record.kind !== 'group') return;
    if (record.value === null) this.groups.delete(record.group);
    else {
      const group = this.groups.get(record.group);
      if (group !== undefined) group.persisted = true;
    }
  }

  replay(entry: LogEntry): void {
    if (entry.kind === 'marker') {
      this.offsets.completeTransaction(entry.transaction.producerId, entry.outcome);
      return;
    }
    try {
      const record = decodeRecord(entry.record);
      if (record === null) return;
      if (record.kind === 'offset') {
        this.offsets.apply(record, record.value, entry.transaction);
      } else if (record.kind !== 'group') {
        this.consumers.replay(record);
      } else if (record.value === null) {
        this.groups.delete(record.group);
      } else {
        this.groups.set(record.group, ClassicGroup.load(record.group, record.value));
      }
    } catch (error) {
      // One record that cannot be read must not keep all the other groups of the partition from working.
      this.#surroundings.logger.error(
        { key: entry.record.key.toString('base64'), error },
        'coordinator: a record of the log cannot be read and is skipped',
      );
    }
  }

  loaded(step: GroupStep): void {
    this.offsets.loaded();
    // Offsets without a group record belong to consumers that assign themselves.
    for (const id of this.offsets.groupIds()) {
      if (!this.groups.has(id) && this.consumers.get(id) === undefined) {
        this.groups.set(id, new ClassicGroup(id, null));
      }
    }
    for (const group of this.groups.values()) {
      const all = [...group.members.values()];
      step.note({
        kind: 'loaded',
        protocol: 'classic',
        groupId: group.groupId,
        epoch: group.generation,
        members: all.map(classicFacts),
        held: classicHeld(all),
      });
      for (const member of all) {
        restartSession(group, member.memberId, member.sessionTimeoutMs, step);
      }
      if (group.rebalanceDue) prepareRebalance(group, 'the broker stopped before it could', step);
    }
    this.consumers.loaded(step);
    step.schedule(timerKey.expiry, step.config.offsetsRetentionCheckIntervalMs, { kind: 'expiry' });
  }

  handle(event: GroupEvent, step: GroupStep): void {
    if (event.kind === 'expiry') {
      this.#expire(step);
      return;
    }
    if (event.kind === 'consumer-late') {
      this.consumers.late(event, step);
      return;
    }
    const group = this.groups.get(event.groupId);
    if (group === undefined) return;
    switch (event.kind) {
      case 'session':
        sessionTimeout(group, event.memberId, step);
        this.discardUnused(group);
        return;
      case 'join':
        joinTimeout(group, event, step);
        return;
      case 'sync':
        syncTimeout(group, event.generation, step);
        return;
      case 'assigned':
        assignmentCommitted(group, event.generation, event.assignment, step);
    }
  }

  /** The group, made when missing. */
  obtain(groupId: string, nowMs: number): ClassicGroup {
    const known = this.groups.get(groupId);
    if (known !== undefined) return known;
    const group = new ClassicGroup(groupId, nowMs);
    this.groups.set(groupId, group);
    return group;
  }

  /** Makes a classic group when there is none of either protocol. */
  ensure(groupId: string, nowMs: number): void {
    if (this.consumers.get(groupId) === undefined) this.obtain(groupId, nowMs);
  }

  /** The groups of both protocols. */
  all(): (ClassicGroup | ConsumerGroup)[] {
    return [...this.groups.values(), ...this.consumers.groups.values()];
  }

  /** The group. Throws `name` when there is none. */
  require(groupId: string, name: 'UNKNOWN_MEMBER_ID' | 'GROUP_ID_NOT_FOUND'): ClassicGroup {
    const group = this.groups.get(groupId);
    if (group === undefined) throw new KafkaError(name, `there is no group "${groupId}"`);
    return group;
  }

  /** Writes the end of a group and of its offsets. */
  deleteGroup(group: ClassicGroup | ConsumerGroup, step: GroupStep): void {
    step.divisible = true;
    step.note({ kind: 'ended', groupId: group.groupId, why: 'deleted' });
    forgetGroup(group.groupId, this.offsets, step);
    if (group.type === 'consumer') this.consumers.end(group, step);
    else this.#end(group, step);
  }

  /** Writes the end of what groups committed for topics that are gone. */
  deleteTopics(names: ReadonlySet<string>, step: GroupStep): void {
    step.divisible = true;
    forgetTopics(names, this.offsets, step);
  }

  /** Lets go of a group that never came to be: nothing of it is in the log and nobody is in it. */
  discardUnused(group: ClassicGroup): void {
    const { groupId } = group;
    if (!unused(group) || group.persisted || this.offsets.has(groupId)) return;
    if (this.groups.get(groupId) === group) this.groups.delete(groupId);
  }

  #expire(step: GroupStep): void {
    step.divisible = true;
    for (const group of [...this.groups.values()]) {
      if (!forgetExpired(group, this.offsets, step) || !unused(group)) continue;
      step.note({ kind: 'ended', groupId: group.groupId, why: 'expired' });
      this.#end(group, step);
    }
    for (const group of [...this.consumers.groups.values()]) {
      const gone = forgetExpired(expiryView(group), this.offsets, step);
      if (!gone || group.members.size > 0) continue;
      step.note({ kind: 'ended', groupId: group.groupId, why: 'expired' });
      this.consumers.end(group, step);
    }
    step.schedule(timerKey.expiry, step.config.offsetsRetentionCheckIntervalMs, { kind: 'expiry' });
  }

  #end(group: ClassicGroup, step: GroupStep): void {
    const { groupId } = group;
    for (const memberId of group.pendingJoin) step.cancel(timerKey.session(groupId, memberId));
    group.transition('Dead', step.nowMs);
    this.groups.delete(groupId);
    if (group.persisted) step.append({ kind: 'group', group: groupId, value: null });
  }
}

/** Nobody in it and nobody on the way in. */
function unused(group: ClassicGroup): boolean {
  return group.state === 'Empty' && group.pendingJoin.size === 0;
}

/** Offsets of a consumer group age from their commit once nobody asks for the topic (Kafka's ConsumerGroup). */
function expiryView(group: ConsumerGroup): ExpiringGroup {
  const { groupId, topics } = group;
  return {
    groupId,
    protocolType: 'consumer',
    state: 'Stable',
    stateSinceMs: null,
    subscribed: topics,
  };
}
