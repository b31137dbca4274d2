// Reads the end of a log as a crash left it and decides, batch by batch, what it holds (DESIGN: below the mark a bad
// batch is corruption and skipped; above it the log ends at the first bad one). Changes nothing on the disk.

import type { DamagedRange } from '../contract.ts';
import { isWithin, overlaps } from '../damage/damaged-ranges.ts';
import { type Disk, DiskError, type DiskFile } from '../disk/disk.ts';
import type { CleanedSegments } from '../metadata/cleaned-segments.ts';
import { addEpoch, type EpochEntry } from '../metadata/leader-epochs.ts';
import { findNextInOrder, isSameBatch, scanInOrder } from '../scan/batch-order.ts';
import { withScanMemory } from '../scan/scan-memory.ts';
import { ScannedHeaders } from '../scan/scanned-headers.ts';
import { Segment, segmentName } from '../segment/segment.ts';
import { learnFirstTimestamp } from '../segment/segment-files.ts';
import { resumeByIndexes } from './recovery-prefix.ts';

/** A segment file as listed. */
export interface SegmentFile {
  readonly baseOffset: number;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** A segment as it is to be, and the bytes that it comes from. */
export interface Piece {
  readonly segment: Segment;
  /** The file and position its bytes are at now. */
  readonly origin: SegmentFile;
  readonly from: number;
}

/** Bytes that do not belong to the log any more. */
export interface Leftover {
  readonly origin: SegmentFile;
  readonly from: number;
  /** Whether they are an exact overlap with the next segment, which a rewrite left: nothing to keep. */
  readonly overlap: boolean;
}

export interface ScanPlan {
  readonly disk: Disk;
  readonly directory: string;
  /** Sorted; only those from the one that holds the recovery point on are scanned. */
  readonly files: readonly SegmentFile[];
  readonly recoveryOffset: number;
  readonly recoveryPosition: number;
  readonly startOffset: number;
  /** Committed end; infinity when unknown: then whatever is good counts. */
  readonly mark: number;
  /** A batch ends at the mark for sure; one may span a start offset that the mark was raised to. */
  readonly markIsBoundary: boolean;
  /** From here on, bytes are to be rewritten: a new piece begins. */
  readonly rewriteFrom: number;
  readonly intervalBytes: number;
  /** Offsets may be missing between good batches: the log is compacted. */
  readonly gapsAllowed: boolean;
  readonly wasCompacted: boolean;
  /** Null when not known. */
  readonly cleaned: CleanedSegments | null;
  /** Damage known from earlier: what of it is scanned counts by what is there now. */
  readonly damaged: readonly DamagedRange[];
}

export interface ScanOutcome {
  readonly pieces: Piece[];
  readonly endOffset: number;
  /** What was found now. */
  readonly damaged: readonly DamagedRange[];
  /** Of what was known: what was not looked at, and what is missing still for all that was read. */
  readonly kept: readonly DamagedRange[];
  readonly leftovers: Leftover[];
  /** The last piece ends in damage: appends go to a new segment. */
  readonly rollAtEnd: boolean;
  /** Leader epochs of the batches scanned: each change, with the offset it was seen at. */
  readonly epochs: readonly EpochEntry[];
  /** Where the scan began, in the first piece. */
  readonly begin: { readonly offset: number; readonly position: number };
  /** All batches of the files were scanned. */
  readonly whole: boolean;
  /** Of batches with a producer; null when there were too many. */
  readonly headers: ScannedHeaders | null;
}

export class RecoveryScan {
  readonly #plan: ScanPlan;
  readonly #pieces: Piece[] = [];
  readonly #damaged: DamagedRange[] = [];
  /** Known offsets that are missing, and of which none was read. */
  #missing: readonly DamagedRange[];
  readonly #leftovers: Leftover[] = [];
  #expected: number;
  #over = false;
  #rollAtEnd = false;
  readonly #epochs: EpochEntry[] = [];
  #begin = { offset: 0, position: 0 };
  #whole = false;
  #headers: ScannedHeaders | null = null;

  constructor(plan: ScanPlan) {
    this.#plan = plan;
    this.#expected = plan.recoveryOffset;
    this.#missing = plan.damaged.filter(({ bytes }) => bytes === 0);
  }

