// What readers see of one open log. Nothing of it can be changed from here, but that damage which was met is noted.

import type { Mutex } from '../base/mutex.ts';
import type { DamagedRange, LogBounds, LogConfig, LogRead, LogState } from './contract.ts';
import type { CleanedSegments } from './metadata/cleaned-segments.ts';
import type { LeaderEpochs } from './metadata/leader-epochs.ts';
import type { NextPlaces } from './reading/next-places.ts';
import type { ReaderLatch } from './reading/reader-latch.ts';
import type { Segment } from './segment/segment.ts';
import type { StoreContext } from './store-context.ts';

export interface LogView extends LogBounds {
  readonly context: StoreContext;
  readonly name: string;
  readonly config: LogConfig;
  readonly state: LogState;
  /** Why nothing is written or synced any more: the log has failed, or it is deleted. */
  readonly failure: Error | null;
  /**
   * After a sync that failed: from this offset on the files alone may not be believed, since the page cache drops at
   * any time what counts as written. What of it is committed, through the journal, is there after a reopening.
   */
  readonly doubtedFrom: number;
  /** Held by readers from choosing a segment until its file is open; compaction exchanges files behind it. */
  readonly latch: Pick<ReaderLatch, 'free' | 'shared'>;
  readonly nextPlaces: NextPlaces;
  readonly epochs: Pick<LeaderEpochs, 'epochFor'>;
  /** Oldest first. */
  readonly segments: readonly Segment[];
  readonly damaged: readonly DamagedRange[];
  /** What compaction left of segments; null when that is not known. */
  readonly cleaned: CleanedSegments | null;
  /** Writes of the list of damage, one after the other. */
  readonly damageLane: Mutex;
  /** Whether offsets may be missing between two good batches. */
  readonly gapsAllowed: boolean;
  /** Whether a gap between two segments may be compaction's, for all that is known. */
  readonly gapsUnknown: boolean;

  /** Index of the segment that holds `offset`; 0 for an offset below all. */
  segmentIndexFor(offset: number): number;
  /** Whether the segment is of the log: it may have been dropped or exchanged, or the log been opened anew. */
  holds(segment: Segment): boolean;
  /** The offset at which the segment ends: the next one's base, or the log's end. */
  endOf(segment: Segment): number;
  /** Bytes of the segment that readers may see. */
  readableBytes(segment: Segment): number;
  /**
   * A read of a segment up to the byte `end`, which says below what offset that is if somebody may ask which
   * transactions were aborted in it: as Kafka, below the first entry of the index behind it, or the segment's end.
   */
  bounded(segment: Segment, end: number, read: LogRead): LogRead;
  /** Takes damage into the list. */
  addDamage(range: DamagedRange): void;
}
