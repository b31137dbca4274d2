// Whether the program goes on with its records: what Kafka's max.poll.interval.ms is about. A loop has one record, or
// batch, in hand at a time; handlers that run side by side have one each, and a single one that hangs counts. Costs a
// counter per record of a loop, an object per record of such a handler; the clock is looked at with each heartbeat
// only.

import type { Clock } from '../../base/ports.ts';

/** A record that a handler is at work on; since when, as far as heartbeats saw it. */
export interface HandlerWork {
  seenMs: number | null;
}

export class Stuck {
  readonly #clock: Clock;
  #moves = 0;
  /** Whether the loop has nothing in hand. */
  #waiting = false;
  #seen = 0;
  #sinceMs = 0;
  /** What handlers side by side are at work on. */
  readonly #handled = new Set<HandlerWork>();
  #whenMoved: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The loop asked for a record, or got one. */
  moved(): void {
    this.#moves += 1;
    this.#waiting = false;
    if (this.#whenMoved.length > 0) this.#tell();
  }

  /** The loop has nothing in hand: it waits for records, or left them to handlers. */
  wait(): void {
    this.moved();
    this.#waiting = true;
  }

  /** A handler begins, beside others. */
  begin(): HandlerWork {
    const work = { seenMs: null };
    this.#handled.add(work);
    return work;
  }

  /** It is done, well or badly. */
  done(work: HandlerWork): void {
    this.#handled.delete(work);
    if (this.#whenMoved.length > 0) this.#tell();
  }

  /** For how long (ms) the same record has been in hand, as far as the last calls of this can tell; of the longest. */
  forMs(): number {
    const now = this.#clock.monotonic();
    if (this.#waiting || this.#moves !== this.#seen) {
      this.#seen = this.#moves;
      this.#sinceMs = now;
    }
    let sinceMs = this.#sinceMs;
    for (const work of this.#handled) {
      work.seenMs ??= now;
      sinceMs = Math.min(sinceMs, work.seenMs);
    }
    return now - sinceMs;
  }

  /** Resolves when everything that is in hand now is dealt with, or the signal is aborted. */
  end(signal: AbortSignal): Promise<void> {
    const moves = this.#moves;
    const handled = [...this.#handled];
    const goesOn = (): boolean =>
      (this.#waiting || this.#moves !== moves) && !handled.some((work) => this.#handled.has(work));
    return new Promise((resolve) => {
      const look = (): void => {
        if (!signal.aborted && !goesOn()) {
          this.#whenMoved.push(look);
          return;
        }
        signal.removeEventListener('abort', look);
        resolve();
      };
      signal.addEventListener('abort', look);
      look();
    });
  }

  #tell(): void {
    const waiting = this.#whenMoved;
    this.#whenMoved = [];
    for (const look of waiting) look();
  }
}
