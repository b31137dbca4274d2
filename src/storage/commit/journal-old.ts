// The journal's files that take no entries any more. Each stays as long as a start needs something of it: what a log's
// segments lack, or that entries of an older file are void.

import type { Clock, Logger } from '../../base/ports.ts';
import { parseLogIdentity } from '../metadata/log-identity.ts';
import type { TaskOwner } from '../tasks.ts';
import type { Generation, JournalFiles } from './journal-files.ts';

/** A file that could not be taken away is tried again so long after. */
const REMOVE_AGAIN_AFTER_MS = 5000;

export interface OldGenerationsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tasks: TaskOwner;
  /** Files of the last run that this start could not do without (journal-replay.ts), oldest first. */
  readonly kept: readonly Generation[];
}

export class OldGenerations {
  readonly #options: OldGenerationsOptions;
  readonly #files: JournalFiles;
  /** Oldest first. */
  #all: readonly Generation[];
  #cancelRetry: () => void = () => {};
  /** Removals, and what none may come between. */
  #lane: Promise<void> = Promise.resolve();

  constructor(options: OldGenerationsOptions, files: JournalFiles) {
    this.#options = options;
    this.#files = files;
    this.#all = options.kept;
  }

  get count(): number {
    return this.#all.length;
  }

  /** Those whose checkpoint is not done. */
  get waiting(): number {
    return this.#all.filter(({ checkpointed }) => !checkpointed).length;
  }

  add(generation: Generation): void {
    this.#all = [...this.#all, generation];
  }

  /** Those with entries of the log that are not void, oldest first. */
  holding(key: string): Generation[] {
    return this.#all.filter(({ names }) => names.has(key));
  }

  /** Keys of the logs of that name whose segments would not take what is here of them. */
  heldBy(name: string): Set<string> {
    const keys = this.#all.flatMap(({ heldBy }) => [...heldBy]);
    return new Set(keys.filter((key) => parseLogIdentity(key).name === name));
  }

  /** Runs the work while none is taken away. */
  undisturbed(work: () => Promise<void>): Promise<void> {
    const done = this.#lane.then(work);
    this.#lane = done.catch(() => {});
    return done;
  }

  /** Takes those away that no start needs; what cannot be taken away is logged, and tried again later. */
  removeFinished(): Promise<void> {
    return this.undisturbed(async () => {
      for (const generation of this.#all) {
        if (!generation.checkpointed) continue;
        try {
          await generation.close();
          if (generation.needed) continue;
          await this.#files.retire(generation.path);
        } catch (error) {
          const { message } = error as Error;
          const { path } = generation;
          this.#options.logger.warn({ path, error: message }, 'journal not removed');
          this.#removeLater();
          return;
        }
        // Not sooner: as long as a start may replay it, its entries have to be voided, and keep compaction off.
        generation.taken();
        this.#all = this.#all.filter((each) => each !== generation);
      }
    });
  }

  removeSoon(): void {
    this.#options.tasks.start('journal clean-up', () => this.removeFinished());
  }

  async close(): Promise<void> {
    this.#cancelRetry();
    for (const generation of this.#all) await generation.close();
  }

  #removeLater(): void {
    this.#cancelRetry();
    this.#cancelRetry = this.#options.clock.setTimer(REMOVE_AGAIN_AFTER_MS, () => {
      this.removeSoon();
    });
  }
}
