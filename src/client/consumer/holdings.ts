// The partitions that a consumer has: taken with their starting places, handed over with their commits.

import { pause } from '../../base/pause.ts';
import { ZERO_UUID } from '../../protocol/index.ts';
import type { TopicPartition } from '../admin-cluster.ts';
import { type Cluster, isRetriableError } from '../cluster.ts';
import { ClientError } from '../errors.ts';
import { nameOf } from '../fetch-reading.ts';
import type { Fetcher } from '../fetcher.ts';
import type { GroupOffset } from '../group-offsets.ts';
import type { OffsetSpec } from '../offset-spec.ts';
import { isIndex, isPlaces } from '../option-kinds.ts';
import type { Assigned, Start } from './assigned.ts';
import { type Committer, isTooLate } from './committer.ts';
import { insist } from './insist.ts';
import type { OffsetToCommit, OnPlaces } from './options.ts';
import { beginAt, beginnings, lookUpStarts, type StartOptions } from './starts.ts';

export interface HoldingsOptions extends StartOptions {
  /** Commit when partitions are handed over. */
  readonly autoCommit: boolean;
  readonly maxPollIntervalMs: number;
  readonly onAssigned: OnPlaces | undefined;
  readonly onRevoked: OnPlaces | undefined;
  readonly onLost: OnPlaces | undefined;
  readonly onTrouble: (error: unknown) => void;
  /** Hears why it will never be known where a partition begins. */
  readonly onFailed: (error: unknown) => void;
  /** Aborted: the consumer is being closed. */
  readonly until: AbortSignal;
}

export class Holdings {
  readonly #cluster: Cluster;
  readonly #fetcher: Fetcher;
  readonly #committer: Committer;
  readonly #options: HoldingsOptions;
  readonly #places = new Map<string, Assigned>();

  constructor(cluster: Cluster, fetcher: Fetcher, committer: Committer, options: HoldingsOptions) {
    this.#cluster = cluster;
    this.#fetcher = fetcher;
    this.#committer = committer;
    this.#options = options;
  }

  get places(): ReadonlyMap<string, Assigned> {
    return this.#places;
  }

