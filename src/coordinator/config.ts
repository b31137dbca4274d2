// Settings of the group coordinator, under Kafka's names in camel case.

/** Read at each use, so an object with getters makes them dynamic. Times in milliseconds unless the name says else. */
export interface GroupConfig {
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMaxSize: number;
  /** `offset.metadata.max.bytes`; Kafka counts UTF-16 units, and so do we. */
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionMinutes: number;
  readonly offsetsRetentionCheckIntervalMs: number;
}

/**
 * Kafka's defaults but one. The initial rebalance delay waits for more members before a new group's first generation;
 * Kafka waits 3 s, which the first consumer of every fresh group pays before its first record. Later members only cost
 * one more round of joins, so 100 ms, enough for members started together on one machine, is the better bargain here.
 */
export const defaultGroupConfig: GroupConfig = {
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 100,
  groupMaxSize: 0x7fff_ffff,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMinutes: 7 * 24 * 60,
  offsetsRetentionCheckIntervalMs: 600_000,
};

/**
 * How long a joining member without a known id is kept: it cannot send heartbeats yet, and a parked JoinGroup hides
 * that its connection broke. Kafka's `CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS`.
 */
export const newMemberJoinTimeoutMs = 5 * 60_000;
