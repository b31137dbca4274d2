// The offsets of one log. They change by the steps of a batch's life alone: it is placed, written, durable, committed,
// and falls below the start one day. No step gets ahead of the one before it:
//   start <= high watermark <= written end <= end, and durable end <= written end.
// A step that would is refused with an AssertionError, and changes nothing.

import { AssertionError } from '../../base/errors.ts';
import type { LogBounds } from '../contract.ts';

/** Where a log begins and ends, as opening or recovering its directory finds. */
export interface FoundOffsets {
  readonly startOffset: number;
  readonly endOffset: number;
}

export class LogOffsets implements LogBounds {
  #start: number;
  #watermark: number;
  #durable: number;
  #written: number;
  #end: number;

  /** All that was found is written, durable and committed. */
  constructor({ startOffset, endOffset }: FoundOffsets) {
    this.#start = startOffset;
    this.#watermark = endOffset;
    this.#durable = endOffset;
    this.#written = endOffset;
    this.#end = endOffset;
    if (startOffset > endOffset) throw this.#broken('found');
  }

  get startOffset(): number {
    return this.#start;
  }

  /** Readers may see everything below. With the `os` policy more than is durable. */
  get highWatermark(): number {
    return this.#watermark;
  }

  /** Everything below is durable: in synced segment files or in a synced journal. */
  get durableEnd(): number {
    return this.#durable;
  }

  /** Everything below is in the files (page cache at least). */
  get writtenEnd(): number {
    return this.#written;
  }

  /** Next offset to be given out. */
  get endOffset(): number {
    return this.#end;
  }

  /** Offsets up to and including `last` are given out. Nothing is checked here: this comes with every batch. */
  placed(last: number): void {
    this.#end = last + 1;
  }

  /** Everything below `end` is in the files. */
  written(end: number): void {
    if (end <= this.#written || end > this.#end) throw this.#broken(`written up to ${end}`);
    this.#written = end;
  }

  /** Everything below `end` is durable, if it was not before. */
  durable(end: number): void {
    if (end <= this.#durable) return;
    if (end > this.#written) throw this.#broken(`durable up to ${end}`);
    this.#durable = end;
  }

  /** Readers may see everything below `offset`; false when they might before. */
  commit(offset: number): boolean {
    if (offset <= this.#watermark) return false;
    if (offset > this.#written) throw this.#broken(`committed up to ${offset}`);
    this.#watermark = offset;
    return true;
  }

  /** Nothing below `offset` is there any more; false when that was so before. */
  raiseStart(offset: number): boolean {
    if (offset <= this.#start) return false;
    if (offset > this.#watermark) throw this.#broken(`start raised to ${offset}`);
    this.#start = offset;
    return true;
  }

  /** The log goes on with what was found, all of which is written and durable. What of it is new is to be committed. */
  restart({ startOffset, endOffset }: FoundOffsets): void {
    const start = Math.max(this.#start, startOffset);
    if (start > endOffset) throw this.#broken(`found ${startOffset} to ${endOffset}`);
    this.#start = start;
    // With the `os` policy readers may have seen what the disk then lost.
    this.#watermark = Math.min(this.#watermark, endOffset);
    this.#durable = endOffset;
    this.#written = endOffset;
    this.#end = endOffset;
  }

  /**
   * A failed log shows what was found. Only what readers go by moves: a restart is told how far it had come when it
   * failed.
   */
  show({ startOffset, endOffset }: FoundOffsets): void {
    const start = Math.max(this.#start, startOffset);
    const watermark = Math.min(this.#watermark, endOffset);
    if (start > watermark) throw this.#broken(`shown ${startOffset} to ${endOffset}`);
    this.#start = start;
    this.#watermark = watermark;
  }

  #broken(what: string): AssertionError {
    const [start, watermark, durable] = [this.#start, this.#watermark, this.#durable];
    return new AssertionError(
      `${what}, with start ${start}, high watermark ${watermark}, durable end ${durable}, ` +
        `written end ${this.#written} and end ${this.#end}`,
    );
  }
}
