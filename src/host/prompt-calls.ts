// Whether calls to the disk may happen on the event loop. A write to the page cache is a copy: 1 MiB takes 0.2 ms,
// about as long as handing it to a thread and back costs a small one, and the bytes that were just received and checked
// are still in this core's cache (measured: 0.2 CPU s/GB here, 0.55 in a thread of the pool). But a disk that is behind
// makes callers wait, and then the loop must not: one slow call sends the next ones to the pool for a while.

export interface PromptLimits {
  /** Longer ones go to the pool in any case. */
  readonly bytesMax: number;
  /** A call that takes longer was made to wait. */
  readonly slowMs: number;
  /** How long the pool is used then: twice as long each time in a row. */
  readonly pauseMs: number;
}

/** For what producers wait for. */
export const writeLimits: PromptLimits = { bytesMax: 4 * 1024 * 1024, slowMs: 5, pauseMs: 100 };

/** The pool is not used longer for one slow call. */
const PAUSE_MS_MAX = 10_000;

export class PromptCalls {
  readonly #limits: PromptLimits;
  #notBeforeMs = 0;
  #pauseMs: number;

  constructor(limits: PromptLimits) {
    this.#limits = limits;
    this.#pauseMs = limits.pauseMs;
  }

  /** `nowMs` is monotonic. */
  allows(bytes: number, nowMs: number): boolean {
    return bytes <= this.#limits.bytesMax && nowMs >= this.#notBeforeMs;
  }

  /** A call that was allowed has been made. */
  done(startedMs: number, nowMs: number): void {
    if (nowMs - startedMs < this.#limits.slowMs) {
      this.#pauseMs = this.#limits.pauseMs;
      return;
    }
    this.#notBeforeMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(PAUSE_MS_MAX, this.#pauseMs * 2);
  }
}
