// An owner for background work: nothing floats, and closing waits for what was started.

import { textOfError } from '../base/errors.ts';
import type { Logger } from '../base/ports.ts';

export class TaskOwner {
  readonly #running = new Set<Promise<void>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Runs `work` in the background; an error that it lets through is logged under `what`. */
  start(what: string, work: () => Promise<void>): void {
    const task = work()
      .catch((error: unknown) => {
        const message = textOfError(error);
        this.#logger.warn({ task: what, error: message }, `${what} failed: ${message}`);
      })
      .then(() => {
        this.#running.delete(task);
      });
    this.#running.add(task);
  }

  /** Waits until nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
