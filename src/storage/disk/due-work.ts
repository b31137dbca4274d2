// Work that has to be done in the end and that nobody waits for. What the disk refuses of it is tried again, later and
// later, until it is done or the store ends; the next start does the rest.

import { textOfError } from '../../base/errors.ts';
import type { CancelTimer, Clock, Logger } from '../../base/ports.ts';
import type { TaskOwner } from '../tasks.ts';
import { DiskError } from './disk.ts';

const FIRST_PAUSE_MS = 1000;
const PAUSE_MS_MAX = 5 * 60_000;

export interface DueWorkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tasks: TaskOwner;
}

/** May be done again after it was refused half-way. */
type Work = () => Promise<void>;

export class DueWork {
  readonly #options: DueWorkOptions;
  readonly #timers = new Set<CancelTimer>();
  #ended = false;

  constructor(options: DueWorkOptions) {
    this.#options = options;
  }

  /** Does `work` after so many milliseconds. */
  after(delayMs: number, what: string, work: Work): void {
    this.#after(delayMs, what, work, FIRST_PAUSE_MS);
  }

  /** Does `work` again, which was refused with `error`. Throws one that is not the disk's. */
  refused(error: unknown, what: string, work: Work): void {
    this.#refused(error, what, work, FIRST_PAUSE_MS);
  }

  /** Nothing is begun from now on. */
  close(): void {
    this.#ended = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #after(delayMs: number, what: string, work: Work, pauseMs: number): void {
    if (this.#ended) return;
    const { clock, tasks } = this.#options;
    const cancel = clock.setTimer(delayMs, () => {
      this.#timers.delete(cancel);
      tasks.start(what, () =>
        work().catch((error: unknown) => this.#refused(error, what, work, pauseMs)),
      );
    });
    this.#timers.add(cancel);
  }

  #refused(error: unknown, what: string, work: Work, pauseMs: number): void {
    if (!(error instanceof DiskError)) throw error;
    const message = textOfError(error);
    const text = `${what} failed, and is tried again: ${message}`;
    this.#options.logger.warn({ task: what, error: message }, text);
    this.#after(pauseMs, what, work, Math.min(pauseMs * 2, PAUSE_MS_MAX));
  }
}
