// The targets of a set that may have something to tell, in the order in which they are served. Each holds its
// neighbours: a fetch that waits puts them in and takes them out again, and a Set would make a new table for that.

import type { FetchTarget } from './fetch-target.ts';

export class ReadyRow {
  #first: FetchTarget | null = null;
  #last: FetchTarget | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a target at the end, unless it is in. */
  add(target: FetchTarget): void {
    if (target.ready) return;
    target.ready = true;
    target.before = this.#last;
    if (this.#last === null) this.#first = target;
    else this.#last.after = target;
    this.#last = target;
    this.#size++;
  }

  /** Takes a target out; answers whether it was in. */
  delete(target: FetchTarget): boolean {
    if (!target.ready) return false;
    const { before, after } = target;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    target.ready = false;
    target.before = null;
    target.after = null;
    this.#size--;
    return true;
  }

  /** All that are in now. */
  all(): FetchTarget[] {
    const targets = new Array<FetchTarget>(this.#size);
    let at = 0;
    for (let target = this.#first; target !== null; target = target.after) targets[at++] = target;
    return targets;
  }
}
