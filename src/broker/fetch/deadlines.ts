// Until when fetches wait. Nearly each is answered before its time is up, and a timer that is made and cancelled for
// each costs as much as reading the records. So those that wait equally long stand in a row, with one timer for the
// first; when that has gone, the timer still fires, and is set for whoever is first then. Peers say how long they wait:
// of the lengths that nobody waits at the moment only some keep their timers.

import type { CancelTimer, Clock } from '../../base/ports.ts';
import { type Linked, Row } from '../../base/row.ts';

/** Who waits; all but `timeUp` is owned by {@link Deadlines}. */
export interface Waiter extends Linked<Waiter> {
  /** Called once, unless it has left before. */
  timeUp(): void;
  untilMs: number;
  row: WaiterRow | null;
}

/** Those that wait equally long, in the order of their coming, which is that of their times. */
interface WaiterRow {
  readonly waitMs: number;
  readonly waiters: Row<Waiter>;
  cancelTimer: CancelTimer;
}

/** More rows are not kept when the last one leaves them. */
const ROWS_KEPT_MAX = 32;

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
    row.waiters.add(waiter);
  }

  /** The waiter leaves, if it waits. */
  remove(waiter: Waiter): void {
    const { row } = waiter;
    if (row === null) return;
    leave(waiter, row);
    if (row.waiters.first !== null || this.#rows.size <= ROWS_KEPT_MAX) return;
    row.cancelTimer();
    this.#rows.delete(row.waitMs);
  }

  /** Nobody is told any more. */
  close(): void {
    for (const row of this.#rows.values()) row.cancelTimer();
    this.#rows.clear();
  }

  #newRow(waitMs: number): WaiterRow {
    const row = { waitMs, waiters: new Row<Waiter>(), cancelTimer: nothing };
    this.#rows.set(waitMs, row);
    this.#setTimer(row, waitMs);
    return row;
  }

  #setTimer(row: WaiterRow, delayMs: number): void {
    row.cancelTimer = this.#clock.setTimer(delayMs, () => this.#fire(row));
  }

  #fire(row: WaiterRow): void {
    const nowMs = this.#clock.monotonic();
    const { waiters } = row;
    let { first } = waiters;
    for (; first !== null && first.untilMs <= nowMs; first = waiters.first) {
      leave(first, row);
      first.timeUp();
    }
    if (first === null) this.#rows.delete(row.waitMs);
    else this.#setTimer(row, first.untilMs - nowMs);
  }
}

function leave(waiter: Waiter, row: WaiterRow): void {
  row.waiters.remove(waiter);
  waiter.row = null;
}
