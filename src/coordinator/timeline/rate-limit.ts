// How many entries a group may have: a group that changes all the time is told of in sums, so that it neither fills the
// topic nor pushes the other groups' past out of it. Pure.

import { type EntryKind, SCHEMA_VERSION, type TimelineEntry } from './entry.ts';

/** Entries that may come at once. */
const BURST = 100;
/** Below so many left, only what is hard to guess from the rest is kept. */
const RESERVED = 50;
/** One more may come after each of these, in ms. */
const REFILL_MS = 30_000;
/** Sums come at most so often, in ms. */
const SUM_MS = 60_000;
/** Groups remembered; one that is forgotten begins anew with a full burst. */
const GROUPS_MAX = 5000;

const guessable: ReadonlySet<EntryKind> = new Set([
  'member-joined',
  'member-left',
  'member-replaced',
]);

interface Bucket {
  left: number;
  filledMs: number;
  /** What was left out since `sinceMs`. */
  omitted: Map<string, number>;
  clients: Map<string, number>;
  sinceMs: number;
}

export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #summing = new Set<string>();

  /** Whether {@link sums} has something to tell some day. */
  get anySum(): boolean {
    return this.#summing.size > 0;
  }

  /** Whether the entry is to be kept; else it is counted. */
  admit(entry: TimelineEntry, nowMs: number): boolean {
    const { group } = entry;
    if (group === null) return true;
    const bucket = this.#bucket(group, nowMs);
    if (bucket.left > (guessable.has(entry.event) ? RESERVED : 0)) {
      bucket.left--;
      return true;
    }
    if (bucket.omitted.size === 0) bucket.sinceMs = nowMs;
    count(bucket.omitted, entry.event);
    if (entry.member !== undefined) count(bucket.clients, entry.member.clientId);
    this.#summing.add(group);
    return false;
  }

  /** The sums that are due; with `all`, also those that are not. */
  sums(nowMs: number, which: 'due' | 'all'): TimelineEntry[] {
    const told: TimelineEntry[] = [];
    for (const group of this.#summing) {
      const bucket = this.#buckets.get(group);
      if (bucket !== undefined && which === 'due' && nowMs - bucket.sinceMs < SUM_MS) continue;
      this.#summing.delete(group);
      if (bucket === undefined) continue;
      told.push(sumOf(group, bucket, nowMs));
      bucket.omitted = new Map();
      bucket.clients = new Map();
    }
    return told;
  }

  #bucket(group: string, nowMs: number): Bucket {
    const known = this.#buckets.get(group);
    if (known !== undefined) {
      const more = Math.floor(Math.max(0, nowMs - known.filledMs) / REFILL_MS);
      known.left = Math.min(BURST, known.left + more);
      // A clock that was set back must not stop the refilling.
      known.filledMs = more > 0 || nowMs < known.filledMs ? nowMs : known.filledMs;
      return known;
    }
    const fresh: Bucket = {
      left: BURST,
      filledMs: nowMs,
      omitted: new Map(),
      clients: new Map(),
      sinceMs: nowMs,
    };
    this.#buckets.set(group, fresh);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > GROUPS_MAX && oldest !== undefined) this.#buckets.delete(oldest);
    return fresh;
  }
}

function count(counts: Map<string, number>, key: string): void {
  // Client ids are the clients' choice: only so many are told apart.
  if (counts.size < 1000 || counts.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sumOf(group: string, bucket: Bucket, nowMs: number): TimelineEntry {
  const { omitted, clients, sinceMs } = bucket;
  const kinds = [...omitted].map(([kind, times]) => `${times} ${kind}`).join(', ');
  const most = [...clients].sort(([, a], [, b]) => b - a).slice(0, 3);
  const names = most.map(([name, times]) => `${name} (${times})`).join(', ');
  return {
    schemaVersion: SCHEMA_VERSION,
    time: new Date(nowMs).toISOString(),
    event: 'flapping',
    group,
    what: `the group changes too often to keep it all; left out: ${kinds}`,
    ...(names !== '' && { cause: `most of it by ${names}` }),
    advice:
      'one rebalance after another means members that are too slow, or are started and stopped all ' +
      'the time: read the entries before this one',
    durationMs: nowMs - sinceMs,
    omitted: Object.fromEntries(omitted),
  };
}
