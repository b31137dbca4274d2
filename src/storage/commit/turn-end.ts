// What appends leave to do is done at the end of the turn of the event loop that they came in: one write for each log,
// whatever number of connections wrote to it, and then one decision how to commit all of them. Only where the disk
// takes writes within a turn; else each log writes as soon as its last write is done.

import type { Clock } from '../../base/ports.ts';
import type { Committer } from './committer.ts';

export class TurnEnd {
  readonly #clock: Clock;
  readonly #committer: Committer;
  #work: (() => void)[] = [];

  constructor(clock: Clock, committer: Committer) {
    this.#clock = clock;
    this.#committer = committer;
  }

  /** `work` is called once, at the end of this turn. It must not throw. */
  add(work: () => void): void {
    if (this.#work.length > 0) {
      this.#work.push(work);
      return;
    }
    this.#work = [work];
    this.#clock.defer(this.#run);
  }

  readonly #run = (): void => {
    const work = this.#work;
    this.#work = [];
    this.#committer.together(work);
  };
}
