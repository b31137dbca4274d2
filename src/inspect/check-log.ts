// Reads one `.log` file from end to end: every batch's frame, checksum and offsets, and after damage on from the next
// good batch. Memory does not grow with the file.

import { readInt64 } from '../base/int64.ts';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  type BatchHeader,
  LOG_OVERHEAD,
  MAGIC_V2,
  RecordError,
  readRecords,
} from '../record/index.ts';
import { type DiskFile, findNextBatch, scanBatches } from '../storage/index.ts';
import { type Finding, finding, type OffsetRange } from './finding.ts';

/** Gaps and faults of single batches that are kept one by one; beyond, they are only counted. */
const KEPT_MAX = 1000;
/** Offsets in index files are 32 bits wide, so no segment spans more. */
const RELATIVE_OFFSET_MAX = 0x7fff_ffff;
const WRONG_JUMP = 'its base offset is beyond that of the next batch';

/** A good batch as the walk passes it. */
export interface SeenBatch {
  readonly position: number;
  readonly bytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
  /** Valid during the call only; the whole batch lies in its buffer. */
  readonly header: BatchHeader;
}

/** Looks on as batches pass, in file order. */
export interface BatchObserver {
  batch(batch: SeenBatch): void;
}

/** Bytes that are no good batch. */
export interface BadStretch {
  readonly position: number;
  readonly bytes: number;
  readonly reason: string;
  /** First offset that may have been there. */
  readonly expectedOffset: number;
  /** Base offset of the next good batch; null when none follows in this file. */
  readonly nextOffset: number | null;
  /** Nothing but zeros, as preallocation or a crash leaves them. */
  readonly zeros: boolean;
}

/** What a log file holds. */
export interface LogReport {
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  /** Base offset of the first good batch; null for none. */
  readonly firstOffset: number | null;
  /** What the next batch would begin with. */
  readonly endOffset: number;
  readonly maxTimestamp: number;
  readonly bad: readonly BadStretch[];
  /** Offsets inside the file that no batch covers, as compaction leaves them; at most 1,000 kept. */
  readonly gaps: readonly OffsetRange[];
  readonly gapCount: number;
  /** What is wrong with single batches that can still be read. */
  readonly findings: readonly Finding[];
}

export interface CheckLogOptions {
  readonly file: DiskFile;
  /** For findings. */
  readonly path: string;
  readonly baseOffset: number;
  /** Base offset of the next segment, which no offset here may reach. */
  readonly offsetLimit: number;
  /** Bytes to look at. */
  readonly size: number;
  /** Decode the records too; codecs must be prepared. */
  readonly deep: boolean;
  readonly observers: readonly BatchObserver[];
  /** Bytes read since the last call. */
  readonly onProgress: (bytes: number) => void;
}

/** Reads the file. Throws DiskError when the disk refuses. */
export function checkLog(options: CheckLogOptions): Promise<LogReport> {
  return new LogCheck(options).run();
}

class LogCheck {
  readonly #options: CheckLogOptions;
  readonly #bad: BadStretch[] = [];
  readonly #gaps: OffsetRange[] = [];
  readonly #findings: Finding[] = [];
  #gapCount = 0;
  #batches = 0;
  #records = 0;
  #bytes = 0;
  #firstOffset: number | null = null;
  #expected: number;
  #maxTimestamp = -1;
  #epoch = -1;
  /** Why the walk stopped at a batch whose checksum is right. */
  #stopReason = '';
  #stopBytes = 0;
  #stopNext = 0;
  /** Where a jump was looked at and found right. */
  #jumpAt = -1;
  #reported = 0;

  constructor(options: CheckLogOptions) {
    this.#options = options;
    this.#expected = options.baseOffset;
  }

