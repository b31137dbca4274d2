// What inspection says about a data directory: one finding for each thing that is not as it should be.

import type { AbortedTransaction } from '../storage/index.ts';

/**
 * - `info`: worth knowing, nothing to do
 * - `warning`: odd, or left over; every record is there
 * - `damage`: a file is wrong, yet every record is there; what is wrong can be made anew
 * - `loss`: records are gone
 */
export type Severity = 'info' | 'warning' | 'damage' | 'loss';

export const severities: readonly Severity[] = ['info', 'warning', 'damage', 'loss'];

/** Names of what can be found. Stable: programs match on them. */
export type FindingCode =
  | 'bad_batch'
  | 'torn_tail'
  | 'offsets_missing'
  | 'offsets_fall'
  | 'epoch_falls'
  | 'bad_counts'
  | 'bad_records'
  | 'index_missing'
  | 'index_wrong'
  | 'time_index_missing'
  | 'time_index_wrong'
  | 'transaction_index_wrong'
  | 'snapshot_unreadable'
  | 'epochs_unreadable'
  | 'epochs_wrong'
  | 'below_mark_missing'
  | 'set_aside'
  | 'catalogue_damaged'
  | 'partition_missing'
  | 'partition_unknown'
  | 'metadata_unreadable'
  | 'stale_file'
  | 'unknown_file'
  | 'unreadable_file'
  | 'unclean_stop';

/** Offsets, both ends inclusive. */
export interface OffsetRange {
  readonly first: number;
  readonly last: number;
}

/** What `--repair` would do about a finding. Paths are relative to the data directory. */
export type RepairStep =
  /** Make the segment's index files anew from its log. */
  | { readonly kind: 'rebuild-indexes'; readonly path: string }
  /**
   * Copy these bytes into the quarantine and note them in the log's list of damaged ranges, so that readers skip them
   * from the next start on; then as `rebuild-indexes`. `bytes` is 0 for offsets that are not in the file at all.
   */
  | {
      readonly kind: 'set-aside-range';
      readonly path: string;
      readonly segmentBaseOffset: number;
      readonly position: number;
      readonly bytes: number;
      readonly offsets: OffsetRange | null;
    }
  /** Write a `.txnindex` with these transactions. */
  | {
      readonly kind: 'write-transaction-index';
      readonly path: string;
      readonly transactions: readonly AbortedTransaction[];
    }
  /** Write a `leader-epoch-checkpoint` with these entries. */
  | {
      readonly kind: 'write-epochs';
      readonly path: string;
      readonly entries: readonly { readonly epoch: number; readonly startOffset: number }[];
    }
  /** Write the topic id into a partition's directory. */
  | { readonly kind: 'write-topic-id'; readonly path: string; readonly topicId: string }
  /** Move a whole file into the quarantine; the next start makes it anew. */
  | { readonly kind: 'set-aside-file'; readonly path: string }
  /** Delete a file that an interrupted step left over and nothing reads. */
  | { readonly kind: 'remove-file'; readonly path: string };

/** One thing that is not as it should be. */
export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  /** Of the file or directory, relative to the data directory. */
  readonly path: string;
  /** First byte concerned; null where the whole file is. */
  readonly position: number | null;
  readonly bytes: number | null;
  /** Offsets concerned; null where none are. */
  readonly offsets: OffsetRange | null;
  /** A sentence for people. */
  readonly what: string;
  /** Null where there is nothing to repair, or nothing that could be. */
  readonly repair: RepairStep | null;
}

/** What a finding needs; the rest is null. */
export type FindingFields = Pick<Finding, 'severity' | 'code' | 'path' | 'what'> & Partial<Finding>;

export function finding(fields: FindingFields): Finding {
  return { position: null, bytes: null, offsets: null, repair: null, ...fields };
}

/** Whether a finding means that the data is not whole: the exit code of `verify` follows it. */
export function isFault(item: Finding): boolean {
  return item.severity === 'damage' || item.severity === 'loss';
}

/** "offset 7", "offsets 7 to 9". */
export function offsetWords(range: OffsetRange): string {
  return range.first === range.last
    ? `offset ${range.first}`
    : `offsets ${range.first} to ${range.last}`;
}
