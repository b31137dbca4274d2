// Real randomness behind the Random port.

import type { Random } from '../base/ports.ts';

/** Randomness of the operating system for bytes, of the engine for numbers. */
export const nodeRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => process.getBuiltinModule('node:crypto').randomBytes(length),
};
