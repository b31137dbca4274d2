// Keeps appends in order when one has to wait: for a codec to be loaded, or for another thread to look into its batch.

export class TurnQueue {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Whether nothing waits: whoever need not wait either may do without {@link run}. */
  get idle(): boolean {
    return this.#waiting === 0;
  }

  /** Calls `work` when all of what was given earlier is done; what it throws keeps no other from its turn. */
  run(work: () => Promise<void>): void {
    this.#waiting += 1;
    const ended = (): void => {
      this.#waiting -= 1;
    };
    this.#last = this.#last.then(work).then(ended, ended);
  }
}
