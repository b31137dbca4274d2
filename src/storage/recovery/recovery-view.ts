// Opens a log's directory to be read from alone: when the disk refuses what a recovery has to write.

import type { DamagedRange } from '../contract.ts';
import { loadDamage } from '../damage/damage-file.ts';
import type { LogContents } from '../log-contents.ts';
import { CleanedSegments } from '../metadata/cleaned-segments.ts';
import { Segment } from '../segment/segment.ts';
import { AbortedTransactions } from '../segment/transaction-index.ts';
import {
  damageWithin,
  listSegments,
  type OpenDirectory,
  recoveredEpochs,
  scanDirectory,
  wholeSegment,
} from './recovery-files.ts';
import type { Piece, ScanOutcome } from './recovery-scan.ts';

/**
 * What is below the mark, read only: for when `openDirectory` cannot write what it must. Nothing on the disk is
 * changed (but for a swap of compacted segments, which has to be finished first). What would be rewritten is not
 * believed: the page cache may show it today and drop it tomorrow. Throws DiskError.
 */
export async function openForReading(options: OpenDirectory): Promise<LogContents> {
  const { disk, name, mark, recoveryOffset, recoveryPosition, clock } = options;
  const { files, transactions } = await listSegments(options, false);
  const known = await loadDamage(disk, name);
  const cleaned = await CleanedSegments.load(disk, name);
  const aborted = await AbortedTransactions.load(options, transactions);
  const segments: Segment[] = [];
  let damaged: readonly DamagedRange[] = known;
  const believedEnd = Math.min(mark, Math.max(options.rewriteFrom, options.startOffset));
  let scanned: Pick<ScanOutcome, 'epochs' | 'whole'> = { epochs: [], whole: false };
  if (files.length > 0) {
    const told = { damaged: known, cleaned };
    const scan = { ...options, mark: believedEnd, rewriteFrom: believedEnd };
    const outcome = await scanDirectory(scan, files, told);
    const scannedFrom = (outcome.pieces[0] as Piece).segment.baseOffset;
    for (const file of files) {
      if (file.baseOffset < scannedFrom) segments.push(wholeSegment(name, file));
    }
    for (const { segment, origin } of outcome.pieces) {
      if (segment.baseOffset !== origin.baseOffset || segment.baseOffset >= believedEnd) continue;
      segment.settled();
      segments.push(segment);
    }
    damaged = [...outcome.kept, ...outcome.damaged];
    scanned = outcome;
  }
  // Nothing is ever written to it.
  segments.push(new Segment(name, believedEnd, clock.now()));
  const { epochs } = await recoveredEpochs(options, segments, scanned);
  epochs.truncateEnd(mark);
  const first = (segments[0] as Segment).baseOffset;
  const holder = segments.findLast((segment) => segment.baseOffset <= recoveryOffset);
  const segment = holder ?? (segments[0] as Segment);
  return {
    segments,
    startOffset: Math.min(mark, Math.max(options.startOffset, first)),
    endOffset: mark,
    believedEnd,
    damaged: damageWithin(damaged, segments, believedEnd),
    epochs,
    cleaned,
    aborted,
    recovery: { offset: recoveryOffset, segment, position: recoveryPosition },
    scanned: null,
  };
}
