// Who wants to know that a peer is gone: fetches that wait, most often.

import { Bag, type Bagged } from '../base/bag.ts';

interface GoneWaiter extends Bagged {
  readonly callback: () => void;
}

export class GoneWaiters {
  /** Null once they were told. */
  #waiters: Bag<GoneWaiter> | null = new Bag();

  /** Calls back once, at once when the peer is gone already; answers the function that forgets the callback. */
  add(callback: () => void): () => void {
    const waiters = this.#waiters;
    if (waiters === null) {
      callback();
      return () => {};
    }
    const waiter = { callback, place: -1 };
    waiters.add(waiter);
    return () => waiters.remove(waiter);
  }

  tell(): void {
    const waiters = this.#waiters;
    this.#waiters = null;
    waiters?.visit(({ callback }) => callback());
  }
}
