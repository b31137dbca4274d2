// How the segments of a log join, and what the damage inside them means: bytes below the durable mark are a loss, those
// above it are what a crash leaves. Pure.

import {
  type CleanedSegments,
  type DamagedRange,
  type Mark,
  segmentName,
} from '../storage/index.ts';
import type { BadStretch } from './check-log.ts';
import type { SegmentReport } from './check-segment.ts';
import { type Finding, finding, type OffsetRange, offsetWords } from './finding.ts';

export interface JoinInput {
  readonly directory: string;
  readonly bases: readonly number[];
  readonly reports: readonly SegmentReport[];
  /** Stretches that are known to be bad and skipped already. */
  readonly damaged: readonly DamagedRange[];
  /** What compaction noted of the segments that it left; null where it is not known. */
  readonly cleaned: CleanedSegments | null;
  readonly mark: Mark | null;
  readonly live: boolean;
  readonly topic: { readonly compacted: boolean } | null;
}

export interface Joined {
  readonly findings: readonly Finding[];
  readonly lostOffsets: number;
}

export function joinSegments(input: JoinInput): Joined {
  return new Join(input).run();
}

class Join {
  readonly #input: JoinInput;
  readonly #findings: Finding[] = [];
  #lostOffsets = 0;

  constructor(input: JoinInput) {
    this.#input = input;
  }

  run(): Joined {
    const { reports } = this.#input;
    this.#begin();
    for (const [index, report] of reports.entries()) {
      const next = reports[index + 1];
      for (const stretch of report.bad) this.#stretch(report, stretch, next);
      if (this.#gapsAreLosses) for (const gap of report.gaps) this.#gap(report, gap);
      const untold = report.gapCount - report.gaps.length;
      if (untold > 0 && this.#gapsAreLosses) this.#manyGaps(report, untold);
      const tailIsBad = report.bad.at(-1)?.nextOffset === null;
      if (next !== undefined && !tailIsBad) this.#between(report, next);
    }
    this.#end();
    return { findings: this.#findings, lostOffsets: this.#lostOffsets };
  }

  /** Compares the beginning of the log with what was noted when it was closed. */
  #begin(): void {
    const { mark, bases, damaged, directory } = this.#input;
    const first = bases[0];
    // Retention takes segments first and notes it after: only a clean stop has the last word.
    if (first === undefined || mark === null || !mark.clean || first <= mark.startOffset) return;
    const offsets = { first: mark.startOffset, last: first - 1 };
    const path = `${directory}/${segmentName(mark.startOffset)}.log`;
    const known = damaged.find(
      (r) => r.firstOffset <= offsets.first && r.lastOffset >= offsets.last,
    );
    if (known !== undefined) {
      this.#setAside(path, known);
      return;
    }
    this.#lostOffsets += offsets.last - offsets.first + 1;
    const what = `the log begins at offset ${first}, ${offsetWords(offsets)} are missing`;
    const segmentBaseOffset = mark.startOffset;
    const nowhere = { path, segmentBaseOffset, position: 0, bytes: 0 };
    const repair = { kind: 'set-aside-range', ...nowhere, offsets } as const;
    const fields = { severity: 'loss', code: 'offsets_missing', path, offsets } as const;
    this.#findings.push(finding({ ...fields, what, repair }));
  }

  /** A file that is gone or cut where a batch ends shows only by the offsets that nothing accounts for. */
  #between(report: SegmentReport, next: SegmentReport): void {
    const { cleaned } = this.#input;
    if (cleaned === null && !this.#gapsAreLosses) return;
    const { baseOffset, size, endOffset } = report;
    const first = cleaned?.accountsTo({ baseOffset, bytes: size }, endOffset) ?? endOffset;
    if (next.baseOffset > first) this.#gap(report, { first, last: next.baseOffset - 1 });
  }

  get #gapsAreLosses(): boolean {
    const { topic } = this.#input;
    return topic !== null && !topic.compacted;
  }

  #stretch(report: SegmentReport, stretch: BadStretch, next: SegmentReport | undefined): void {
    const { mark } = this.#input;
    const { expectedOffset: first, nextOffset } = stretch;
    if (nextOffset === null && next === undefined && this.#isTail(first)) {
      if (!this.#isKnown(report, stretch, null)) this.#tornTail(report, stretch);
      return;
    }
    const end = nextOffset ?? next?.baseOffset ?? mark?.mark ?? first;
    const lost = end > first ? { first, last: end - 1 } : null;
    if (this.#isKnown(report, stretch, lost)) return;
    const { path, baseOffset } = report;
    const { position, bytes, reason } = stretch;
    const repair = {
      kind: 'set-aside-range',
      path,
      segmentBaseOffset: baseOffset,
      position,
      bytes,
      offsets: lost,
    } as const;
    if (lost === null) {
      const what = `${bytes} bytes are no batch (${reason}); no offset is missing`;
      const fields = { severity: 'damage', code: 'bad_batch', path, position, bytes } as const;
      this.#findings.push(finding({ ...fields, what, repair }));
      return;
    }
    this.#lostOffsets += lost.last - lost.first + 1;
    const what = `${reason}; ${bytes} bytes cannot be read, ${offsetWords(lost)} are lost`;
    const fields = { severity: 'loss', code: 'bad_batch', path, position, bytes } as const;
    this.#findings.push(finding({ ...fields, offsets: lost, what, repair }));
  }

  /** Whether bad bytes at the end of the log from `offset` on hold nothing that was committed. */
  #isTail(offset: number): boolean {
    const { mark, live } = this.#input;
    return live || mark === null || offset >= mark.mark;
  }

  #tornTail(report: SegmentReport, stretch: BadStretch): void {
    const { mark, live } = this.#input;
    const { path } = report;
    const { position, bytes, reason, zeros } = stretch;
    const at = { code: 'torn_tail', path, position, bytes } as const;
    if (live) {
      const what = 'the end of the log is being written';
      this.#findings.push(finding({ ...at, severity: 'info', what }));
    } else if (mark !== null || zeros) {
      const words = mark === null ? 'zeros, as preallocation leaves them' : reason;
      const what = `the log ends in ${bytes} bytes that were not committed (${words}); a start sets them aside`;
      this.#findings.push(finding({ ...at, severity: mark === null ? 'info' : 'warning', what }));
    } else {
      const unknown = 'nothing tells how far it was committed';
      const what = `the log ends in ${bytes} bytes that are no batch (${reason}); ${unknown}`;
      const repair = {
        kind: 'set-aside-range',
        path,
        segmentBaseOffset: report.baseOffset,
        position,
        bytes,
        offsets: null,
      } as const;
      this.#findings.push(finding({ ...at, severity: 'damage', what, repair }));
    }
  }