  async run(): Promise<LogReport> {
    const { file, size: to } = this.#options;
    let from = 0;
    while (from < to) {
      const result = await scanBatches({ file, from, to, depth: 'checked' }, (header, at, bytes) =>
        this.#visit(header, at, bytes),
      );
      if (result.end === 'end') break;
      const { position, end } = result;
      // A jump whose next batch was not in memory yet.
      if (end === 'stopped' && this.#stopReason === '') {
        if (await this.#lookBehind(position)) this.#stopReason = WRONG_JUMP;
        else {
          this.#jumpAt = position;
          from = position;
          continue;
        }
      }
      from = await this.#stepOver(position, end === 'stopped');
    }
    this.#progress(to);
    return {
      batches: this.#batches,
      records: this.#records,
      bytes: this.#bytes,
      firstOffset: this.#firstOffset,
      endOffset: this.#expected,
      maxTimestamp: this.#maxTimestamp,
      bad: this.#bad,
      gaps: this.#gaps,
      gapCount: this.#gapCount,
      findings: this.#findings,
    };
  }

  #visit(header: BatchHeader, position: number, bytes: number): boolean {
    const { baseOffset, lastOffset } = header;
    if (baseOffset < this.#expected) {
      return this.#stopAt(
        `its base offset ${baseOffset} falls below ${this.#expected}`,
        header,
        bytes,
      );
    }
    const { offsetLimit } = this.#options;
    if (lastOffset >= offsetLimit || lastOffset > this.#options.baseOffset + RELATIVE_OFFSET_MAX) {
      const reason = `its last offset ${lastOffset} is beyond what this file may hold`;
      return this.#stopAt(reason, header, bytes);
    }
    if (baseOffset > this.#expected && position !== this.#jumpAt) {
      const wrong = this.#jumpIsWrong(header, position, bytes);
      if (wrong === null) return this.#stopAt('', header, bytes);
      if (wrong) return this.#stopAt(WRONG_JUMP, header, bytes);
    }
    if (baseOffset > this.#expected) this.#addGap(this.#expected, baseOffset - 1);
    this.#count(header, position, bytes);
    const { maxTimestamp } = header;
    const seen = { position, bytes, baseOffset, lastOffset, maxTimestamp, header };
    for (const observer of this.#options.observers) observer.batch(seen);
    this.#checkInside(header, position, bytes);
    this.#progress(position);
    return true;
  }

  #count(header: BatchHeader, _position: number, bytes: number): void {
    this.#batches++;
    this.#records += header.recordCount;
    this.#bytes += bytes;
    this.#firstOffset ??= header.baseOffset;
    this.#expected = header.nextOffset;
    if (header.maxTimestamp > this.#maxTimestamp) this.#maxTimestamp = header.maxTimestamp;
  }

  #stopAt(reason: string, header: BatchHeader, bytes: number): false {
    this.#stopReason = reason;
    this.#stopBytes = bytes;
    this.#stopNext = header.nextOffset;
    return false;
  }

  /**
   * Whether a batch that jumps ahead carries a wrong base offset, which no checksum covers: the batch after it does
   * not follow. Null when that one is not in memory.
   */
  #jumpIsWrong(header: BatchHeader, position: number, bytes: number): boolean | null {
    const after = header.position + bytes;
    if (position + bytes + BATCH_HEADER_BYTES > this.#options.size) return false;
    if (after + BATCH_HEADER_BYTES > header.buffer.length) return null;
    return this.#overlaps(header.buffer, after, header.nextOffset);
  }

