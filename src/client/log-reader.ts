// Reads partitions of one topic.

import type { Cluster } from './cluster.ts';
import type { FetchedRecords } from './fetched-records.ts';
import { Fetcher } from './fetcher.ts';
import type { FetcherOptions } from './fetcher-options.ts';

export interface ReaderOptions extends Omit<FetcherOptions, 'onMoved'> {
  readonly topic: string;
  /** Hears of positions that had to move. */
  readonly onMoved?: (partition: number, from: number, to: number) => void;
}

/** A {@link Fetcher} of one topic. */
export class LogReader {
  readonly #topic: string;
  readonly #fetcher: Fetcher;

  constructor(cluster: Cluster, { topic, onMoved, ...options }: ReaderOptions) {
    this.#topic = topic;
    this.#fetcher = new Fetcher(cluster, {
      ...options,
      ...(onMoved && { onMoved: (place, from, to) => onMoved(place.partition, from, to) }),
    });
  }

  /** Reads the partition from `offset` on. */
  set(partition: number, offset: number): void {
    this.#fetcher.set({ topic: this.#topic, partition }, offset);
  }

  /** Stops reading the partition. */
  remove(partition: number): void {
    this.#fetcher.remove({ topic: this.#topic, partition });
  }

  /** As {@link Fetcher.read}. */
  read(signal?: AbortSignal): AsyncGenerator<FetchedRecords, void, undefined> {
    return this.#fetcher.read(signal);
  }
}
