// Real randomness behind the Random port.

import { randomBytes } from 'node:crypto';
import type { Random } from '../base/ports.ts';

/** Randomness of the operating system for bytes, of the engine for numbers. */
export const nodeRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => randomBytes(length),
};
