// The largest timestamp of the records in a batch that is not compressed, without a look at anything else of them: the
// broker does this with every batch that it stores. Of each record it reads the first bytes:
//
//   varint   length of what follows
//   int8     attributes
//   varlong  timestamp, less the batch's base timestamp

import { BATCH_HEADER_BYTES, type BatchHeader, NO_TIMESTAMP } from './header.ts';
import { RECORD_BYTES_MIN } from './scanner.ts';

/** The longest of these: a length of 5 bytes, attributes, a timestamp of 10. */
const START_BYTES_MAX = 16;
/** Beyond what the tenth byte of a timestamp counts. */
const TIMESTAMP_SCALE_MAX = 2 ** 63;

/**
 * Milliseconds since the epoch, -1 where no record has a timestamp; null where the records do not fill the batch.
 * `parts` is one whole batch that passed `validateBatch`, with `header` at the head of the first part.
 */
export function largestTimestamp(parts: readonly Buffer[], header: BatchHeader): number | null {
  const delta = largestDelta(parts, header);
  if (delta === null) return null;
  const timestamp = header.baseTimestamp + delta;
  return Number.isSafeInteger(timestamp) ? Math.max(NO_TIMESTAMP, timestamp) : null;
}

/**
 * The integers are read in place, in a third of the time that varint.ts takes, which checks each: beyond the end of the
 * bytes an element is undefined, which counts for 0 here, and what is wrong shows at the end.
 */
function largestDelta(parts: readonly Buffer[], header: BatchHeader): number | null {
  let largest = Number.NEGATIVE_INFINITY;
  let index = 0;
  let part = parts[0];
  let at = BATCH_HEADER_BYTES;
  let bytesLeft = header.sizeInBytes - BATCH_HEADER_BYTES;
  for (let left = header.recordCount; left > 0; left -= 1) {
    while (part !== undefined && at >= part.length) {
      at -= part.length;
      index += 1;
      part = parts[index];
    }
    if (part === undefined) return null;
    const isSplit = part.length - at < START_BYTES_MAX && index + 1 < parts.length;
    const bytes: Buffer = isSplit ? startAcross(parts, index, at) : part;
    const start = isSplit ? 0 : at;
    let position = start;
    let byte = bytes[position++] as number;
    let coded = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = bytes[position++] as number;
      coded |= (byte & 0x7f) << shift;
    }
    const length = (coded >>> 1) ^ -(coded & 1);
    if (length < RECORD_BYTES_MIN - 1) return null;
    const whole = position - start + length;
    // Past the attributes.
    byte = bytes[++position] as number;
    const isNegative = (byte & 1) === 1;
    let magnitude = (byte & 0x7f) >>> 1;
    for (let scale = 64; byte >= 0x80 && scale < TIMESTAMP_SCALE_MAX; scale *= 128) {
      byte = bytes[++position] as number;
      magnitude += (byte & 0x7f) * scale;
    }
    const delta = isNegative ? -magnitude - 1 : magnitude;
    if (delta > largest) largest = delta;
    at += whole;
    bytesLeft -= whole;
  }
  return bytesLeft === 0 ? largest : null;
}

/** The first bytes of a record that begins near the end of a part. */
function startAcross(parts: readonly Buffer[], index: number, at: number): Buffer {
  const start: Buffer[] = [];
  let missing = START_BYTES_MAX;
  let from = at;
  for (let next = index; next < parts.length && missing > 0; next += 1) {
    const piece = (parts[next] as Buffer).subarray(from, from + missing);
    start.push(piece);
    missing -= piece.length;
    from = 0;
  }
  return Buffer.concat(start);
}
