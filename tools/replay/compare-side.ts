// One side of a comparison: the records of some stretches, as they are read.

import { type Cluster, LogReader } from '../../src/client/index.ts';
import { readingOfRange } from '../batches/reading.ts';
import type { PlacedRecord, Stretch } from './types.ts';

/** Reads the stretches, a piece of one partition after the other. */
export class CompareSide {
  readonly #pieces: AsyncGenerator<PlacedRecord[], void, undefined>;
  #total = 0;
  #done = 0;

  constructor(cluster: Cluster, stretches: readonly Stretch[], signal: AbortSignal) {
    for (const { from, to } of stretches) this.#total += Math.max(0, to - from);
    this.#pieces = this.#read(cluster, stretches, signal);
  }

  /** How much of it is behind us, 0 to 1. */
  get share(): number {
    return this.#total === 0 ? 1 : this.#done / this.#total;
  }

  /** The next records; null: that was all. Throws KafkaError. */
  async next(): Promise<readonly PlacedRecord[] | null> {
    const piece = await this.#pieces.next();
    return piece.done === true ? null : piece.value;
  }

  async close(): Promise<void> {
    await this.#pieces.return();
  }

  async *#read(
    cluster: Cluster,
    stretches: readonly Stretch[],
    signal: AbortSignal,
  ): AsyncGenerator<PlacedRecord[], void, undefined> {
    for (const topic of new Set(stretches.map((one) => one.topic))) {
      const left = new Map<number, Stretch>();
      const reader = new LogReader(cluster, {
        topic,
        isolation: 'read_committed',
        ...readingOfRange(),
      });
      for (const stretch of stretches) {
        if (stretch.topic !== topic || stretch.from >= stretch.to) continue;
        left.set(stretch.partition, stretch);
        reader.set(stretch.partition, stretch.from);
      }
      if (left.size === 0) continue;
      for await (const { partition, records, fetchOffset, nextOffset } of reader.read(signal)) {
        const to = left.get(partition)?.to ?? 0;
        const piece: PlacedRecord[] = [];
        for (const record of records) {
          if (record.offset < to) piece.push({ ...record, topic, partition });
        }
        this.#done += Math.max(0, Math.min(to, nextOffset) - fetchOffset);
        yield piece;
        if (nextOffset < to) continue;
        reader.remove(partition);
        left.delete(partition);
        if (left.size === 0) break;
      }
      signal.throwIfAborted();
    }
  }
}
