// What is handed over when a log is opened: by a clean start, a recovery or a reopening, to the log (log-core.ts).

import type { FoundOffsets } from './log/log-offsets.ts';
import type { FoundSegments } from './log/segment-list.ts';
import type { LeaderEpochs } from './metadata/leader-epochs.ts';
import type { ScannedHeaders } from './scan/scanned-headers.ts';
import type { Segment } from './segment/segment.ts';
import type { AbortedTransactions } from './segment/transaction-index.ts';

/** A place in the log up to which the segment files themselves are synced. */
export interface SyncedPlace {
  readonly offset: number;
  readonly segment: Segment;
  readonly position: number;
}

/** What opening or recovering a log's directory finds. */
export interface LogContents extends FoundOffsets, FoundSegments {
  readonly epochs: LeaderEpochs;
  /** Up to here the files may be believed: the end, or less where they are shown and could not be put in order. */
  readonly believedEnd: number;
  /** What Kafka had rolled back in a log that was taken over from it; null for nothing. */
  readonly aborted: AbortedTransactions | null;
  /** From where the next start has to scan; null: from the end. */
  readonly recovery: SyncedPlace | null;
  /** What a recovery read of producers' batches; null where it read none, or too many. */
  readonly scanned: ScannedHeaders | null;
}
