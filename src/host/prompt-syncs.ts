// Whether a file may be synced on the event loop. Handing a sync to a thread of the pool and being woken by its end
// costs more than the sync itself where the disk takes a tenth of a millisecond for it (measured: a record a request at
// 1,000 a second 0.25 CPU ms a record with the pool, 0.18 here, half of the answers in 0.38 instead of 0.45 ms). A disk
// that takes longer would hold the loop up, so first the pool has to have shown how quick it is, and syncs here are
// given up for a while as soon as they are not.

/** More unsynced bytes than this go to the pool in any case. */
const BYTES_MAX = 256 * 1024;
/** A sync by the pool, with the way there and back, that lets expect a quick one here. */
const POOL_QUICK_MS = 0.8;
/** So many more of these than of others are wanted before one is done here. */
const QUICK_WANTED = 4;
/** The loop is held up for no longer than this on average; one that takes eight times as long is too slow by itself. */
const MEAN_MS_MAX = 0.4;
const MEAN_OVER = 8;
/** How long none is done here after that: twice as long each time in a row. */
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 10_000;

/** One for a disk. All times are monotonic. */
export class PromptSyncs {
  #quick = 0;
  #meanMs = 0;
  #notBeforeMs = 0;
  #pauseMs = PAUSE_MS_MIN;

  allows(unsyncedBytes: number, nowMs: number): boolean {
    return unsyncedBytes <= BYTES_MAX && this.#quick >= QUICK_WANTED && nowMs >= this.#notBeforeMs;
  }

  /** One that was not allowed has been done by the pool. */
  pooled(unsyncedBytes: number, startedMs: number, nowMs: number): void {
    if (unsyncedBytes > BYTES_MAX) return;
    if (nowMs - startedMs <= POOL_QUICK_MS) this.#quick = Math.min(QUICK_WANTED, this.#quick + 1);
    else this.#quick = Math.max(0, this.#quick - 1);
  }

  /** One that was allowed has been done. */
  done(startedMs: number, nowMs: number): void {
    this.#meanMs += (nowMs - startedMs - this.#meanMs) / MEAN_OVER;
    if (this.#meanMs <= MEAN_MS_MAX) {
      this.#pauseMs = PAUSE_MS_MIN;
      return;
    }
    this.#quick = 0;
    this.#meanMs = 0;
    this.#notBeforeMs = nowMs + this.#pauseMs;
    this.#pauseMs = Math.min(PAUSE_MS_MAX, this.#pauseMs * 2);
  }
}
