// When a log is worth compacting, up to where, and which segments go together. Pure.

/** A closed segment as the planner sees it. */
export interface SegmentFacts {
  readonly baseOffset: number;
  /** First offset after the segment. */
  readonly nextOffset: number;
  readonly bytes: number;
  readonly indexBytes: number;
  /** Timestamp of the first batch and largest of all, ms since the epoch; -1 for none, or not needed. */
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
}

/** The topic's compaction configs, by Kafka's names. */
export interface CompactionConfig {
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly deleteRetentionMs: number;
}

/** Kafka's defaults (TopicConfig). */
export const compactionDefaults: CompactionConfig = {
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 86_400_000,
};

/** A log seen at one moment. `segments`: all closed segments, oldest first; the active one is never compacted. */
export interface CompactionState {
  readonly segments: readonly SegmentFacts[];
  /** Offset up to which earlier passes have cleaned. */
  readonly firstDirtyOffset: number;
  /** Nothing at or above it may be touched: the last stable offset, or the high watermark. */
  readonly stableOffset: number;
  readonly nowMs: number;
}

/** What one pass is to do. */
export interface CompactionPlan {
  /** Segments of the pass, oldest first: the clean ones and the dirty ones up to `endOffset`. */
  readonly segments: readonly SegmentFacts[];
  readonly firstDirtyOffset: number;
  /** First offset that the pass leaves alone. */
  readonly endOffset: number;
  readonly dirtyRatio: number;
  readonly dirtyBytes: number;
  /** Why now: the dirty ratio was reached, or `max.compaction.lag.ms` has passed. */
  readonly reason: 'dirty-ratio' | 'max-lag';
}

/** The pass to run now, or null when there is nothing worth doing. */
export function planCompaction(
  state: CompactionState,
  config: CompactionConfig,
): CompactionPlan | null {
  const segments = cleanable(state, config);
  const last = segments.at(-1);
  if (last === undefined) return null;
  const firstDirtyOffset = Math.max(state.firstDirtyOffset, segments[0]?.baseOffset ?? 0);
  const dirty = segments.filter((segment) => segment.nextOffset > firstDirtyOffset);
  if (dirty.length === 0) return null;
  const dirtyBytes = sum(dirty.map((segment) => segment.bytes));
  const totalBytes = sum(segments.map((segment) => segment.bytes));
  const dirtyRatio = totalBytes === 0 ? 0 : dirtyBytes / totalBytes;
  const overdue = isOverdue(dirty, state.nowMs, config.maxCompactionLagMs);
  if (!overdue && (dirtyBytes === 0 || dirtyRatio < config.minCleanableDirtyRatio)) return null;
  return {
    segments,
    firstDirtyOffset,
    endOffset: last.nextOffset,
    dirtyRatio,
    dirtyBytes,
    reason: overdue ? 'max-lag' : 'dirty-ratio',
  };
}

/** The longest run of segments from the start that are stable and older than `min.compaction.lag.ms`. */
function cleanable(state: CompactionState, config: CompactionConfig): readonly SegmentFacts[] {
  const youngestMs = state.nowMs - config.minCompactionLagMs;
  const end = state.segments.findIndex(
    (segment) =>
      segment.nextOffset > state.stableOffset ||
      (config.minCompactionLagMs > 0 && segment.maxTimestamp > youngestMs),
  );
  return end < 0 ? state.segments : state.segments.slice(0, end);
}

/** Kafka goes by each dirty segment's first batch (KIP-354). */
function isOverdue(dirty: readonly SegmentFacts[], nowMs: number, maxLagMs: number): boolean {
  let oldest = Number.POSITIVE_INFINITY;
  for (const { firstTimestamp } of dirty) {
    if (firstTimestamp >= 0) oldest = Math.min(oldest, firstTimestamp);
  }
  return nowMs - oldest > maxLagMs;
}

/**
 * Neighbouring segments that are rewritten into one, so that compacted logs do not crumble into ever smaller files:
 * as many as stay within one segment's bytes, index bytes and 32-bit relative offsets.
 */
export function groupSegments(
  segments: readonly SegmentFacts[],
  limits: { readonly segmentBytes: number; readonly segmentIndexBytes: number },
): readonly (readonly SegmentFacts[])[] {
  const groups: SegmentFacts[][] = [];
  let group: SegmentFacts[] = [];
  let bytes = 0;
  let indexBytes = 0;
  for (const segment of segments) {
    const base = group[0]?.baseOffset ?? segment.baseOffset;
    const fits =
      bytes + segment.bytes <= limits.segmentBytes &&
      indexBytes + segment.indexBytes <= limits.segmentIndexBytes &&
      segment.nextOffset - 1 - base <= 0x7fff_ffff;
    if (group.length > 0 && !fits) {
      groups.push(group);
      group = [];
      bytes = 0;
      indexBytes = 0;
    }
    group.push(segment);
    bytes += segment.bytes;
    indexBytes += segment.indexBytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
