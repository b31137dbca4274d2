// Who waits until the log is committed up to some offset.

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

export class CommitWaiters {
  #waiters: Waiter[] = [];

  /** Resolves when the high watermark passes `offset`; rejects when the log fails before. */
  wait(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ offset, resolve, reject });
    });
  }

  committed(highWatermark: number): void {
    if (this.#waiters.length === 0) return;
    const ready = this.#waiters.filter((waiter) => waiter.offset < highWatermark);
    this.#waiters = this.#waiters.filter((waiter) => waiter.offset >= highWatermark);
    for (const waiter of ready) waiter.resolve();
  }

  failed(cause: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(cause);
  }
}
