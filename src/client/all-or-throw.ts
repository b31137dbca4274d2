// Questions that are asked side by side: all are waited for, then the failure that says most is told.

import { isRetriableError } from './cluster.ts';

/** Waits for all, however they end. Throws what one of them did: what will not pass before what may. */
export async function allOrThrow(all: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(all);
  throwOne(outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])));
}

/** Throws one of these, if there are any: what will not pass before what may. */
export function throwOne(failures: readonly unknown[]): void {
  if (failures.length === 0) return;
  throw failures.find((error) => !isRetriableError(error)) ?? failures[0];
}
