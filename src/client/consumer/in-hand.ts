// What was given to a loop last: it is dealt with when the loop asks for more.

import type { Progress } from './progress.ts';

export class InHand {
  #progress: Progress | null = null;
  #given: number | readonly { readonly offset: number }[] = -1;

  /** The record of an offset, or a batch, of this stretch. */
  take(given: number | readonly { readonly offset: number }[], progress: Progress | null): void {
    this.#progress = progress;
    this.#given = given;
  }

  /** It is dealt with. */
  settle(): void {
    const progress = this.#progress;
    if (progress === null) return;
    this.#progress = null;
    if (typeof this.#given === 'number') progress.end(this.#given);
    else for (const { offset } of this.#given) progress.end(offset);
    this.#given = -1;
  }
}
