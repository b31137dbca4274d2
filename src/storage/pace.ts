// How fast work in the background goes: a rest after each piece of it, until somebody waits for the work.

import type { Clock } from '../base/ports.ts';

export class Pace {
  readonly #clock: Clock;
  #hurrying = 0;
  readonly #resting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `ms`, or as soon as somebody hurries. */
  rest(ms: number): Promise<void> {
    if (this.#hurrying > 0 || ms < 1) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#resting.delete(wake);
        resolve();
      };
      const cancel = this.#clock.setTimer(ms, wake);
      this.#resting.add(wake);
    });
  }

  /** Nobody rests until `work` is done. */
  async hurry(work: () => Promise<void>): Promise<void> {
    this.#hurrying++;
    for (const wake of [...this.#resting]) wake();
    try {
      await work();
    } finally {
      this.#hurrying--;
    }
  }
}
