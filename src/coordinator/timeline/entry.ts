// The timeline as it is stored: JSON records of `__tidemark_events`, keyed by group. The format is described for
// readers in docs/groups.md; a change that old readers would misread raises `schemaVersion`.

export const EVENTS_TOPIC = '__tidemark_events';

/** Fields are only ever added to a version. */
export const SCHEMA_VERSION = 1;

export type EntryKind =
  /** Of the broker; these have no group, and a null key. */
  | 'broker-started'
  | 'broker-stopped'
  /** Of a group. */
  | 'member-joined'
  | 'member-left'
  | 'member-removed'
  /** A member that was removed, or that had left, was heard of again: now it is known how long it was away. */
  | 'member-back'
  | 'member-replaced'
  /** A rebalance is not over after a while. */
  | 'rebalance-waiting'
  /** A rebalance is over. */
  | 'rebalance'
  | 'group-empty'
  | 'group-migrated'
  | 'group-ended'
  /** The group changed too often for all of it to be kept. */
  | 'flapping';

export interface EntryMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
}

/** Topic → partitions as ranges: `0-3,7`. */
export type PartitionRanges = Readonly<Record<string, string>>;

export interface MovedPartitions {
  readonly memberId: string;
  readonly clientId: string;
  readonly before: PartitionRanges;
  readonly after: PartitionRanges;
}

/** How long each part of a rebalance took, in milliseconds. */
export interface Phases {
  /** Classic: until the first member came after the rebalance was called for. Consumer: until the target was made. */
  readonly prepareMs: number;
  /** Classic: from then until all were there. Consumer: until every member had what the target gives it. */
  readonly joinMs: number;
  /** Classic: from then until the leader's assignment was in force. Consumer: 0, for there is no such phase. */
  readonly syncMs: number;
}

export interface TimelineEntry {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly event: EntryKind;
  readonly group: string | null;
  readonly protocol?: 'classic' | 'consumer';
  /** Generation of a classic group, epoch of a consumer group. */
  readonly epoch?: number;
  readonly member?: EntryMember;
  /** What happened, in one line. */
  readonly what: string;
  /** Why, as far as the coordinator can tell. */
  readonly cause?: string;
  /** What may be done about it. */
  readonly advice?: string;
  /** How long it took. */
  readonly durationMs?: number;

  /** `member-removed`: which wait was in vain, how long it was, and how long nothing had been heard. */
  readonly phase?: 'session' | 'join' | 'sync' | 'revoke';
  readonly limitMs?: number;
  readonly silentMs?: number;
  /** `member-back`: how long it was away, and by how much too long. */
  readonly awayMs?: number;
  readonly lateMs?: number;

  /** `rebalance`. */
  readonly phases?: Phases;
  readonly members?: number;
  readonly leader?: string;
  readonly assignor?: string;
  /** How often it had to begin again. */
  readonly restarts?: number;
  /** Who came last to the phase that took longest. */
  readonly slowest?: { readonly memberId: string; readonly clientId: string; readonly ms: number };
  /** Partitions that have another member than before, and whose share has changed. */
  readonly movedPartitions?: number;
  readonly moved?: readonly MovedPartitions[];
  /** Members of `moved` that were left out for size. */
  readonly movedOmitted?: number;

  /** `flapping`: what was left out, by kind. */
  readonly omitted?: Readonly<Record<string, number>>;
}
