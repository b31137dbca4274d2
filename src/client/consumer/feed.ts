// From what a fetcher read ahead to records, one at a time or all that came of a partition, without a promise for each.

import { expandRecords, RecordError, RecordScanner } from '../../record/index.ts';
import { isOtherTopic, nameOf } from '../fetch-reading.ts';
import type { FetchedRecords, ReadableBatch } from '../fetched-records.ts';
import type { Fetcher } from '../fetcher.ts';
import type { Assigned } from './assigned.ts';
import type { ConsumedRecord } from './options.ts';
import type { Progress } from './progress.ts';
import { damagedRecord, type RecordDecoder } from './record.ts';

/** Steps through what one answer held of one partition, as long as the partition is read. */
export class Chunk<K, V> {
  readonly assigned: Assigned;
  readonly progress: Progress;
  readonly fetched: FetchedRecords;
  readonly #decoder: RecordDecoder<K, V>;
  #index = -1;
  #batch: ReadableBatch | null = null;
  #scanner: RecordScanner | null = null;

  constructor(assigned: Assigned, fetched: FetchedRecords, decoder: RecordDecoder<K, V>) {
    this.assigned = assigned;
    this.progress = assigned.progress;
    this.fetched = fetched;
    this.#decoder = decoder;
  }

  /** The next record, which then is at work; null when there is no other. */
  next(): ConsumedRecord<K, V> | null {
    const { assigned, progress, fetched } = this;
    if (!assigned.isReading(progress, fetched.nextOffset)) return null;
    for (;;) {
      const scanner = this.#scanner;
      const batch = this.#batch;
      if (batch === null || scanner === null) {
        this.#index += 1;
        const next = fetched.batches[this.#index];
        if (next === undefined) {
          progress.pass(fetched.nextOffset);
          return null;
        }
        const damaged = this.#open(next);
        if (damaged !== null) return damaged;
        continue;
      }
      try {
        if (scanner.next()) {
          if (scanner.offset < fetched.fetchOffset) continue;
          progress.begin(scanner.offset, batch.leaderEpoch);
          return this.#decoder.decode(assigned, scanner, batch.leaderEpoch);
        }
        this.#scanner = null;
      } catch (error) {
        this.#scanner = null;
        return this.#damaged(batch, scanner.offset + 1, error);
      }
    }
  }

  /** Null, or what stands for a batch that cannot be opened. */
  #open(batch: ReadableBatch): ConsumedRecord<K, V> | null {
    this.#batch = batch;
    try {
      this.#scanner = new RecordScanner(expandRecords(batch.bytes), batch.context);
      return null;
    } catch (error) {
      this.#scanner = null;
      return this.#damaged(batch, batch.context.baseOffset, error);
    }
  }

  #damaged(batch: ReadableBatch, from: number, error: unknown): ConsumedRecord<K, V> {
    if (!(error instanceof RecordError)) throw error;
    const { bytes, leaderEpoch, context, nextOffset } = batch;
    const least = Math.max(from, context.baseOffset, this.fetched.fetchOffset);
    const offset = Math.min(least, nextOffset - 1);
    this.progress.begin(offset, leaderEpoch);
    return damagedRecord(this.assigned, { offset, leaderEpoch, bytes }, error);
  }
}

/** Gives what a fetcher read, of the partitions that are assigned. */
export class Feed<K, V> {
  readonly #fetcher: Fetcher;
  readonly #places: ReadonlyMap<string, Assigned>;
  readonly #decoder: RecordDecoder<K, V>;
  #chunk: Chunk<K, V> | null = null;
  /** Stretch of the record that {@link next} gave last. */
  progress: Progress | null = null;

  constructor(
    fetcher: Fetcher,
    places: ReadonlyMap<string, Assigned>,
    decoder: RecordDecoder<K, V>,
  ) {
    this.#fetcher = fetcher;
    this.#places = places;
    this.#decoder = decoder;
  }

  /** The next record, or null when nothing has come. Throws what the fetcher throws. */
  next(): ConsumedRecord<K, V> | null {
    for (;;) {
      const record = this.#chunk?.next();
      if (record) {
        this.progress = this.#chunk?.progress ?? null;
        return record;
      }
      this.#chunk = null;
      this.#chunk = this.chunk();
      if (this.#chunk === null) return null;
    }
  }

  /** What is left of a stretch of one partition, or the next one; null when nothing has come. Throws as `next`. */
  chunk(): Chunk<K, V> | null {
    const rest = this.#chunk;
    if (rest !== null) {
      this.#chunk = null;
      return rest;
    }
    for (;;) {
      const fetched = this.#fetcher.take();
      if (fetched === null) return null;
      const assigned = this.#places.get(nameOf(fetched));
      if (assigned === undefined || !assigned.active || assigned.paused) continue;
      const { topicId, fetchOffset } = fetched;
      if (isOtherTopic(assigned.topicId, topicId)) assigned.beginOther(topicId, fetchOffset);
      else if (assigned.expected !== fetchOffset) assigned.restart(fetchOffset);
      assigned.topicId = topicId;
      assigned.expected = fetched.nextOffset;
      if (fetched.batches.length > 0) return new Chunk(assigned, fetched, this.#decoder);
      assigned.progress.pass(fetched.nextOffset);
    }
  }
}
