// Where replayed records go. Each sink knows by itself what an earlier run of the same job has written, so that a job
// that was interrupted anywhere writes each record once.

import type { PlacedRecord, ReplayedRecord } from './types.ts';

/** A target that is being written. */
export interface Sink {
  /** Whether an earlier run of this job wrote the record already. */
  has(source: PlacedRecord, record: ReplayedRecord): boolean | Promise<boolean>;
  /**
   * Takes a record. Null: there is room for the next; else there is once it resolves. Failures may come with a later
   * call, and every call after it fails as well.
   */
  write(source: PlacedRecord, record: ReplayedRecord): Promise<void> | null;
  /** Resolves when all that was taken is safe. Throws ReplayError `target_refused` with the first failure. */
  flush(): Promise<void>;
  /** Records of this run that the target has confirmed: of a failure it tells how far it came. */
  readonly confirmed: number;
  /** By partition of a target topic: where the next record lands. Empty for other targets. */
  positions(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** Names the job in a copy's headers. */
export const JOB_HEADER = 'tidemark.replay.job';
/** Names the place of the original, `topic/partition/offset`. */
export const SOURCE_HEADER = 'tidemark.replay.source';

/** `topic/partition/offset` of a record. */
export function sourceOf({ topic, partition, offset }: PlacedRecord): string {
  return `${topic}/${partition}/${offset}`;
}

/** The parts of {@link sourceOf}; null for anything else. */
export function parseSource(
  text: string,
): { readonly place: string; readonly offset: number } | null {
  const match = /^(.+\/\d+)\/(\d+)$/.exec(text);
  if (match?.[1] === undefined) return null;
  return { place: match[1], offset: Number(match[2]) };
}
