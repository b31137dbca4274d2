// The newest batches of a log, kept in memory so that readers who keep up cost no disk read. Bounded for each log and
// for all logs together; the log that has been quiet longest gives up its tail first. A log that nobody reads has none:
// copying single records and collecting the copies is a good part of what they cost, and a reader who comes finds them
// in the page cache.

import type { Ticket } from './ticket.ts';

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

interface Kept {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: number;
  readonly parts: readonly Buffer[];
}

/** Consecutive committed batches that end at the high watermark. */
export class Tail {
  readonly #budget: TailBudget;
  #kept: Kept[] = [];
  #first = 0;
  #bytes = 0;
  /** Added since somebody looked for something here. */
  #unreadBytes = 0;

  constructor(budget: TailBudget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds batches that were just committed. */
  add(tickets: readonly Ticket[]): void {
    if (this.#unreadBytes > this.#budget.bytesPerLogMax) {
      if (this.#bytes > 0) this.clear();
      return;
    }
    const before = this.#bytes;
    // One allocation for all that is copied: they are of one log, and go together.
    let copyBytes = 0;
    for (const ticket of tickets) if (isCopied(ticket)) copyBytes += ticket.bytes;
    const copies = copyBytes > 0 ? Buffer.allocUnsafeSlow(copyBytes) : null;
    let at = 0;
    for (const ticket of tickets) {
      if (copies !== null && isCopied(ticket)) {
        const end = at + ticket.bytes;
        for (const part of ticket.parts) at += part.copy(copies, at);
        this.#addOne(ticket, [copies.subarray(end - ticket.bytes, end)]);
      } else {
        this.#addOne(ticket, ticket.onLoan || isSparse(ticket) ? null : ticket.parts);
      }
      this.#unreadBytes += ticket.bytes;
    }
    while (this.#bytes > this.#budget.bytesPerLogMax) this.#dropFirst();
    this.#budget.changed(this, this.#bytes - before);
  }

  clear(): void {
    const before = this.#bytes;
    this.#kept = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#budget.changed(this, -before);
  }

  /**
   * Batches from the one that holds `offset`, below `limit`, at most `maxBytes` (but one in any case, if asked).
   * Null when the first one wanted is not here.
   */
  read(
    offset: number,
    limit: number,
    maxBytes: number,
    minOneBatch: boolean,
  ): { parts: Buffer[]; bytes: number } | null {
    this.#unreadBytes = 0;
    const start = this.#find(offset);
    if (start < 0) return null;
    const parts: Buffer[] = [];
    let bytes = 0;
    for (let index = start; index < this.#kept.length; index++) {
      const batch = this.#kept[index] as Kept;
      if (batch.lastOffset >= limit) break;
      if (bytes + batch.bytes > maxBytes && !(bytes === 0 && minOneBatch)) break;
      for (const part of batch.parts) parts.push(part);
      bytes += batch.bytes;
    }
    return { parts, bytes };
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

  #addOne(ticket: Ticket, parts: readonly Buffer[] | null): void {
    const last = this.#kept.at(-1);
    // A gap would make readers skip what lies in it.
    if (parts === null || (last !== undefined && last.lastOffset + 1 !== ticket.baseOffset)) {
      this.#kept = [];
      this.#first = 0;
      this.#bytes = 0;
    }
    if (parts === null) return;
    const { baseOffset, lastOffset, bytes } = ticket;
    this.#kept.push({ baseOffset, lastOffset, bytes, parts });
    this.#bytes += bytes;
  }

  #dropFirst(): void {
    this.#bytes -= (this.#kept[this.#first] as Kept).bytes;
    this.#first++;
    if (this.#first * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** Whether keeping the batch's own bytes would keep far more memory alive. */
function isSparse(ticket: Ticket): boolean {
  let held = 0;
  let previous: ArrayBufferLike | null = null;
  for (const part of ticket.parts) {
    if (part.buffer !== previous) held += part.buffer.byteLength;
    previous = part.buffer;
  }
  return held > ticket.bytes * 2;
}

function isCopied(ticket: Ticket): boolean {
  if (ticket.onLoan) return ticket.bytes <= COPY_LOAN_BYTES_MAX;
  return ticket.bytes <= COPY_BYTES_MAX && isSparse(ticket);
}
