// Whether the program goes on with its records: what Kafka's max.poll.interval.ms is about. Costs a counter per record;
// the clock is looked at with each heartbeat only.

import type { Clock } from '../../base/ports.ts';

export class Stuck {
  readonly #clock: Clock;
  #moves = 0;
  /** Whether the program waits for us, and has nothing at work. */
  #waiting = false;
  #seen = 0;
  #sinceMs = 0;
  #whenMoved: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A record was asked for, or dealt with. `busy`: others are at work still. */
  moved(busy = true): void {
    this.#moves += 1;
    this.#waiting = !busy;
    if (this.#whenMoved.length > 0) this.#tell();
  }

  /** The program waits for records. */
  wait(): void {
    this.moved(false);
  }

  /** How long nothing moved, as far as the last calls of this can tell. */
  forMs(): number {
    const now = this.#clock.monotonic();
    if (this.#waiting || this.#moves !== this.#seen) {
      this.#seen = this.#moves;
      this.#sinceMs = now;
    }
    return now - this.#sinceMs;
  }

  /** Resolves when it goes on, or the signal is aborted. */
  end(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#whenMoved.push(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #tell(): void {
    const waiting = this.#whenMoved;
    this.#whenMoved = [];
    for (const resolve of waiting) resolve();
  }
}
