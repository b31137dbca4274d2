// Many named timers on one clock timer. Heartbeats push their timer back all the time, so moving one later must be
// cheap: only the map is touched, and the heap learns of it when the old due time comes.

import { type Due, popDue, pushDue } from '../base/due-heap.ts';
import type { CancelTimer, Clock } from '../base/ports.ts';

/** A timer that comes later than this tells of a process that stood still. */
const STALL_MS = 500;
/** After that, what others have sent meanwhile is heard before anything fires. */
const GRACE_MS = 1000;

interface Entry<E> {
  dueMs: number;
  /** Breaks ties in the order of scheduling, so that a run is repeatable. */
  order: number;
  event: E;
  /** Due time under which the heap holds this entry; later than `dueMs` never. */
  queuedMs: number;
}

interface Queued extends Due {
  readonly key: string;
}

/** Timers by key, each with an event as data. Times are the clock's monotonic milliseconds. */
export class TimerQueue<E> {
  readonly #clock: Clock;
  readonly #fire: (event: E) => void;
  readonly #entries = new Map<string, Entry<E>>();
  #heap: Queued[] = [];
  #order = 0;
  #wakeMs = Number.POSITIVE_INFINITY;
  #cancelWake: CancelTimer | null = null;

  constructor(clock: Clock, fire: (event: E) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Number of timers set. */
  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Sets or replaces the timer `key`. */
  schedule(key: string, delayMs: number, event: E): void {
    const dueMs = this.#clock.monotonic() + Math.max(0, delayMs);
    const order = this.#order++;
    const known = this.#entries.get(key);
    if (known !== undefined && known.queuedMs <= dueMs) {
      known.dueMs = dueMs;
      known.order = order;
      known.event = event;
      return;
    }
    this.#entries.set(key, { dueMs, order, event, queuedMs: dueMs });
    pushDue(this.#heap, { dueMs, order, key });
    this.#arm();
  }

  cancel(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets all timers. */
  clear(): void {
    this.#entries.clear();
    this.#heap = [];
    this.#cancelWake?.();
    this.#cancelWake = null;
    this.#wakeMs = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.dueMs >= this.#wakeMs) return;
    this.#cancelWake?.();
    this.#wakeMs = first.dueMs;
    const wake = (): void => {
      this.#cancelWake = null;
      this.#wakeMs = Number.POSITIVE_INFINITY;
      this.#run();
      this.#arm();
    };
    this.#cancelWake = this.#clock.setTimer(first.dueMs - this.#clock.monotonic(), () => {
      // Timers come before input: the heartbeats of a whole group may lie unread in the sockets.
      const stalled = this.#clock.monotonic() - first.dueMs > STALL_MS;
      if (stalled) this.#cancelWake = this.#clock.setTimer(GRACE_MS, wake);
      else wake();
    });
  }

  #run(): void {
    const nowMs = this.#clock.monotonic();
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > nowMs) return;
      popDue(this.#heap);
      const entry = this.#entries.get(first.key);
      // Cancelled, or replaced by one that has a place of its own.
      if (entry === undefined || entry.queuedMs !== first.dueMs) continue;
      if (entry.dueMs > nowMs) {
        entry.queuedMs = entry.dueMs;
        pushDue(this.#heap, { dueMs: entry.dueMs, order: entry.order, key: first.key });
        continue;
      }
      this.#entries.delete(first.key);
      this.#fire(entry.event);
    }
  }
}
