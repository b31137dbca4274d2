// Indexes of finished segments in memory, bounded over the store. Where room is short, those go that nobody has looked
// anything up in since they were last considered; they are loaded again from their files. What had to be rebuilt stays
// until it is in the files, which is when retention comes to it (log-retention.ts).

import type { Segment } from './segment.ts';

const BYTES_MAX = 64 * 1024 * 1024;
/** What a segment takes besides, also one that is gone since. */
const SEGMENT_BYTES = 1024;

export class LoadedIndexes {
  readonly #bytesMax: number;
  /** With the bytes that each takes; the first is considered next. */
  readonly #segments = new Map<Segment, number>();
  #bytes = 0;

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Takes a segment whose indexes have been loaded, and makes room. */
  add(segment: Segment): void {
    this.#forget(segment);
    this.#put(segment);
    for (const next of this.#segments.keys()) {
      if (this.#bytes <= this.#bytesMax || this.#segments.size === 1) return;
      this.#forget(next);
      if (next.indexes.takeLookedUp()) this.#put(next);
      else next.dropIndexes();
    }
  }

  #put(segment: Segment): void {
    const bytes = SEGMENT_BYTES + segment.indexes.bytes;
    this.#segments.set(segment, bytes);
    this.#bytes += bytes;
  }

  #forget(segment: Segment): void {
    this.#bytes -= this.#segments.get(segment) ?? 0;
    this.#segments.delete(segment);
  }
}
