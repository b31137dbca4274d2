// The newest batches of a log, kept in memory so that readers who keep up cost no disk read. Bounded for each log and
// for all logs together; the log that has been quiet longest gives up its tail first. A log that nobody reads has none:
// copying single records and collecting the copies is a good part of what they cost, and a reader who comes finds them
// in the page cache.

import type { LogRead } from '../contract.ts';

/** A batch that fills less than half of the memory it keeps alive is copied when it is at most this long. */
const COPY_BYTES_MAX = 16 * 1024;
/** So is one whose memory is used again; longer ones cost more to copy and collect than to read from the page cache. */
const COPY_LOAN_BYTES_MAX = 8 * 1024;

/** Memory that all tails together may hold. */
export class TailBudget {
  readonly bytesMax: number;
  readonly bytesPerLogMax: number;
  #bytes = 0;
  /** In order of last use. */
  readonly #tails = new Set<Tail>();

  constructor(bytesMax: number, bytesPerLogMax: number) {
    this.bytesMax = bytesMax;
    this.bytesPerLogMax = bytesPerLogMax;
  }

  changed(tail: Tail, byBytes: number): void {
    this.#bytes += byBytes;
    this.#tails.delete(tail);
    if (tail.bytes > 0) this.#tails.add(tail);
    for (const oldest of this.#tails) {
      if (this.#bytes <= this.bytesMax) break;
      oldest.clear();
    }
  }
}

/** A batch that was just committed. */
export interface CommittedBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: number;
  readonly parts: readonly Buffer[];
  /** Whether the memory of the parts is used again afterwards. */
  readonly onLoan: boolean;
}

/** Memory that copies go to, one after the other: the first piece of a log and the longest. */
const PIECE_BYTES_MIN = 2 * 1024;
const PIECE_BYTES_MAX = 64 * 1024;

/** A piece of memory with copies of consecutive batches; it is never written a second time. */
interface Piece {
  readonly memory: Buffer;
  used: number;
  /** Batches in it that are still kept. */
  batches: number;
}

interface Kept {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: number;
  /** Where the copy is; null: the batch is kept in the memory that it came in. */
  readonly piece: Piece | null;
  readonly position: number;
  readonly parts: readonly Buffer[];
}

const noParts: readonly Buffer[] = [];

/** Consecutive committed batches that end at the high watermark. */
export class Tail {
  readonly #budget: TailBudget;
  #kept: Kept[] = [];
  #first = 0;
  #bytes = 0;
  /** Added since somebody looked for something here. */
  #unreadBytes = 0;
  /** What the next copy goes to, if it fits. */
  #piece: Piece | null = null;

  constructor(budget: TailBudget) {
    this.#budget = budget;
  }

  /** Memory that is held: pieces count as a whole. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds batches that were just committed. */
  add(batches: readonly CommittedBatch[]): void {
    if (this.#unreadBytes > this.#budget.bytesPerLogMax) {
      if (this.#bytes > 0) this.clear();
      return;
    }
    const before = this.#bytes;
    for (const batch of batches) {
      this.#addOne(batch);
      this.#unreadBytes += batch.bytes;
    }
    while (this.#bytes > this.#budget.bytesPerLogMax) this.#dropFirst();
    this.#budget.changed(this, this.#bytes - before);
  }

  clear(): void {
    const before = this.#bytes;
    this.#forgetAll();
    this.#budget.changed(this, -before);
  }

  /**
   * Batches from the one that holds `offset`, below `limit`, at most `maxBytes` (but one in any case, if asked). Copies
   * that lie in a row come as one part. Null when the first one wanted is not here.
   */
  read(offset: number, limit: number, maxBytes: number, minOneBatch: boolean): LogRead | null {
    this.#unreadBytes = 0;
    const start = this.#find(offset);
    if (start < 0) return null;
    let end = start;
    let bytes = 0;
    for (; end < this.#kept.length; end++) {
      const batch = this.#kept[end] as Kept;
      if (batch.lastOffset >= limit) break;
      if (bytes + batch.bytes > maxBytes && !(bytes === 0 && minOneBatch)) break;
      bytes += batch.bytes;
    }
    return { records: this.#partsOf(start, end), byteLength: bytes };
  }

  #partsOf(start: number, end: number): Buffer[] {
    const parts: Buffer[] = [];
    for (let index = start; index < end; ) {
      const { piece, position, parts: own } = this.#kept[index] as Kept;
      if (piece === null) {
        for (const part of own) parts.push(part);
        index++;
        continue;
      }
      let bytes = 0;
      for (let next = this.#kept[index]; index < end && next?.piece === piece; ) {
        bytes += next.bytes;
        next = this.#kept[++index];
      }
      parts.push(piece.memory.subarray(position, position + bytes));
    }
    return parts;
  }

  #find(offset: number): number {
    const kept = this.#kept;
    if (this.#first >= kept.length || offset < (kept[this.#first] as Kept).baseOffset) return -1;
    let low = this.#first;
    let high = kept.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((kept[middle] as Kept).lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return (kept[low] as Kept).lastOffset < offset ? -1 : low;
  }

  #addOne(batch: CommittedBatch): void {
    const { baseOffset, lastOffset, bytes } = batch;
    const last = this.#kept.at(-1);
    // A gap would make readers skip what lies in it.
    if (last !== undefined && last.lastOffset + 1 !== baseOffset) this.#forgetAll();
    if (isCopied(batch)) {
      const piece = this.#pieceFor(bytes);
      const position = piece.used;
      for (const part of batch.parts) piece.used += part.copy(piece.memory, piece.used);
      piece.batches++;
      this.#kept.push({ baseOffset, lastOffset, bytes, piece, position, parts: noParts });
    } else if (batch.onLoan || isSparse(batch)) {
      this.#forgetAll();
    } else {
      const { parts } = batch;
      this.#kept.push({ baseOffset, lastOffset, bytes, piece: null, position: 0, parts });
      this.#bytes += bytes;
    }
  }

  /** The open piece, or a new one that is twice as long as the one before: quiet logs hold little. */
  #pieceFor(bytes: number): Piece {
    const open = this.#piece;
    if (open !== null && open.used + bytes <= open.memory.length) return open;
    const usual =
      open === null ? PIECE_BYTES_MIN : Math.min(PIECE_BYTES_MAX, open.memory.length * 2);
    const memory = Buffer.allocUnsafeSlow(Math.max(bytes, usual));
    this.#bytes += memory.length;
    this.#piece = { memory, used: 0, batches: 0 };
    return this.#piece;
  }

  #forgetAll(): void {
    this.#kept = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#piece = null;
  }

  #dropFirst(): void {
    const { piece, bytes } = this.#kept[this.#first] as Kept;
    if (piece === null) this.#bytes -= bytes;
    else if (--piece.batches === 0) {
      this.#bytes -= piece.memory.length;
      if (piece === this.#piece) this.#piece = null;
    }
    this.#first++;
    if (this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** Whether keeping the batch's own bytes would keep far more memory alive. */
function isSparse(batch: CommittedBatch): boolean {
  let held = 0;
  let previous: ArrayBufferLike | null = null;
  for (const part of batch.parts) {
    if (part.buffer !== previous) held += part.buffer.byteLength;
    previous = part.buffer;
  }
  return held > batch.bytes * 2;
}

function isCopied(batch: CommittedBatch): boolean {
  if (batch.onLoan) return batch.bytes <= COPY_LOAN_BYTES_MAX;
  return batch.bytes <= COPY_BYTES_MAX && isSparse(batch);
}
