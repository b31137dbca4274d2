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
   * Up to this offset the files may be read and believed: the high watermark, or less after a sync that failed, since
   * the page cache drops at any time what counts as written. What is committed behind it, through the journal, is there
   * after a reopening. Every answer ends here, or is refused.
   */
  readonly readableEnd: number;
  /** Held by readers from choosing a segment until its file is open; compaction exchanges files behind it. */
  readonly latch: Pick<ReaderLatch, 'free' | 'shared'>;
  readonly nextPlaces: NextPlaces;
  readonly epochs: Pick<LeaderEpochs, 'epochFor'>;
  /** Oldest first. */
  readonly segments: readonly Segment[];
  readonly damaged: readonly DamagedRange[];
  /** Those of `damaged` that were met in this run, or looked at again. */
  readonly provenDamage: Pick<WeakSet<DamagedRange>, 'has' | 'add'>;
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
  /** Bytes of the segment that lie below the readable end. */
  readableBytes(segment: Segment): number;
  /** Throws KAFKA_STORAGE_ERROR when what is committed at `offset` lies behind the readable end. */
  assertReadable(offset: number): void;
  /**
   * A read of a segment up to the byte `end`, which says below what offset that is if somebody may ask which
   * transactions were aborted in it: as Kafka, below the first entry of the index behind it, or the segment's end.
   */
  bounded(segment: Segment, end: number, read: LogRead): LogRead;
  /** Takes damage into the list. */
  addDamage(range: DamagedRange): void;
  /** Puts what is left of a range of the list in its place; false when it is not in the list any more. */
  replaceDamage(range: DamagedRange, left: readonly DamagedRange[]): boolean;
}
