// The headers of producers' batches that a recovery has just read, so that nobody reads these batches a second time to
// learn what their producers had written.

import { BATCH_HEADER_BYTES, BatchHeader } from '../../record/index.ts';

/** Kept at most, of one log; whoever wrote more small batches than this since the recovery point reads them again. */
const HEADERS_MAX = 32 * 1024;

export class ScannedHeaders {
  /** Every batch with a producer from this offset up to the end of the log is here. */
  readonly from: number;
  #bytes = Buffer.alloc(0);
  #used = 0;

  constructor(from: number) {
    this.from = from;
  }

  /** Keeps a copy of the header; false when there are too many. */
  add(header: BatchHeader): boolean {
    if (this.#used === HEADERS_MAX * BATCH_HEADER_BYTES) return false;
    if (this.#used === this.#bytes.length) {
      const more = Buffer.alloc(Math.max(16 * BATCH_HEADER_BYTES, this.#used * 2));
      this.#bytes.copy(more);
      this.#bytes = more;
    }
    const { buffer, position } = header;
    buffer.copy(this.#bytes, this.#used, position, position + BATCH_HEADER_BYTES);
    this.#used += BATCH_HEADER_BYTES;
    return true;
  }

  /** In order; the header is reused. */
  *headers(): Generator<BatchHeader, void, undefined> {
    const header = new BatchHeader(this.#bytes);
    for (let at = 0; at < this.#used; at += BATCH_HEADER_BYTES) yield header.at(this.#bytes, at);
  }
}
