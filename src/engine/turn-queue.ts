// Keeps appends in order when one has to wait for a codec to be loaded.

import { type Codec, prepareCodec } from '../record/index.ts';

export class TurnQueue {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** Whether nothing waits: what needs no codec may do without {@link run}, and without the functions it takes. */
  get idle(): boolean {
    return this.#waiting === 0;
  }

  /**
   * Loads codecs, then calls `work`; never before the work given earlier has begun. Calls it at
   * once when there is nothing to wait for. `refused` gets what loading a codec throws.
   */
  run(codecs: readonly Codec[], work: () => void, refused: (error: unknown) => void): void {
    if (codecs.length === 0 && this.idle) {
      work();
      return;
    }
    this.#waiting += 1;
    const turn = this.#last.then(() => prepareAll(codecs));
    this.#last = turn.catch(() => {});
    void turn.then(
      () => {
        this.#waiting -= 1;
        work();
      },
      (error: unknown) => {
        this.#waiting -= 1;
        refused(error);
      },
    );
  }
}

async function prepareAll(codecs: readonly Codec[]): Promise<void> {
  for (const codec of codecs) await prepareCodec(codec);
}
