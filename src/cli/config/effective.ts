// Broker configs that come in several units or under two names: without a value of its own, one follows another
// (Kafka's broker documentation), but brokers describe it as empty.

import type { ConfigEntry } from '../../client/index.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Where a config's value comes from when it has none: the first of these that has one, times a factor. */
const followed: Readonly<Record<string, readonly (readonly [name: string, factor: number])[]>> = {
  'log.retention.ms': [
    ['log.retention.minutes', MINUTE_MS],
    ['log.retention.hours', HOUR_MS],
  ],
  'log.retention.minutes': [['log.retention.hours', 60]],
  'log.roll.ms': [['log.roll.hours', HOUR_MS]],
  'log.roll.jitter.ms': [['log.roll.jitter.hours', HOUR_MS]],
  'log.flush.interval.ms': [['log.flush.scheduler.interval.ms', 1]],
  'log.dirs': [['log.dir', 1]],
};

/** What holds, and the config that says so. */
export interface EffectiveValue {
  readonly value: string | null;
  /** Null: the entry itself. */
  readonly from: string | null;
}

/** The value that a broker goes by. `entries`: all of the same broker. */
export function effectiveValue(
  entry: ConfigEntry,
  entries: readonly ConfigEntry[],
): EffectiveValue {
  if (entry.value !== null) return { value: entry.value, from: null };
  for (const [name, factor] of followed[entry.name] ?? []) {
    const value = entries.find((one) => one.name === name)?.value ?? null;
    if (value !== null) return { value: scaled(value, factor), from: name };
  }
  return { value: null, from: null };
}

/** -1, no limit, is that in every unit. */
function scaled(value: string, factor: number): string {
  return factor === 1 || Number(value) < 0 ? value : String(Number(value) * factor);
}
