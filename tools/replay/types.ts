// The words of a replay: what is read, where it goes, how fast, and what is remembered of it.

import type { FetchedRecords, OffsetSpec } from '../../src/client/index.ts';

/** A record as it was read. */
export type SourceRecord = FetchedRecords['records'][number];

/** A record with its place. */
export interface PlacedRecord extends SourceRecord {
  readonly topic: string;
  readonly partition: number;
}

/** What is written for a record: itself, unless a transform changed it. */
export interface ReplayedRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Where the records come from. */
export interface ReplaySource {
  readonly topics: readonly string[];
  /** Null: all of them. */
  readonly partitions: readonly number[] | null;
  readonly from: OffsetSpec;
  /** Records before it. `latest` is where the log ends when the job starts. */
  readonly to: OffsetSpec;
  /** Whose committed offsets `committed` means. */
  readonly group: string | null;
}

/** Where they go. */
export type ReplayTarget =
  | { readonly kind: 'topic'; readonly topic: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'http'; readonly url: string }
  /** Dead letters: into a topic, or each into the one it came from. See tools/dlq. */
  | { readonly kind: 'origin'; readonly topic: string | null }
  /** Dead letters that were discarded. */
  | { readonly kind: 'nowhere' };

/** One stretch of one partition, `from` up to and not including `to`. */
export interface Stretch {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** For people: how the two came about. */
  readonly note: string;
}

/** How fast; null is as fast as it goes. */
export interface Pace {
  readonly recordsPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  /** 1: as the records came, by their timestamps; 10: ten times as fast. */
  readonly speed: number | null;
}

export interface ReplayCounts {
  readonly read: number;
  readonly selected: number;
  /** Written by this run. */
  readonly written: number;
  /** Left out because an earlier run had written them. */
  readonly skipped: number;
  readonly bytes: number;
}

export type JobState = 'running' | 'paused' | 'done' | 'failed' | 'cancelled' | 'interrupted';

/** What the jobs topic holds of a job: enough to go on after a crash, and who did what when. */
export interface JobRecord {
  readonly id: string;
  readonly state: JobState;
  /** Which of its runs has it. */
  readonly run?: string;
  /** Of an archive; absent: a replay, or what became of dead letters. */
  readonly tool?: 'export' | 'import';
  /** That an archive was written to, or read from. */
  readonly file?: string;
  readonly who: string;
  readonly startedMs: number;
  readonly updatedMs: number;
  readonly source: ReplaySource;
  readonly target: ReplayTarget;
  readonly filter: string | null;
  readonly module: string | null;
  readonly pace: Pace;
  readonly includeReplayed: boolean;
  /** Batches are copied as they are; see sink-batches.ts. */
  readonly asIs?: boolean;
  /** Who writes such a copy, and by target partition how many records it had written (modulo 2³¹). */
  readonly writer?: {
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly sequences: Readonly<Record<string, number>>;
  };
  /** Of dead letters: `partition/offset` of those that are meant; absent: all. */
  readonly only?: readonly string[];
  readonly stretches: readonly Stretch[];
  /** By `topic/partition` of the source: everything selected before it is written. */
  readonly positions: Readonly<Record<string, number>>;
  /** By partition of the target topic: what this job writes after the last checkpoint is at or after it. */
  readonly targetPositions: Readonly<Record<string, number>>;
  readonly counts: ReplayCounts;
  /** Of a job that failed: what the target confirmed since the last checkpoint. Whoever goes on finds it there. */
  readonly confirmedSince?: number;
  /** Why it failed; of an interrupted one, why what it had read last is not written. */
  readonly error: string | null;
}

/** `topic/partition`, the key of positions. */
export function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
