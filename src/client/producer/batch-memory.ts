// Memory of batches that were acknowledged, for those that follow. Buffers outside V8's heap wake its collector with
// every few dozen megabytes of them, and new ones cost page faults: at 1 KiB a record that is a good part of a send.
//
// Only where the bytes of a request are copied on their way (a socket does; a broker in this process keeps them), and
// only of batches that were sent once: an earlier try might still be on its way.

/** Smaller ones are cheap to make, and would not serve a large batch. */
const BYTES_MIN = 32 * 1024;
/** Sizes are multiples of it, so that batches that are about as large fit into each other's. */
const BYTES_STEP = 32 * 1024;
/** Of one producer. A pause gives all of it back. */
const TOTAL_BYTES_MAX = 8 * 1024 * 1024;

export class BatchMemory {
  readonly #free: Buffer[] = [];
  #totalBytes = 0;

  /** Memory of at least `bytes`; null for so few that it is none of its business. */
  take(bytes: number): Buffer | null {
    if (bytes < BYTES_MIN) return null;
    const found = this.#free.pop();
    this.#totalBytes -= found?.length ?? 0;
    if (found !== undefined && found.length >= bytes) return found;
    // Batches have become larger: what was for the smaller ones goes.
    return Buffer.allocUnsafeSlow(Math.ceil(bytes / BYTES_STEP) * BYTES_STEP);
  }

  /** Takes memory that nobody else has. */
  give(memory: Buffer): void {
    const { length } = memory;
    if (length < BYTES_MIN || this.#totalBytes + length > TOTAL_BYTES_MAX) return;
    this.#totalBytes += length;
    this.#free.push(memory);
  }

  clear(): void {
    this.#free.length = 0;
    this.#totalBytes = 0;
  }
}
