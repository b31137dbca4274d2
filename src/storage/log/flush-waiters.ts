// Who waits until a log is durable up to some offset.

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class FlushWaiters {
  #waiters: Waiter[] = [];

  get any(): boolean {
    return this.#waiters.length > 0;
  }

  /** Resolves once everything below `offset` is durable; rejects when the log fails before. */
  wait(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ offset, resolve, reject });
    });
  }

  durableTo(durableEnd: number): void {
    if (!this.any) return;
    const done = this.#waiters.filter((waiter) => waiter.offset <= durableEnd);
    this.#waiters = this.#waiters.filter((waiter) => waiter.offset > durableEnd);
    for (const waiter of done) waiter.resolve();
  }

  failAll(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
