// A disk on which single operations take until the test says so.

import type { DiskError } from '../../../src/storage/index.ts';
import { SimulatedDisk } from '../../support/simulated-disk.ts';

export class HeldDisk extends SimulatedDisk {
  readonly #gates = new Map<RegExp, Promise<void>>();

  /** Holds the next whose `<operation> <path>` matches, until the answer is called: well, or with what refuses it. */
  hold(next: RegExp): (refusal?: DiskError) => void {
    let goOn: (refusal?: DiskError) => void = () => {};
    const opened = new Promise<void>((resolve, reject) => {
      goOn = (refusal) => (refusal === undefined ? resolve() : reject(refusal));
    });
    this.#gates.set(next, opened);
    return goOn;
  }

  /** Whether all that were to be held have come. */
  get holdsAll(): boolean {
    return this.#gates.size === 0;
  }

  override async step(operation: string, path: string, torn?: () => void): Promise<void> {
    for (const [next, opened] of this.#gates) {
      if (!next.test(`${operation} ${path}`)) continue;
      this.#gates.delete(next);
      await opened;
    }
    return super.step(operation, path, torn);
  }
}
