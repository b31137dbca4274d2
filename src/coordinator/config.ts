// Settings of the group coordinator, under Kafka's names in camel case.

import { parseConfig } from '../base/config-def.ts';
import { brokerConfigs } from '../base/configs/broker-configs.ts';
import { assert } from '../base/errors.ts';

/** Read at each use, so an object with getters makes them dynamic. Times in milliseconds unless the name says else. */
export interface GroupConfig {
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMaxSize: number;
  /** Of members of consumer groups, unless they speak the classic protocol and bring their own. */
  readonly groupConsumerSessionTimeoutMs: number;
  readonly groupConsumerHeartbeatIntervalMs: number;
  /** Least time between two targets of a consumer group (KIP-1263); 0: a target for every change. */
  readonly groupConsumerAssignmentIntervalMs: number;
  readonly groupConsumerMaxSize: number;
  /** Names of server-side assignors; the first is for groups whose members name none. */
  readonly groupConsumerAssignors: readonly string[];
  /** `disabled`, `upgrade`, `downgrade` or `bidirectional`. */
  readonly groupConsumerMigrationPolicy: string;
  /** `offset.metadata.max.bytes`; Kafka counts UTF-16 units, and so do we. */
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionMinutes: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  /** `message.max.bytes`: largest batch, and so the most that one decision may write at once. */
  readonly messageMaxBytes: number;
  /** What a group has set for itself, within the bounds that there are; null for nothing. */
  readonly ofGroup: (groupId: string) => Partial<ConsumerGroupSettings> | null;
}

/** Settings that a consumer group may have of its own. Milliseconds. */
export interface ConsumerGroupSettings {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
}

/** The settings of a consumer group: its own, else those of all. */
export function settingsOf(config: GroupConfig, groupId: string): ConsumerGroupSettings {
  const own = config.ofGroup(groupId);
  return {
    sessionTimeoutMs: own?.sessionTimeoutMs ?? config.groupConsumerSessionTimeoutMs,
    heartbeatIntervalMs: own?.heartbeatIntervalMs ?? config.groupConsumerHeartbeatIntervalMs,
    assignmentIntervalMs: own?.assignmentIntervalMs ?? config.groupConsumerAssignmentIntervalMs,
  };
}

/** The number that a broker config has when nobody sets it. */
function standard(name: string): number {
  const definition = brokerConfigs.get(name);
  const value = parseConfig(definition, definition.default);
  assert(typeof value === 'number', `broker config ${name} is a number`);
  return value;
}

/** The text that a broker config has when nobody sets it. */
function standardText(name: string): string {
  return brokerConfigs.get(name).default ?? '';
}

/** The defaults of the broker configs of these names, which are the one place they are set. */
export const defaultGroupConfig: GroupConfig = {
  groupMinSessionTimeoutMs: standard('group.min.session.timeout.ms'),
  groupMaxSessionTimeoutMs: standard('group.max.session.timeout.ms'),
  groupInitialRebalanceDelayMs: standard('group.initial.rebalance.delay.ms'),
  groupMaxSize: standard('group.max.size'),
  groupConsumerSessionTimeoutMs: standard('group.consumer.session.timeout.ms'),
  groupConsumerHeartbeatIntervalMs: standard('group.consumer.heartbeat.interval.ms'),
  groupConsumerAssignmentIntervalMs: standard('group.consumer.assignment.interval.ms'),
  groupConsumerMaxSize: standard('group.consumer.max.size'),
  groupConsumerAssignors: standardText('group.consumer.assignors').split(','),
  groupConsumerMigrationPolicy: standardText('group.consumer.migration.policy'),
  offsetMetadataMaxBytes: standard('offset.metadata.max.bytes'),
  offsetsRetentionMinutes: standard('offsets.retention.minutes'),
  offsetsRetentionCheckIntervalMs: standard('offsets.retention.check.interval.ms'),
  messageMaxBytes: standard('message.max.bytes'),
  ofGroup: () => null,
};

/**
 * How long a joining member without a known id is kept: it cannot send heartbeats yet, and a parked JoinGroup hides
 * that its connection broke. Kafka's `CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS`.
 */
export const newMemberJoinTimeoutMs = 5 * 60_000;
