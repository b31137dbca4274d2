// Records for the loops of a consumer: at once where they are there already, else as soon as they come.

import { nextTurn } from '../../base/pause.ts';
import type { Clock } from '../../base/ports.ts';
import type { Fetcher } from '../fetcher.ts';
import type { Chunk, Feed } from './feed.ts';
import type { ConsumedRecord } from './options.ts';
import type { Progress } from './progress.ts';
import type { Stuck } from './stuck.ts';

/** Records between two looks at the clock, and how long (ms) they may keep the event loop from other things. */
const TURN_RECORDS = 256;
const TURN_MS = 10;

export interface SourceOptions<K, V> {
  readonly clock: Clock;
  readonly fetcher: Fetcher;
  readonly feed: Feed<K, V>;
  readonly stuck: Stuck;
  /** Aborted: there are no more records. */
  readonly stopping: AbortSignal;
  /** Called when the first record is asked for. */
  readonly start: () => void;
}

export class RecordSource<K, V> {
  readonly #options: SourceOptions<K, V>;
  #started = false;
  #failure: { readonly error: unknown } | null = null;
  #records = 0;
  #turnMs: number;

  constructor(options: SourceOptions<K, V>) {
    this.#options = options;
    this.#turnMs = options.clock.monotonic();
  }

  /** Stretch of the record that was given last. */
  get progress(): Progress | null {
    return this.#options.feed.progress;
  }

  /** A record that is there already; null when it takes waiting. Throws what a fetch failed with. */
  pull(): ConsumedRecord<K, V> | null {
    const { stopping, feed } = this.#options;
    if (!this.#started || this.#failure !== null || stopping.aborted) return null;
    this.#records += 1;
    if (this.#records % TURN_RECORDS === 0 && this.#isTurnOver()) return null;
    return feed.next();
  }

  /** The next record; null when there are no more, or `unless` is aborted. Throws what cannot be recovered from. */
  next(unless?: AbortSignal): Promise<ConsumedRecord<K, V> | null> {
    return this.#await(() => this.#options.feed.next(), unless);
  }

  /** The next stretch of one partition; null when there are no more. Throws as {@link next}. */
  chunk(): Promise<Chunk<K, V> | null> {
    return this.#await(() => this.#options.feed.chunk());
  }

  /** From now on, this is thrown. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#options.fetcher.wake();
  }

  #isTurnOver(): boolean {
    return this.#options.clock.monotonic() - this.#turnMs > TURN_MS;
  }

  async #await<T>(take: () => T | null, unless?: AbortSignal): Promise<T | null> {
    const { clock, fetcher, stuck, stopping, start } = this.#options;
    if (!this.#started) {
      this.#started = true;
      start();
    }
    stuck.wait();
    try {
      for (;;) {
        if (this.#failure !== null) throw this.#failure.error;
        if (this.#isTurnOver()) await nextTurn(clock);
        this.#turnMs = clock.monotonic();
        if (stopping.aborted || unless?.aborted === true) return null;
        const taken = take();
        if (taken !== null) return taken;
        await fetcher.wait(stopping);
      }
    } finally {
      stuck.moved();
    }
  }
}
