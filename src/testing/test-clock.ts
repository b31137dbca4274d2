// The test broker's time: it runs as the machine's does, and can be moved on at will. Moving it fires, in order, every
// timer of the broker that falls due on the way: session timeouts, retention, long polls.

import { type Due, popDue, pushDue } from '../base/due-heap.ts';
import { parseDuration } from '../base/duration.ts';
import { shown } from '../base/option-kinds.ts';
import type { CancelTimer, Clock } from '../base/ports.ts';
import { TestBrokerError } from './errors.ts';

// Taken when this loads, so that a test's own fake timers, installed later, freeze nothing here.
const { setTimeout: startTimer, clearTimeout: stopTimer, setImmediate: afterTurn } = globalThis;
const wallNow = Date.now.bind(Date);
const steadyNow = performance.now.bind(performance);

/** The longest delay that Node's timers take. */
const DELAY_MAX_MS = 2 ** 31 - 1;

interface Timer extends Due {
  fire: (() => void) | null;
}

export interface TestClockOptions {
  /** `running` (default): as the machine's time, plus what was skipped. `stopped`: only as it is moved. */
  readonly mode?: 'running' | 'stopped';
  /** Wall-clock time at the start under `stopped`, milliseconds since the epoch. Default 2026-01-01. */
  readonly startMs?: number;
}

/** A {@link Clock} that can be moved on. Its timers never keep the process alive. */
export class TestClock implements Clock {
  readonly #running: boolean;
  readonly #startMs: number;
  readonly #timers: Timer[] = [];
  #skippedMs = 0;
  #order = 0;
  #alarm: { readonly handle: NodeJS.Timeout; readonly dueMs: number } | null = null;

  constructor(options: TestClockOptions = {}) {
    this.#running = options.mode !== 'stopped';
    this.#startMs = options.startMs ?? Date.UTC(2026, 0, 1);
  }

  now(): number {
    return this.#running
      ? wallNow() + Math.floor(this.#skippedMs)
      : this.#startMs + this.#skippedMs;
  }

  monotonic(): number {
    return this.#running ? steadyNow() + this.#skippedMs : this.#skippedMs;
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    const dueMs = this.monotonic() + Math.max(0, delayMs);
    const timer: Timer = { dueMs, order: this.#order++, fire };
    pushDue(this.#timers, timer);
    this.#setAlarm();
    return () => {
      timer.fire = null;
    };
  }

  defer(fire: () => void): void {
    afterTurn(fire);
  }

  /**
   * Moves time on by `amount` (milliseconds, or words such as `'5m'`), firing what falls due, in order, each with
   * what it starts done as far as it goes without waiting for the outside. Throws TidemarkError `invalid_duration`,
   * TestBrokerError `invalid_option` for a number that is none from 0 on.
   */
  async advance(amount: number | string): Promise<void> {
    const endMs = this.monotonic() + millisecondsOf(amount);
    await settle();
    while (this.#fireNext(endMs)) await settle();
    this.#skipTo(endMs);
    this.#setAlarm();
    await settle();
  }

  /** Forgets every timer. */
  stop(): void {
    this.#timers.length = 0;
    if (this.#alarm !== null) stopTimer(this.#alarm.handle);
    this.#alarm = null;
  }

  #fireNext(endMs: number): boolean {
    for (;;) {
      const [first] = this.#timers;
      if (first === undefined || first.dueMs > endMs) return false;
      popDue(this.#timers);
      if (first.fire === null) continue;
      this.#skipTo(first.dueMs);
      first.fire();
      return true;
    }
  }

  #skipTo(monotonicMs: number): void {
    this.#skippedMs += Math.max(0, monotonicMs - this.monotonic());
  }

  /** One timer of the machine's, for the earliest of ours. */
  #setAlarm(): void {
    const [first] = this.#timers;
    if (!this.#running || first === undefined || this.#alarm?.dueMs === first.dueMs) return;
    if (this.#alarm !== null) stopTimer(this.#alarm.handle);
    const waitMs = Math.min(DELAY_MAX_MS, Math.max(0, first.dueMs - this.monotonic()));
    const handle = startTimer(() => {
      this.#alarm = null;
      while (this.#fireNext(this.monotonic()));
      this.#setAlarm();
    }, waitMs);
    handle.unref();
    this.#alarm = { handle, dueMs: first.dueMs };
  }
}

/** From a number, or words such as `5m`. Throws as {@link TestClock.advance}. */
export function millisecondsOf(amount: number | string): number {
  if (typeof amount === 'string') return parseDuration(amount);
  if (Number.isFinite(amount) && amount >= 0) return amount;
  const text = `${shown(amount)} is no length of time: write milliseconds from 0 on, or for example '5m'`;
  throw new TestBrokerError('invalid_option', text);
}

/** Lets promise callbacks that are ready run, and one turn of the event loop with them. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    afterTurn(resolve);
  });
}
