// Which idle producers are forgotten. Kafka goes by `producer.id.expiration.ms` alone, so that a client which makes a
// producer for every batch fills the broker's memory for a day (KIP-936 would limit such clients). Here a number
// that is not to be exceeded shortens that time: what is given up is that a batch sent again so late is recognised.

import { nextTurn } from '../base/pause.ts';
import type { Clock, Logger } from '../base/ports.ts';

/** Nobody is forgotten sooner, whatever their number: clients give up sending again after a few minutes. */
const IDLE_MIN_MS = 15 * 60_000;

export interface RemembersProducers {
  /** Forgets producers idle for `idleMs`; answers how many are left. */
  expireProducers(idleMs: number): number;
}

export interface ForgetOptions {
  readonly partitions: readonly RemembersProducers[];
  readonly expirationMs: number;
  /** Producers to be remembered at most, in all partitions together. */
  readonly most: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Forgets who was idle for `expirationMs`; while more than `most` are left, those idle for half of it, and so on. */
export async function forgetProducers(options: ForgetOptions): Promise<void> {
  const { partitions, expirationMs, most, clock, logger } = options;
  const leastMs = Math.min(IDLE_MIN_MS, expirationMs);
  for (let idleMs = expirationMs; ; idleMs = Math.max(leastMs, Math.floor(idleMs / 2))) {
    let left = 0;
    for (const partition of partitions) left += partition.expireProducers(idleMs);
    if (idleMs < expirationMs && (left <= most || idleMs === leastMs)) {
      const text =
        'more producer ids than tidemark.max.producer.ids: idle ones were forgotten early';
      logger.warn({ most, left, idleMs }, text);
    }
    if (left <= most || idleMs === leastMs) return;
    // Each round looks at all of them.
    await nextTurn(clock);
  }
}