  list(): TopicPartition[] {
    return [...this.#places.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  /** Throws ClientError `invalid_option` for a partition that is not held. */
  get(place: TopicPartition): Assigned {
    const found = this.#places.get(nameOf(place));
    if (found !== undefined) return found;
    const message = `${nameOf(place)} is not read by this consumer now; assignment() says what is`;
    throw invalid(message);
  }

  /**
   * Begins to read partitions; `from` instead of the options' where nothing is committed. Where nobody can tell now
   * where that is, reading begins when somebody can. Throws what `onAssigned` throws; then none of them is taken.
   */
  async take(places: readonly TopicPartition[], from?: OffsetSpec): Promise<void> {
    if (places.length === 0) return;
    const options = from === undefined ? this.#options : { ...this.#options, from };
    const begun = await beginAt(this.#cluster, places, options);
    for (const one of begun) this.#places.set(one.name, one);
    try {
      await this.#options.onAssigned?.(places);
    } catch (error) {
      // Nobody would read what we have and were not ready for: so we do not have it, and are given it again.
      this.drop(begun);
      throw error;
    }
    for (const one of begun) {
      const held = this.#places.get(one.name) === one && one.active && !one.paused;
      if (held) this.#fetch(one);
    }
    this.#fetcher.wake();
    const later = begun.filter((one) => !one.isPlaced);
    if (later.length > 0) this.#beginLater(later, options);
  }

  /** Goes on looking up where these begin, until they are placed by that or by a seek, or are ours no longer. */
  #beginLater(some: readonly Assigned[], options: StartOptions): void {
    const { onTrouble: trouble, onFailed, until } = this.#options;
    const stretches = new Map(some.map((one) => [one, one.progress]));
    const isOpen = (one: Assigned): boolean =>
      !until.aborted && this.#has(one) && one.active && one.progress === stretches.get(one);
    const attempt = async (): Promise<void> => {
      const found = new Map<string, Start>();
      try {
        await lookUpStarts(this.#cluster, some.filter(isOpen), options, found);
      } catch (error) {
        if (some.some((one) => isOpen(one) && !found.has(one.name))) throw error;
      } finally {
        for (const one of some.filter(isOpen)) {
          const start = found.get(one.name);
          if (start === undefined) continue;
          one.begin(start);
          if (!one.paused) this.#fetch(one);
        }
      }
    };
    insist(attempt, { clock: this.#cluster.clock, until, trouble }).catch(onFailed);
  }

  /** Reads no more of these; once what is at work is done, commits them and lets go. `closing`: waits for nothing. */
  async release(places: readonly TopicPartition[], closing: AbortSignal): Promise<void> {
    const some = this.#some(places);
    if (some.length === 0) return;
    for (const one of some) {
      one.active = false;
      this.#fetcher.remove(one);
    }
    const idle = new AbortController();
    void Promise.all(some.map((one) => one.progress.idle())).then(() => idle.abort());
    const { maxPollIntervalMs, autoCommit, onRevoked } = this.#options;
    await pause(this.#cluster.clock, maxPollIntervalMs, AbortSignal.any([idle.signal, closing]));
    try {
      if (autoCommit) await this.commitDone(some, true);
    } catch (error) {
      // The next owner then begins where we committed before.
      if (!isTooLate(error) && !isRetriableError(error) && !isClosed(error)) throw error;
      this.#options.onTrouble(isClosed(error) ? notMade(error) : error);
    } finally {
      // What was lost meanwhile is told as that.
      const left = some.filter((one) => this.#has(one));
      try {
        if (left.length > 0)
          await onRevoked?.(left.map(({ topic, partition }) => ({ topic, partition })));
      } finally {
        this.drop(left);
      }
    }
  }

  /** Others have them already. */
  async lose(places: readonly TopicPartition[]): Promise<void> {
    const some = this.#some(places);
    this.drop(some);
    if (some.length === 0) return;
    await this.#options.onLost?.(some.map(({ topic, partition }) => ({ topic, partition })));
  }

  /** Forgets them. */
  drop(places: readonly TopicPartition[]): void {
    for (const one of this.#some(places)) {
      one.active = false;
      one.progress.abandon();
      this.#fetcher.remove(one);
      this.#places.delete(one.name);
    }
    this.#fetcher.wake();
  }

  /** Commits how far we are, where that is news. */
  async commitDone(some: Iterable<Assigned> = this.#places.values(), final = false): Promise<void> {
    const news = [...some].filter(
      (one) => this.#has(one) && one.isPlaced && one.progress.position !== one.committed,
    );
    const offsets = news.map((one): OffsetToCommit => {
      const { topic, partition, progress } = one;
      const { position: offset, epoch: leaderEpoch } = progress;
      return { topic, partition, offset, leaderEpoch };
    });
    await this.commit(offsets, final);
  }

  /** Commits these. Throws ClientError `invalid_option` for what are none, and what committing throws. */
  async commit(offsets: readonly OffsetToCommit[], final = false): Promise<void> {
    checkOffsets(offsets);
    const held = new Map<GroupOffset, Assigned | undefined>();
    for (const one of offsets) {
      const place = this.#places.get(nameOf(one));
      const { topic, partition, offset, leaderEpoch = -1, metadata = '' } = one;
      const { topicId = ZERO_UUID } = place ?? {};
      held.set({ topic, topicId, partition, offset, leaderEpoch, metadata }, place);
    }
    await this.#committer.commit([...held.keys()], {
      final,
      isLost: (one) => {
        const then = held.get(one);
        return then !== undefined && !this.#has(then);
      },
      committed: (one) => {
        const then = held.get(one);
        if (then !== undefined) then.committed = one.offset;
      },
    });
  }

  /**
   * Goes on from another place; records that are at work count for nothing then. Where that place cannot be looked up,
   * nothing has changed. Throws as {@link get}, and what looking it up throws.
   */
  async seek(place: TopicPartition, to: number | OffsetSpec): Promise<void> {
    const held = this.get(place);
    if (typeof to === 'number' && !isIndex(to)) {
      throw invalid(`seek to ${to}: write an offset, a whole number from 0 on`);
    }
    held.seeks += 1;
    const { seeks } = held;
    held.hold();
    this.#fetcher.remove(held);
    try {
      const offset = typeof to === 'number' ? to : await this.#lookUp(held, to);
      if (held.seeks === seeks) held.seekTo(offset, this.#cluster.knownTopic(place.topic)?.id);
    } finally {
      if (held.seeks === seeks && held.active && !held.paused) this.#fetch(held);
    }
  }

  async #lookUp(held: Assigned, from: OffsetSpec): Promise<number> {
    const found = await beginnings(this.#cluster, [held], { ...this.#options, from });
    return found.get(held.name) ?? held.progress.next;
  }

  pause(places: readonly TopicPartition[]): void {
    for (const held of this.#held(places)) {
      held.paused = true;
      this.#fetcher.remove(held);
    }
  }

  resume(places: readonly TopicPartition[]): void {
    for (const held of this.#held(places)) {
      if (!held.paused) continue;
      held.paused = false;
      if (held.active) this.#fetch(held);
    }
  }

  /** Hands out again what was handed out and is not dealt with. */
  rewind(): void {
    for (const held of this.#places.values()) {
      const { progress } = held;
      if (progress.isIdle) continue;
      held.restart(progress.position);
      if (held.active && !held.paused) this.#fetch(held);
    }
  }

  /** Whether it is still the one that was given: lost and given again, it is another. */
  #has(one: Assigned): boolean {
    return this.#places.get(one.name) === one;
  }

  #held(places: readonly TopicPartition[]): Assigned[] {
    if (!isPlaces(places)) throw invalid('places are a list: [{ topic, partition: 0 }]');
    return places.map((place) => this.get(place));
  }

  #some(places: readonly TopicPartition[]): Assigned[] {
    return places.flatMap((place) => this.#places.get(nameOf(place)) ?? []);
  }

  #fetch(held: Assigned): void {
    if (!held.isPlaced) return;
    const { topicId, progress } = held;
    const { next: offset, epoch } = progress;
    held.expected = offset;
    this.#fetcher.set(held, offset, epoch, topicId);
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof ClientError && error.code === 'closed';
}

/** The time for closing was over, or whoever took commits was closed before. */
function notMade(cause: unknown): ClientError {
  const message = 'the last commit was not made before the connections were closed';
  return new ClientError('closed', message, { cause });
}

function invalid(message: string): ClientError {
  return new ClientError('invalid_option', message);
}

/** For callers without types. */
function checkOffsets(offsets: readonly OffsetToCommit[]): void {
  if (isPlaces(offsets) && offsets.every(({ offset }) => isIndex(offset))) return;
  throw invalid('offsets to commit are a list: [{ topic, partition: 0, offset: 42 }]');
}