  /** Whether the batch header at `at` has its place before `nextOffset`, where it should go on. */
  #overlaps(buffer: Buffer, at: number, nextOffset: number): boolean {
    if (buffer.readInt8(at + BatchField.magic) !== MAGIC_V2) return false;
    const next = readInt64(buffer, at);
    return next > this.#expected && next < nextOffset;
  }

  /** Looks at the batch after one that jumps, in the file. Answers whether the jump is a fault. */
  async #lookBehind(position: number): Promise<boolean> {
    const { file } = this.#options;
    const head = Buffer.alloc(BATCH_HEADER_BYTES);
    if ((await file.read(head, position + this.#stopBytes)) < head.length) return false;
    return this.#overlaps(head, 0, this.#stopNext);
  }

  /** Notes what is bad at `position`; answers where the next good batch begins, or the end. */
  async #stepOver(position: number, stopped: boolean): Promise<number> {
    const { file, size: to, offsetLimit } = this.#options;
    const reason = stopped ? this.#stopReason : await whyBad(file, position, to);
    const from = position + (stopped ? this.#stopBytes : 1);
    const offsetMin = this.#expected;
    const next = await findNextBatch({ file, from, to, offsetMin, offsetLimit });
    const end = next?.position ?? to;
    this.#addBad({
      position,
      bytes: end - position,
      reason,
      expectedOffset: this.#expected,
      nextOffset: next?.baseOffset ?? null,
      zeros: !stopped && (await onlyZeros(file, position, end)),
    });
    if (next !== null) this.#expected = next.baseOffset;
    this.#progress(end);
    return end;
  }

  #addBad(stretch: BadStretch): void {
    const last = this.#bad.at(-1);
    if (last === undefined || last.position + last.bytes !== stretch.position) {
      this.#bad.push(stretch);
      return;
    }
    const bytes = last.bytes + stretch.bytes;
    const { nextOffset } = stretch;
    this.#bad[this.#bad.length - 1] = { ...last, bytes, nextOffset, zeros: false };
  }

  #addGap(first: number, last: number): void {
    this.#gapCount++;
    if (this.#gaps.length < KEPT_MAX) this.#gaps.push({ first, last });
  }

  /** What the checksum does not tell. */
  #checkInside(header: BatchHeader, position: number, bytes: number): void {
    const { recordCount, lastOffsetDelta, partitionLeaderEpoch: epoch } = header;
    if (epoch < this.#epoch) {
      const what = `the leader epoch falls from ${this.#epoch} to ${epoch}`;
      this.#note('warning', 'epoch_falls', what, { header, position, bytes });
    } else this.#epoch = epoch;
    if (recordCount > lastOffsetDelta + 1) {
      const what = `a batch states ${recordCount} records in ${lastOffsetDelta + 1} offsets`;
      this.#note('warning', 'bad_counts', what, { header, position, bytes });
    }
    if (!this.#options.deep) return;
    const problem = recordsProblem(header, bytes);
    if (problem === null) return;
    const what = `the records of a batch with a good checksum cannot be read: ${problem}`;
    this.#note('warning', 'bad_records', what, { header, position, bytes });
  }

  #note(
    severity: Finding['severity'],
    code: Finding['code'],
    what: string,
    at: { readonly header: BatchHeader; readonly position: number; readonly bytes: number },
  ): void {
    if (this.#findings.length >= KEPT_MAX) return;
    const { header, position, bytes } = at;
    const offsets = { first: header.baseOffset, last: header.lastOffset };
    const { path } = this.#options;
    this.#findings.push(finding({ severity, code, path, position, bytes, offsets, what }));
  }

  /** Tells of progress once a mebibyte. */
  #progress(position: number): void {
    const passed = position - this.#reported;
    if (passed <= 0 || (passed < 1024 * 1024 && position < this.#options.size)) return;
    this.#reported = position;
    this.#options.onProgress(passed);
  }
}

/** Why the records of a batch cannot be read; null when they can. */
export function recordsProblem(header: BatchHeader, bytes: number): string | null {
  const batch = header.buffer.subarray(header.position, header.position + bytes);
  try {
    let previous = header.baseOffset - 1;
    for (const record of readRecords(batch)) {
      if (record.offset <= previous) return `offset ${record.offset} follows ${previous}`;
      previous = record.offset;
    }
    return null;
  } catch (error) {
    // A codec that is not installed is no fault of the data.
    return error instanceof RecordError ? error.message : null;
  }
}

/** In words, what makes the bytes at `position` no batch. */
export async function whyBad(file: DiskFile, position: number, to: number): Promise<string> {
  const head = Buffer.alloc(Math.min(BATCH_HEADER_BYTES, to - position));
  const count = await file.read(head, position);
  if (count < BATCH_HEADER_BYTES) return `a batch header is cut off after ${count} bytes`;
  if (head.every((byte) => byte === 0)) return 'zeros where a batch should begin';
  const magic = head.readInt8(BatchField.magic);
  if (magic !== MAGIC_V2) return `message format ${magic} where 2 is expected`;
  const size = head.readInt32BE(BatchField.batchLength) + LOG_OVERHEAD;
  if (size < BATCH_HEADER_BYTES) return `a batch length of ${size} bytes`;
  if (size > to - position) return `a batch of ${size} bytes with ${to - position} bytes left`;
  if (head.readInt32BE(BatchField.recordCount) < 0) return 'a negative record count';
  if (head.readInt32BE(BatchField.lastOffsetDelta) < 0) return 'a negative offset delta';
  if (!(readInt64(head, BatchField.baseOffset) >= 0)) return 'a base offset that no log has';
  return 'the checksum of a batch is wrong';
}

async function onlyZeros(file: DiskFile, position: number, end: number): Promise<boolean> {
  const chunk = Buffer.alloc(Math.min(64 * 1024, end - position));
  for (let at = position; at < end; ) {
    const count = await file.read(chunk.subarray(0, Math.min(chunk.length, end - at)), at);
    if (count === 0 || !chunk.subarray(0, count).every((byte) => byte === 0)) return false;
    at += count;
  }
  return true;
}
