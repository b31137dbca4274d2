// Who hears of one log: of each commit, and of its failure.

import { asError } from '../../base/errors.ts';
import type { Logger } from '../../base/ports.ts';
import { tellEach } from '../../base/tell.ts';

export class LogListeners {
  readonly #name: string;
  readonly #logger: Logger;
  readonly #onCommit = new Set<(highWatermark: number) => void>();
  readonly #onFailure = new Set<(cause: Error) => void>();

  constructor(name: string, logger: Logger) {
    this.#name = name;
    this.#logger = logger;
  }

  /** Calls `listener` with every new high watermark, until what is answered is called. */
  onCommit(listener: (highWatermark: number) => void): () => void {
    this.#onCommit.add(listener);
    return () => this.#onCommit.delete(listener);
  }

  /** Calls `listener` with the cause of every failure, until what is answered is called. */
  onFailure(listener: (cause: Error) => void): () => void {
    this.#onFailure.add(listener);
    return () => this.#onFailure.delete(listener);
  }

  tellCommit(highWatermark: number): void {
    tellEach(this.#onCommit, highWatermark, this.threw);
  }

  tellFailure(cause: Error): void {
    tellEach([...this.#onFailure], cause, this.threw);
  }

  /** A listener's fault is its own: it is logged, and changes nothing for the log and for others who listen. */
  readonly threw = (error: unknown): void => {
    const { message } = asError(error);
    const text = `a listener of the log of ${this.#name} threw: ${message}`;
    this.#logger.error({ log: this.#name, err: error }, text);
  };
}
