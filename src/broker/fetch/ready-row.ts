// The targets of a set that may have something to tell, in the order in which they are served. A fetch that waits takes
// them out and puts them in again.

import { Row } from '../../base/row.ts';
import type { FetchTarget } from './fetch-target.ts';

export class ReadyRow {
  readonly #row = new Row<FetchTarget>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a target at the end, unless it is in. */
  add(target: FetchTarget): void {
    if (target.ready) return;
    target.ready = true;
    this.#row.add(target);
    this.#size++;
  }

  /** Takes a target out; answers whether it was in. */
  delete(target: FetchTarget): boolean {
    if (!target.ready) return false;
    target.ready = false;
    this.#row.remove(target);
    this.#size--;
    return true;
  }

  /** All that are in now. */
  all(): FetchTarget[] {
    const targets = new Array<FetchTarget>(this.#size);
    let at = 0;
    for (let target = this.#row.first; target !== null; target = target.after) {
      targets[at++] = target;
    }
    return targets;
  }
}
