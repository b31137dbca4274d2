// Waiting in real time for what comes by itself: looked at again and again, with patience for a machine that does much
// else meanwhile. How long it takes is no test's business.

import { vi } from 'vitest';

const PATIENCE_MS = 20_000;

/** Resolves once `check` throws nothing; rejects with what it throws after 20 s. */
export function eventually<Found>(check: () => Found | Promise<Found>): Promise<Found> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval: 5 });
}
