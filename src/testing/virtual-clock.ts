// Virtual time: one queue of events ordered by (due time, order of arrival). Nothing happens until a test
// advances the clock, so a run of days takes milliseconds and happens the same way each time.

import { type Due, popDue, pushDue } from '../base/due-heap.ts';
import type { CancelTimer, Clock } from '../base/ports.ts';

interface Event extends Due {
  fire: (() => void) | null;
}

// Taken at import, so that a test framework's fake timers cannot freeze the clock.
const nextTurn = setImmediate;

/** Lets every promise callback that is ready run, and those that they make ready. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    nextTurn(resolve);
  });
}

/** A {@link Clock} whose time moves only by {@link VirtualClock.advance} and its kin. */
export class VirtualClock implements Clock {
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #heap: Event[] = [];

  /** `startMs`: wall-clock time at the start, milliseconds since the epoch. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs;
  }

  now(): number {
    return Math.floor(this.#wallOffsetMs + this.#elapsedMs);
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    const event: Event = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      fire,
    };
    pushDue(this.#heap, event);
    return () => {
      event.fire = null;
    };
  }

  defer(fire: () => void): void {
    this.setTimer(0, fire);
  }

  /** Makes the wall clock jump by `deltaMs`, either way; timers and `monotonic` do not notice. */
  jump(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs;
  }

  /** Moves time on by `ms`, firing what falls due, in order. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settle();
    while (this.#fireNext(endMs)) await settle();
    this.#elapsedMs = endMs;
    await settle();
  }

  /**
   * Moves from event to event until `promise` settles, and answers as it does. Throws when no event is left or
   * `limitMs` of virtual time has passed: the promise would never settle.
   */
  async until<T>(promise: Promise<T>, limitMs = 24 * 3_600_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const endMs = this.#elapsedMs + limitMs;
    await settle();
    while (!settled) {
      if (!this.#fireNext(endMs)) {
        throw new Error(`the promise did not settle in ${limitMs} ms of virtual time`);
      }
      await settle();
    }
    return promise;
  }

  /** Events waiting, cancelled ones left out. */
  pending(): number {
    return this.#heap.filter((event) => event.fire !== null).length;
  }

  #fireNext(endMs: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > endMs) return false;
      popDue(this.#heap);
      if (first.fire === null) continue;
      this.#elapsedMs = Math.max(this.#elapsedMs, first.dueMs);
      first.fire();
      return true;
    }
  }
}
