// Until when fetches wait. Nearly each is answered before its time is up, and a timer that is made and cancelled for
// each costs as much as reading the records. So those that wait equally long stand in a row, with one timer for the
// first; when that has gone, the timer still fires, and is set for whoever is first then.

import type { CancelTimer, Clock } from '../../base/ports.ts';

/** Who waits; all but `timeUp` is owned by {@link Deadlines}. */
export interface Waiter {
  /** Called once, unless it has left before. */
  timeUp(): void;
  untilMs: number;
  row: WaiterRow | null;
  before: Waiter | null;
  after: Waiter | null;
}

/** Those that wait equally long, in the order of their coming, which is that of their times. */
interface WaiterRow {
  readonly waitMs: number;
  first: Waiter | null;
  last: Waiter | null;
  cancelTimer: CancelTimer;
}

const nothing = (): void => {};

export class Deadlines {
  readonly #clock: Clock;
  readonly #rows = new Map<number, WaiterRow>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `waiter`, who is not waiting, is told when `waitMs` are over. */
  add(waiter: Waiter, waitMs: number): void {
    const row = this.#rows.get(waitMs) ?? this.#newRow(waitMs);
    waiter.untilMs = this.#clock.monotonic() + waitMs;
    waiter.row = row;
    waiter.before = row.last;
    if (row.last === null) row.first = waiter;
    else row.last.after = waiter;
    row.last = waiter;
  }

  /** The waiter leaves, if it waits. */
  remove(waiter: Waiter): void {
    const { row, before, after } = waiter;
    if (row === null) return;
    if (before === null) row.first = after;
    else before.after = after;
    if (after === null) row.last = before;
    else after.before = before;
    waiter.row = null;
    waiter.before = null;
    waiter.after = null;
  }

  /** Nobody is told any more. */
  close(): void {
    for (const row of this.#rows.values()) row.cancelTimer();
    this.#rows.clear();
  }

  #newRow(waitMs: number): WaiterRow {
    const row = { waitMs, first: null, last: null, cancelTimer: nothing };
    this.#rows.set(waitMs, row);
    this.#setTimer(row, waitMs);
    return row;
  }

  #setTimer(row: WaiterRow, delayMs: number): void {
    row.cancelTimer = this.#clock.setTimer(delayMs, () => this.#fire(row));
  }

  #fire(row: WaiterRow): void {
    const nowMs = this.#clock.monotonic();
    let { first } = row;
    for (; first !== null && first.untilMs <= nowMs; first = row.first) {
      this.remove(first);
      first.timeUp();
    }
    if (first === null) this.#rows.delete(row.waitMs);
    else this.#setTimer(row, first.untilMs - nowMs);
  }
}
