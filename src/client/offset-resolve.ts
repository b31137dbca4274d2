// From "where" to an offset of one partition, with what to tell the user about it.

import { describeOffsetSpec, formatTime, type OffsetSpec } from './offset-spec.ts';

/** What resolving needs to know about one partition. Each is asked at most once. */
export interface OffsetLookup {
  earliest(): Promise<number>;
  latest(): Promise<number>;
  /** First record at or after a time; null when there is none. */
  atTime(timestampMs: number): Promise<{ offset: number; timestampMs: number } | null>;
  /** Where the group left off; null without a group or without a commit. */
  committed(): Promise<number | null>;
}

/** An offset with the story of how it came about. */
export interface ResolvedOffset {
  readonly offset: number;
  /** Timestamp of the record there, where the look-up told it; else null. */
  readonly timestampMs: number | null;
  /** One line for people: `@2026-… → offset 12 (record of 2026-…)`. */
  readonly note: string;
  /** The end of the log that it was moved to, since it lies outside. */
  readonly moved?: 'earliest' | 'latest';
  /** The group has committed nothing there. */
  readonly uncommitted?: true;
}

/** Looks a place up. Places outside the log move to its nearer end, and the note says so. */
export async function resolveOffset(
  spec: OffsetSpec,
  lookup: OffsetLookup,
): Promise<ResolvedOffset> {
  const name = describeOffsetSpec(spec);
  switch (spec.kind) {
    case 'earliest':
      return plain(name, await lookup.earliest());
    case 'latest':
      return plain(name, await lookup.latest());
    case 'offset':
      return clamp(name, spec.offset, lookup);
    case 'last': {
      const latest = await lookup.latest();
      const earliest = await lookup.earliest();
      return plain(name, Math.max(earliest, latest - spec.count));
    }
    case 'committed': {
      const committed = await lookup.committed();
      if (committed !== null) return clamp(name, committed + spec.shift, lookup);
      const note = `${name}: nothing committed yet, so earliest`;
      return { ...plain(note, await lookup.earliest()), uncommitted: true };
    }
    case 'timestamp': {
      const found = await lookup.atTime(spec.timestampMs);
      if (found === null) {
        return plain(`${name}: no record that late, so latest`, await lookup.latest());
      }
      const when = formatTime(found.timestampMs);
      const note = `${name} → offset ${found.offset} (record of ${when})`;
      return { offset: found.offset, timestampMs: found.timestampMs, note };
    }
  }
}

function plain(name: string, offset: number): ResolvedOffset {
  const note = name === String(offset) ? `offset ${offset}` : `${name} → offset ${offset}`;
  return { offset, timestampMs: null, note };
}

async function clamp(name: string, offset: number, lookup: OffsetLookup): Promise<ResolvedOffset> {
  const earliest = await lookup.earliest();
  if (offset < earliest) {
    const found = plain(`${name}: before the log's start, so earliest`, earliest);
    return { ...found, moved: 'earliest' };
  }
  const latest = await lookup.latest();
  if (offset > latest) {
    const found = plain(`${name}: after the log's end, so latest`, latest);
    return { ...found, moved: 'latest' };
  }
  return plain(name, offset);
}
