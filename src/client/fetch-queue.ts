// What was read ahead and waits to be taken, with the bytes that it keeps in memory.

import type { FetchedRecords } from './fetched-records.ts';

interface Waiting<Owner> {
  readonly owner: Owner;
  readonly fetched: FetchedRecords;
}

/** First in, first out. `Owner` is what {@link FetchQueue.drop} takes out. */
export class FetchQueue<Owner> {
  #waiting: Waiting<Owner>[] = [];
  #taken = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#taken === this.#waiting.length;
  }

  /** Bytes of all that waits. */
  get bytes(): number {
    return this.#bytes;
  }

  push(owner: Owner, fetched: FetchedRecords): void {
    this.#waiting.push({ owner, fetched });
    this.#bytes += fetched.sizeBytes;
  }

  take(): FetchedRecords | null {
    const next = this.#waiting[this.#taken];
    if (next === undefined) return null;
    this.#taken += 1;
    this.#bytes -= next.fetched.sizeBytes;
    if (this.isEmpty) {
      this.#waiting = [];
      this.#taken = 0;
    }
    return next.fetched;
  }

  drop(owner: Owner): void {
    this.#waiting = this.#waiting.slice(this.#taken).filter((one) => one.owner !== owner);
    this.#taken = 0;
    this.#bytes = this.#waiting.reduce((sum, { fetched }) => sum + fetched.sizeBytes, 0);
  }
}
