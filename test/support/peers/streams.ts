// Small helpers for feeding and reading the text forms of the tools.

const PIECE_BYTES = 256 * 1024;

/** Joins many small buffers into pieces of about 256 KiB, so that a pipe is written seldom. */
export function* gather(parts: Iterable<Buffer>): Generator<Buffer> {
  let kept: Buffer[] = [];
  let bytes = 0;
  for (const part of parts) {
    kept.push(part);
    bytes += part.length;
    if (bytes >= PIECE_BYTES) {
      yield Buffer.concat(kept, bytes);
      kept = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(kept, bytes);
}

/** Gathers an iterable into arrays whose sizes, as `sizeOf` tells them, reach `bytes`. */
export function* batches<T>(
  items: Iterable<T>,
  bytes: number,
  sizeOf: (item: T) => number,
): Generator<T[]> {
  let batch: T[] = [];
  let size = 0;
  for (const item of items) {
    batch.push(item);
    size += sizeOf(item);
    if (size >= bytes) {
      yield batch;
      batch = [];
      size = 0;
    }
  }
  if (batch.length > 0) yield batch;
}