  async run(): Promise<ScanOutcome> {
    const { files, recoveryOffset } = this.#plan;
    let first = 0;
    while ((files[first + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) <= recoveryOffset) first++;
    for (let index = first; index < files.length; index++)
      await this.#scanFile(index, index === first);
    this.#reachMark();
    return {
      pieces: this.#pieces,
      endOffset: this.#expected,
      damaged: this.#damaged,
      kept: this.#kept(),
      leftovers: this.#leftovers,
      rollAtEnd: this.#rollAtEnd,
      epochs: this.#epochs,
      begin: this.#begin,
      whole: this.#whole,
      headers: this.#headers,
    };
  }

  /** Compaction's gaps hide what is missing from a scan: that stays until a batch of it is read. */
  #kept(): DamagedRange[] {
    const { position } = this.#begin;
    const base = this.#pieces[0]?.origin.baseOffset ?? Number.POSITIVE_INFINITY;
    return this.#plan.damaged.filter((range) => {
      const { segmentBaseOffset: at } = range;
      if (at < base || (at === base && range.position < position)) return true;
      return this.#missing.includes(range) && !this.#damaged.some((one) => isWithin(range, one));
    });
  }

  /** The committed end is never given out again, even when what was below it is gone. */
  #reachMark(): void {
    const { mark } = this.#plan;
    const last = this.#pieces.at(-1);
    if (!Number.isFinite(mark) || this.#expected >= mark || last === undefined) return;
    this.#addDamage(last, mark - 1, last.segment.size, 0);
    this.#expected = mark;
    this.#rollAtEnd = true;
  }

  async #scanFile(index: number, isFirst: boolean): Promise<void> {
    const origin = this.#plan.files[index] as SegmentFile;
    if (this.#over || (!isFirst && this.#missingBefore(origin.baseOffset))) {
      this.#over = true;
      this.#leftovers.push({ origin, from: 0, overlap: false });
      return;
    }
    const { disk, recoveryOffset } = this.#plan;
    const piece = this.#newPiece(origin, origin.baseOffset, 0);
    const file = await disk.open(piece.segment.logPath, 'read');
    try {
      let from = 0;
      if (isFirst && recoveryOffset > origin.baseOffset) {
        from = await this.#resume(piece, file);
      }
      if (from === 0) this.#beginAt(origin.baseOffset);
      if (index === 0) this.#whole = from === 0;
      if (isFirst) {
        this.#begin = { offset: this.#expected, position: from };
        this.#headers = new ScannedHeaders(this.#expected);
      }
      await withScanMemory((memory) => this.#walk(piece, file, { index, from, memory }));
    } finally {
      await file.close();
    }
  }

  /** Known to be missing, and read all the same. */
  #isThere(firstOffset: number, lastOffset: number): void {
    const batch = { firstOffset, lastOffset };
    this.#missing = this.#missing.filter((range) => !overlaps(range, batch));
  }

  #newPiece(origin: SegmentFile, baseOffset: number, from: number): Piece {
    const segment = Segment.scanned(this.#plan.directory, baseOffset, origin.modifiedMs);
    const piece = { segment, origin, from };
    this.#pieces.push(piece);
    return piece;
  }

  /** Whether the log ends before a file at `baseOffset`: offsets above the mark are missing, not by compaction. */
  #missingBefore(baseOffset: number): boolean {
    const { mark, gapsAllowed, cleaned, wasCompacted } = this.#plan;
    if (baseOffset <= this.#expected || baseOffset <= mark) return false;
    const last = this.#pieces.at(-1);
    // Without a mark the log may have come from elsewhere.
    if (last === undefined || mark === 0 || !gapsAllowed) return !gapsAllowed;
    if (cleaned === null) return !wasCompacted;
    return cleaned.accountsTo(last.origin, this.#expected) < baseOffset;
  }

  /** The next file begins at `baseOffset`: what is missing before it is damage, or the end. */
  #beginAt(baseOffset: number): void {
    const previous = this.#pieces.at(-2);
    if (previous === undefined) {
      this.#expected = baseOffset;
      return;
    }
    if (baseOffset > this.#expected && !this.#plan.gapsAllowed) {
      this.#addDamage(previous, baseOffset - 1, previous.segment.size, 0);
    }
    this.#expected = Math.max(this.#expected, baseOffset);
  }

  /** Passes what lies below the recovery point; 0 when nothing may be believed of it. */
  async #resume({ segment, origin }: Piece, file: DiskFile): Promise<number> {
    const { disk, recoveryOffset: offset, recoveryPosition: position, intervalBytes } = this.#plan;
    if (position > origin.bytes || position === 0) return 0;
    const place = { offset, position, intervalBytes };
    if (!(await resumeByIndexes(disk, segment, file, place))) return 0;
    await this.#learnBegin(file, segment);
    this.#expected = offset;
    return position;
  }

  /**
   * Indexes do not tell when a segment begins, and segment.ms counts from there. Nothing else needs those bytes: where
   * they cannot be read, what lies behind them is served all the same.
   */
  async #learnBegin(file: DiskFile, segment: Segment): Promise<void> {
    try {
      await learnFirstTimestamp(file, segment);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  async #walk(
    first: Piece,
    file: DiskFile,
    where: { readonly index: number; readonly from: number; readonly memory: Buffer },
  ): Promise<void> {
    const { files, mark, rewriteFrom, intervalBytes, gapsAllowed } = this.#plan;
    const next = files[where.index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY;
    const to = first.origin.bytes;
    const { memory } = where;
    let piece = first;
    let position = where.from;
    while (position < to) {
      let overlap = false;
      const expected = () => this.#expected;
      const result = await scanInOrder(
        { file, from: position, to, memory, expected, offsetLimit: next },
        (header, at, bytes) => {
          const { baseOffset, lastOffset, maxTimestamp } = header;
          if (baseOffset < this.#expected) return false;
          if (this.#crossesMark(baseOffset, lastOffset)) return false;
          overlap = baseOffset >= next;
          if (overlap) return false;
          if (piece.segment.baseOffset < rewriteFrom && baseOffset >= rewriteFrom) {
            // A batch never spans the mark; a gap before it keeps the base at what was expected.
            piece = this.#newPiece(first.origin, Math.max(this.#expected, rewriteFrom), at);
          }
          if (lastOffset >= next) return false;
          const missing = baseOffset > this.#expected && !gapsAllowed;
          if (missing && this.#expected >= mark) return false;
          if (missing) this.#addDamage(piece, baseOffset - 1, at - piece.from, 0);
          const { segment } = piece;
          if (this.#missing.length > 0) this.#isThere(baseOffset, lastOffset);
          segment.verified.add(segment.size, segment.size + bytes);
          segment.track({ baseOffset, lastOffset, bytes, maxTimestamp }, intervalBytes);
          this.#expected = lastOffset + 1;
          if (header.hasProducerId && this.#headers?.add(header) === false) this.#headers = null;
          addEpoch(this.#epochs, header);
          return true;
        },
      );
      position = result.position;
      if (result.end === 'end') return;
      if (overlap && (await this.#isInNext(file, position, next))) {
        this.#leftovers.push({ origin: first.origin, from: position, overlap: true });
        return;
      }
      position = await this.#passBad(piece, file, { position, to, next });
    }
  }

  /**
   * Whether the base offset must be wrong: a batch never spans the mark, and none is missing on both sides of it. One
   * at the mark is doubted where it fits exactly into the room that is left before it.
   */
  #crossesMark(baseOffset: number, lastOffset: number): boolean {
    const { mark, markIsBoundary } = this.#plan;
    const room = mark - this.#expected;
    if (!markIsBoundary || room <= 0 || lastOffset < mark) return false;
    return baseOffset !== mark || lastOffset - baseOffset + 1 === room;
  }

  /** Whether the batch is the first of the next file, which a rewrite has made of this one's end. */
  async #isInNext(file: DiskFile, position: number, next: number): Promise<boolean> {
    const { disk, directory } = this.#plan;
    const other = await disk.open(`${directory}/${segmentName(next)}.log`, 'read');
    try {
      return await isSameBatch({ file, position }, { file: other, position: 0 });
    } finally {
      await other.close();
    }
  }

  /** What happens at a batch that is not good. Answers where the walk goes on; `to` when it does not. */
  async #passBad(
    piece: Piece,
    file: DiskFile,
    where: { readonly position: number; readonly to: number; readonly next: number },
  ): Promise<number> {
    const { mark, markIsBoundary } = this.#plan;
    const { position, to, next } = where;
    const relative = position - piece.from;
    const below = this.#expected < mark;
    if (!below) {
      this.#leftovers.push({ origin: piece.origin, from: position, overlap: false });
      this.#over = true;
      return to;
    }
    const found = await findNextInOrder({
      file,
      from: position + 1,
      to,
      offsetMin: this.#expected,
      offsetLimit: Math.min(next, this.#expected + 0x7fff_ffff, mark + 1),
      boundary: markIsBoundary ? Math.min(next, mark) : next,
    });
    if (found !== null) {
      this.#addDamage(piece, found.baseOffset - 1, relative, found.position - position);
      piece.segment.pass(found.position - position);
      this.#expected = found.baseOffset;
      return found.position;
    }
    if (Number.isFinite(next)) {
      // The next segment goes on behind it.
      this.#addDamage(piece, Math.min(next, mark) - 1, relative, to - position);
      piece.segment.pass(to - position);
      this.#expected = Math.min(next, mark);
      return to;
    }
    if (!Number.isFinite(mark)) {
      this.#leftovers.push({ origin: piece.origin, from: position, overlap: false });
      this.#over = true;
      return to;
    }
    this.#addDamage(piece, mark - 1, relative, to - position);
    piece.segment.pass(to - position);
    this.#expected = mark;
    this.#rollAtEnd = true;
    return to;
  }

  #addDamage(piece: Piece, lastOffset: number, position: number, bytes: number): void {
    // What was deleted is not lost.
    const { startOffset } = this.#plan;
    if (this.#expected < startOffset && lastOffset < startOffset) return;
    const firstOffset = this.#expected;
    const segmentBaseOffset = piece.segment.baseOffset;
    this.#damaged.push({ firstOffset, lastOffset, segmentBaseOffset, position, bytes });
  }
}
