// How fast work in the background goes: a rest after each piece of it, until somebody waits for the work.

import { pause } from '../../base/pause.ts';
import type { Clock } from '../../base/ports.ts';

export class Pace {
  readonly #clock: Clock;
  #hurrying = 0;
  #rests = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `ms`, or as soon as somebody hurries. */
  async rest(ms: number): Promise<void> {
    if (this.#hurrying === 0 && ms >= 1) await pause(this.#clock, ms, this.#rests.signal);
  }

  /** Nobody rests until `work` is done. */
  async hurry(work: () => Promise<void>): Promise<void> {
    this.#hurrying++;
    this.#rests.abort();
    this.#rests = new AbortController();
    try {
      await work();
    } finally {
      this.#hurrying--;
    }
  }
}
