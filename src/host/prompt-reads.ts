// Whether reads may happen on the event loop: while a start is waited for. It opens and reads some ten small files for
// each log, most of them in the page cache, where a call takes 5 µs; handing each to a thread and back costs 50 µs of
// processor time (100 logs: 180 ms of CPU time before, 45 so). The loop has its turn every few milliseconds, and a call
// that had to wait for the disk sends the next ones to the pool for a while, where many wait at once.

import { nodeClock } from './node-clock.ts';
import { PromptCalls } from './prompt-calls.ts';

/** Longer reads go to the pool. */
const BYTES_MAX = 64 * 1024;
/** A call that takes longer was made to wait. */
const SLOW_MS = 2;
const PAUSE_MS = 10;
/** In one turn of the event loop; the pool does what comes after that. */
const TURN_MS = 5;

export class PromptReads {
  readonly #calls = new PromptCalls({ bytesMax: BYTES_MAX, slowMs: SLOW_MS, pauseMs: PAUSE_MS });
  #starting = false;
  #turnEndsMs: number | null = null;

  /** From now on reads may be prompt, until {@link end}. */
  begin(): void {
    this.#starting = true;
  }

  end(): void {
    this.#starting = false;
  }

  /** `nowMs` is monotonic. */
  allows(bytes: number, nowMs: number): boolean {
    if (!this.#starting || !this.#calls.allows(bytes, nowMs)) return false;
    if (this.#turnEndsMs === null) {
      this.#turnEndsMs = nowMs + TURN_MS;
      nodeClock.defer(() => {
        this.#turnEndsMs = null;
      });
    }
    return nowMs < this.#turnEndsMs;
  }

  /** A call that was allowed has been made. */
  done(startedMs: number, nowMs: number): void {
    this.#calls.done(startedMs, nowMs);
  }
}
