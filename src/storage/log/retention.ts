// Which segments may go: a pure plan (UnifiedLog.deleteOldSegments of Kafka).

import type { LogConfig } from '../contract.ts';

/** What the plan needs of a segment, oldest first. */
export interface SegmentFacts {
  readonly bytes: number;
  /** Largest timestamp of its records; the time of its last write where they carry none. */
  readonly newestMs: number;
  /** Where the next one begins, or the log ends. */
  readonly endOffset: number;
}

export interface RetentionState {
  readonly segments: readonly SegmentFacts[];
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly nowMs: number;
}

export type RetentionConfig = Pick<LogConfig, 'retentionMs' | 'retentionBytes' | 'cleanupDelete'>;

/**
 * How many segments go, from the oldest on. When that is all of them, the active one must be rolled first. Nothing
 * that readers have not been offered goes, and an empty active segment stays.
 */
export function segmentsToDelete(state: RetentionState, config: RetentionConfig): number {
  const { segments, startOffset, highWatermark } = state;
  let count = 0;
  let excess = retainedExcess(segments, config);
  for (const segment of segments) {
    const active = count === segments.length - 1;
    if (segment.endOffset > highWatermark || (active && segment.bytes === 0)) break;
    const below = !active && segment.endOffset <= startOffset;
    const tooLarge = excess - segment.bytes >= 0;
    if (!below && !tooLarge && !tooOld(segment, state.nowMs, config)) break;
    excess -= segment.bytes;
    count++;
  }
  return count;
}

/** Bytes above retention.bytes; below zero when there is room, or no limit. */
function retainedExcess(segments: readonly SegmentFacts[], config: RetentionConfig): number {
  if (!config.cleanupDelete || config.retentionBytes < 0) return Number.NEGATIVE_INFINITY;
  let total = 0;
  for (const segment of segments) total += segment.bytes;
  return total - config.retentionBytes;
}

function tooOld(segment: SegmentFacts, nowMs: number, config: RetentionConfig): boolean {
  if (!config.cleanupDelete || config.retentionMs < 0) return false;
  return nowMs - segment.newestMs > config.retentionMs;
}