  #gap(report: SegmentReport, gap: OffsetRange): void {
    const { path, baseOffset } = report;
    const known = this.#input.damaged.find(
      (range) => range.firstOffset <= gap.first && range.lastOffset >= gap.last,
    );
    if (known !== undefined) {
      this.#setAside(path, known);
      return;
    }
    this.#lostOffsets += gap.last - gap.first + 1;
    const what = `${offsetWords(gap)} are missing between two good batches`;
    const repair = {
      kind: 'set-aside-range',
      path,
      segmentBaseOffset: baseOffset,
      position: report.size,
      bytes: 0,
      offsets: gap,
    } as const;
    const fields = { severity: 'loss', code: 'offsets_missing', path, offsets: gap } as const;
    this.#findings.push(finding({ ...fields, what, repair }));
  }

  #manyGaps({ path }: SegmentReport, count: number): void {
    const what = `offsets are missing in ${count} more places`;
    this.#findings.push(finding({ severity: 'loss', code: 'offsets_missing', path, what }));
  }

  #isKnown(report: SegmentReport, stretch: BadStretch, lost: OffsetRange | null): boolean {
    const known = this.#input.damaged.find(
      (range) =>
        range.segmentBaseOffset === report.baseOffset &&
        range.position <= stretch.position &&
        range.position + range.bytes >= stretch.position + stretch.bytes &&
        (lost === null || (range.firstOffset <= lost.first && range.lastOffset >= lost.last)),
    );
    if (known !== undefined) this.#setAside(report.path, known);
    return known !== undefined;
  }

  #setAside(path: string, range: DamagedRange): void {
    const { firstOffset, lastOffset, position, bytes } = range;
    const offsets = lastOffset < firstOffset ? null : { first: firstOffset, last: lastOffset };
    const words = offsets === null ? 'bytes without offsets' : offsetWords(offsets);
    const what = `${words}: found damaged earlier, set aside and skipped`;
    const fields = { severity: 'info', code: 'set_aside', path, position, bytes } as const;
    this.#findings.push(finding({ ...fields, offsets, what }));
  }

  /** Compares the end of the log with what was committed. */
  #end(): void {
    const { mark, live, reports, damaged, directory } = this.#input;
    if (mark === null || live) return;
    const last = reports.at(-1);
    const end = last?.endOffset ?? mark.startOffset;
    const tail = last?.bad.at(-1);
    // Bad bytes at the end have been told with the offsets that they held.
    if (end >= mark.mark || tail?.nextOffset === null) return;
    if (damaged.some((range) => range.firstOffset <= end && range.lastOffset >= mark.mark - 1))
      return;
    const offsets = { first: Math.max(end, mark.startOffset), last: mark.mark - 1 };
    if (offsets.first > offsets.last) return;
    this.#lostOffsets += offsets.last - offsets.first + 1;
    const path = last?.path ?? directory;
    const where = `the log ends at offset ${end}, but was committed up to ${mark.mark}`;
    const what = `${where}: ${offsetWords(offsets)} are lost`;
    const repair =
      last === undefined
        ? null
        : ({
            kind: 'set-aside-range',
            path,
            segmentBaseOffset: last.baseOffset,
            position: last.size,
            bytes: 0,
            offsets,
          } as const);
    const fields = { severity: 'loss', code: 'below_mark_missing', path, offsets, what } as const;
    this.#findings.push(finding({ ...fields, repair }));
  }
}
