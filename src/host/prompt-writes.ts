// Whether writes to files may happen on the event loop. A write to the page cache is a copy of bytes that are still in
// this core's cache, and costs less there than in a thread (decision 15). But a disk that is behind makes writers wait,
// and then the loop must not: one slow write sends the next ones to the pool for a while.

/** Longer writes go to the pool in any case. */
const BYTES_MAX = 4 * 1024 * 1024;
/** A write that takes longer was made to wait. */
const SLOW_MS = 5;
/** How long the pool is used then: twice as long each time in a row. */
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 10_000;

export class PromptWrites {
  #notBeforeMs = 0;
  #pauseMs = PAUSE_MS_MIN;

  /** `nowMs` is monotonic. */
  allows(bytes: number, nowMs: number): boolean {
    return bytes <= BYTES_MAX && nowMs >= this.#notBeforeMs;
  }

  /** A write that was allowed has been done. */
  done(startedMs: number, nowMs: number): void {
    if (nowMs - startedMs < SLOW_MS) {
      this.#pauseMs = PAUSE_MS_MIN;
      return;
    }
    this.#notBeforeMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(PAUSE_MS_MAX, this.#pauseMs * 2);
  }
}
