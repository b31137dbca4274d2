// Incremental fetch sessions (KIP-227): which partitions a fetcher follows is kept here, so that
// its requests name only what changes. The number of sessions is bounded; when all slots are taken,
// a session unused for two minutes makes room, or else the smallest of those that had their two
// minutes, if the new one is larger. Rules: org.apache.kafka.server.FetchSession, FetchManager. So is, unlike in Kafka,
// the number of partitions that all of them follow: they are kept in memory until their client comes back or not.

import { Bag } from '../../base/bag.ts';
import type { Clock, Random } from '../../base/ports.ts';
import type { FetchSet } from './fetch-set.ts';

/** Epoch of the request that opens a session. */
export const INITIAL_EPOCH = 0;
/** Epoch of a request that wants none, or closes the one it names. */
export const FINAL_EPOCH = -1;

const EPOCH_MAX = 2 ** 31 - 1;
/** Kafka's MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS. */
const EVICTION_MS = 120_000;

export interface SessionCacheOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** `max.incremental.fetch.session.cache.slots`. */
  readonly slots: number;
  /** Partitions that all sessions together may follow. */
  readonly partitionsMax: number;
}

/** Counters that only grow. */
export interface SessionCacheStats {
  created: number;
  evicted: number;
}

/** The epoch after `epoch`: it wraps to 1, never to a special value. */
export function nextEpoch(epoch: number): number {
  return epoch < 0 ? FINAL_EPOCH : epoch === EPOCH_MAX ? 1 : epoch + 1;
}

export class FetchSessionCache {
  readonly stats: SessionCacheStats = { created: 0, evicted: 0 };
  readonly #options: SessionCacheOptions;
  /** Least recently used first. */
  readonly #sessions = new Map<number, FetchSet>();
  /** Sets of requests under way, of which some are no sessions, or none yet. */
  readonly #underWay = new Bag<FetchSet>();

  constructor(options: SessionCacheOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: number): FetchSet | undefined {
    return this.#sessions.get(id);
  }

  /** Marks the session as just used. */
  touch(session: FetchSet): void {
    session.lastUsedMs = this.#options.clock.monotonic();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /** Whether sessions have not grown beyond the partitions that they may follow. */
  get fits(): boolean {
    return this.#partitions() <= this.#options.partitionsMax;
  }

  /**
   * Keeps the set as a new session if there is room; answers whether it did. Its next epoch is then
   * 1.
   */
  add(set: FetchSet): boolean {
    const { slots, partitionsMax } = this.#options;
    const { size } = set.targets;
    while (this.#partitions() + size > partitionsMax) if (!this.#evictStale()) return false;
    if (this.#sessions.size >= slots && !this.#makeRoom(size)) return false;
    set.id = this.#freeId();
    set.epoch = nextEpoch(INITIAL_EPOCH);
    set.createdMs = this.#options.clock.monotonic();
    set.lastUsedMs = set.createdMs;
    this.#sessions.set(set.id, set);
    this.stats.created++;
    return true;
  }

  /** Ends a session; nothing when there is none of this id. */
  remove(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    session.dispose();
  }

  /**
   * Tells a set of changed topics while its request is under way, also when it is no session: it
   * may become one, and must not go on with the partitions of a topic that was deleted meanwhile.
   */
  follow(set: FetchSet): void {
    this.#underWay.add(set);
  }

  unfollow(set: FetchSet): void {
    this.#underWay.remove(set);
  }

  topicChanged(topic: string): void {
    const sets = new Set(this.#sessions.values());
    this.#underWay.visit((set) => sets.add(set));
    for (const set of sets) set.topicChanged(topic);
  }

  clear(): void {
    for (const id of [...this.#sessions.keys()]) this.remove(id);
  }

  #partitions(): number {
    let count = 0;
    for (const { targets } of this.#sessions.values()) count += targets.size;
    return count;
  }

  #makeRoom(newSize: number): boolean {
    if (this.#evictStale()) return true;
    const now = this.#options.clock.monotonic();
    let smallest: FetchSet | undefined;
    for (const session of this.#sessions.values()) {
      if (now - session.createdMs <= EVICTION_MS) continue;
      if (smallest === undefined || session.targets.size < smallest.targets.size) {
        smallest = session;
      }
    }
    return smallest !== undefined && newSize > smallest.targets.size && this.#evict(smallest);
  }

  /** Ends the session that has been unused for longest, if that is long enough. */
  #evictStale(): boolean {
    const [oldest] = this.#sessions.values();
    const now = this.#options.clock.monotonic();
    return oldest !== undefined && now - oldest.lastUsedMs > EVICTION_MS && this.#evict(oldest);
  }

  #evict(session: FetchSet): boolean {
    this.remove(session.id);
    this.stats.evicted++;
    return true;
  }

  #freeId(): number {
    for (;;) {
      const id = this.#options.random.bytes(4).readUInt32BE() >>> 1;
      if (id !== 0 && !this.#sessions.has(id)) return id;
    }
  }
}
