// Lets compaction exchange the files of a log while nobody is between finding a place in a file and opening it by
// name. Readers share the latch and hardly notice it; an exchange takes a few renames.

/** Shared by readers, held alone by whoever exchanges files. */
export class ReaderLatch {
  #readers = 0;
  #closed: Promise<void> | null = null;
  #drained: (() => void) | null = null;
  #broken: Error | null = null;

  /** Whether a reader that does all it does at once needs not ask. */
  get free(): boolean {
    return this.#closed === null && this.#broken === null;
  }

  /**
   * Runs `work`, which may look into segments and open their files; never one inside another. Throws what
   * {@link ReaderLatch.break} was given.
   */
  async shared<T>(work: () => Promise<T>): Promise<T> {
    while (this.#closed !== null) await this.#closed;
    if (this.#broken !== null) throw this.#broken;
    this.#readers++;
    try {
      return await work();
    } finally {
      this.#readers--;
      if (this.#readers === 0) this.#drained?.();
    }
  }

  /** Runs `work` while no reader is inside; those who come meanwhile wait. One at a time: the log's lane sees to it. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    let open = (): void => {};
    this.#closed = new Promise((resolve) => {
      open = resolve;
    });
    try {
      if (this.#readers > 0) {
        await new Promise<void>((resolve) => {
          this.#drained = resolve;
        });
      }
      return await work();
    } finally {
      this.#drained = null;
      this.#closed = null;
      open();
    }
  }

  /** Files and memory may disagree: nobody reads until the log was opened anew. */
  break(cause: Error): void {
    this.#broken = cause;
  }

  heal(): void {
    this.#broken = null;
  }
}
