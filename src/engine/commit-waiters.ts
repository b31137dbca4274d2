// Who waits until the log is committed up to some offset.

import type { Told } from '../storage/index.ts';

interface Waiter {
  readonly offset: number;
  readonly told: Told;
}

export class CommitWaiters {
  #waiters: Waiter[] = [];

  /** Tells when the high watermark passes `offset`, or that the log has failed before. */
  wait(offset: number, told: Told): void {
    this.#waiters.push({ offset, told });
  }

  committed(highWatermark: number): void {
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter((waiter) => waiter.offset < highWatermark);
    this.#waiters = this.#waiters.filter((waiter) => waiter.offset >= highWatermark);
    for (const { told } of ready) told(null);
  }

  failed(cause: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { told } of waiters) told(cause);
  }
}
