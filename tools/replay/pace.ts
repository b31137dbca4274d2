// How fast a replay may go: records and bytes a second by a bucket that holds one second's worth, or the records' own
// timestamps.

import type { Clock } from '../../src/base/ports.ts';
import type { Pace } from './types.ts';

/** Waits shorter than this are saved up. */
const WAIT_MIN_MS = 2;

/** Says how long to wait before a record may go. */
export class Pacer {
  readonly #clock: Clock;
  readonly #pace: Pace;
  /** When the next record may go, by the clock's monotonic time. */
  #nextMs: number;
  #first: { readonly timestamp: number; readonly atMs: number } | null = null;

  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
    this.#nextMs = clock.monotonic();
  }

  /** Milliseconds to wait before this record, or these; they count as gone. */
  take(bytes: number, timestamp: number, records = 1): number {
    const { recordsPerSecond, bytesPerSecond, speed } = this.#pace;
    const nowMs = this.#clock.monotonic();
    // What was not used within a second is lost: no burst after a pause.
    this.#nextMs = Math.max(this.#nextMs, nowMs - 1000);
    let costMs = 0;
    if (recordsPerSecond !== null) costMs = (1000 * records) / recordsPerSecond;
    if (bytesPerSecond !== null) costMs = Math.max(costMs, (1000 * bytes) / bytesPerSecond);
    let dueMs = this.#nextMs;
    this.#nextMs += costMs;
    // A record without a time is none to go by.
    if (speed !== null && timestamp >= 0) {
      this.#first ??= { timestamp, atMs: nowMs };
      dueMs = Math.max(dueMs, this.#first.atMs + (timestamp - this.#first.timestamp) / speed);
    }
    const waitMs = dueMs - nowMs;
    return waitMs < WAIT_MIN_MS ? 0 : waitMs;
  }

  /** After a pause: the records' own times go on from here. */
  restart(): void {
    this.#first = null;
    this.#nextMs = this.#clock.monotonic();
  }
}
