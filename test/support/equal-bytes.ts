// Loaded before every test file. Vitest compares buffers element by element, which takes seconds for a megabyte: equal
// ones are found equal at once. What differs is left to vitest, which shows the difference.

import { expect } from 'vitest';

/** Files that share a process share the list of testers, too, and each loads this anew. */
const ADDED = Symbol.for('tidemark.test.equal-bytes');
const shared = globalThis as { [ADDED]?: true };

if (shared[ADDED] === undefined) {
  shared[ADDED] = true;
  expect.addEqualityTesters([
    (left: unknown, right: unknown): true | undefined =>
      (Buffer.isBuffer(left) && Buffer.isBuffer(right) && left.equals(right)) || undefined,
  ]);
}
