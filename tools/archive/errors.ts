// Failures of an archive that have nothing to do with the cluster.

import { TidemarkError } from '../../src/base/errors.ts';

export type ArchiveErrorCode =
  /** It cannot be opened, read or written; the message has the path. */
  | 'archive_unusable'
  /** It is something else, or of a later version. */
  | 'not_an_archive'
  /** Bytes are wrong or missing; the message has the place. */
  | 'archive_damaged'
  /** It has no end: its export was interrupted. */
  | 'archive_unfinished'
  /** A line of text is no record; the message has line and column. */
  | 'invalid_line'
  /** The offsets cannot be restored; the message says why, and what can be done. */
  | 'offsets_impossible'
  /** The topic holds other records than the archive's. */
  | 'topic_not_empty'
  /** The topic refused a batch. */
  | 'target_refused'
  /** Retention took what was not exported yet. */
  | 'source_cut'
  | 'invalid_archive_request';

/** What an export, import or verification stops with. */
export class ArchiveError extends TidemarkError<ArchiveErrorCode> {}
