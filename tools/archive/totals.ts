// Adds up what an archive holds, and sees whether its blocks follow each other.

import { type BatchHeader, iterateBatches } from '../../src/record/index.ts';
import { isDense, recordsOf } from '../batches/packer.ts';
import type { ArchiveStretch, PartitionTotals } from './documents.ts';

/** `topic/partition`. */
export function placeOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

type Sums = { -readonly [K in keyof PartitionTotals]: PartitionTotals[K] };

/** What records of one range there are in some batches. */
export interface Measured {
  readonly records: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Offsets without records from the first to the last. */
  readonly missing: number;
  readonly maxTimestamp: number;
}

/** Totals by partition. */
export class Totals {
  readonly #byPlace = new Map<string, Sums>();

  constructor(stretches: readonly ArchiveStretch[]) {
    for (const { topic, partition, from } of stretches) {
      this.#byPlace.set(placeOf({ topic, partition }), {
        topic,
        partition,
        from,
        to: from,
        records: 0,
        bytes: 0,
        firstOffset: -1,
        lastOffset: -1,
        missing: 0,
        maxTimestamp: -1,
      });
    }
  }

  /** Where the next block of the partition has to begin; null for one that the head does not name. */
  position(place: string): number | null {
    return this.#byPlace.get(place)?.to ?? null;
  }

  /** What was counted before. */
  restore(totals: readonly PartitionTotals[]): void {
    for (const one of totals) this.#byPlace.set(placeOf(one), { ...one });
  }

  /** Counts a block of so many payload bytes. */
  add(block: ArchiveStretch & { readonly payload: number }, measured: Measured): void {
    const sums = this.#byPlace.get(placeOf(block));
    if (sums === undefined) return;
    sums.to = block.to;
    if (measured.records === 0) return;
    if (sums.firstOffset < 0) sums.firstOffset = measured.firstOffset;
    else sums.missing += measured.firstOffset - sums.lastOffset - 1;
    sums.records += measured.records;
    sums.bytes += block.payload;
    sums.lastOffset = measured.lastOffset;
    sums.missing += measured.missing;
    sums.maxTimestamp = Math.max(sums.maxTimestamp, measured.maxTimestamp);
  }

  all(): PartitionTotals[] {
    return [...this.#byPlace.values()].map((one) => ({ ...one }));
  }
}

/** Looks at headers, and into batches only where those do not tell. Throws RecordError for damage. */
export async function measure(
  pieces: readonly Buffer[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Measured> {
  let records = 0;
  let firstOffset = -1;
  let lastOffset = -1;
  let maxTimestamp = -1;
  for (const header of pieces.flatMap((bytes) => [...iterateBatches(bytes)])) {
    const { baseOffset } = header;
    maxTimestamp = Math.max(maxTimestamp, header.maxTimestamp);
    if (isDense(header) && baseOffset >= from && header.lastOffset < to) {
      records += header.recordCount;
      if (firstOffset < 0) firstOffset = baseOffset;
      lastOffset = header.lastOffset;
      continue;
    }
    for (const { offset } of await recordsOf(batchAt(header))) {
      if (offset < from || offset >= to) continue;
      records += 1;
      if (firstOffset < 0) firstOffset = offset;
      lastOffset = offset;
    }
  }
  const missing = records === 0 ? 0 : lastOffset - firstOffset + 1 - records;
  return { records, firstOffset, lastOffset, missing, maxTimestamp };
}

function batchAt(header: BatchHeader): Buffer {
  return header.buffer.subarray(header.position, header.position + header.sizeInBytes);
}
