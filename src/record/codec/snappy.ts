// Snappy as Kafka's clients send it: raw, or in the framing of snappy-java (called xerial) that
// Java writes.
//
//   xerial: 82 'SNAPPY' 00, int32 version, int32 lowest compatible version,
//           then blocks: int32 length, raw snappy
//
// A raw block begins with its expanded size as a varint; the native package believes it, so it is
// checked here first.

import { readUnsignedVarint } from '../../base/varint.ts';
import { codecMissing, corruptBlock, expandedTooLarge, tryLoad } from './support.ts';

const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const HEADER_BYTES = 16;
// Snappy looks back at most 64 KiB, so larger blocks would compress no better.
const BLOCK_BYTES = 64 * 1024;
// The densest element is a copy: 3 bytes for 64. A size beyond that ratio is a lie, whatever the
// cap.
const EXPANSION_MAX = 22;

interface Snappy {
  compress(bytes: Buffer): Buffer;
  uncompress(bytes: Buffer): Buffer;
}

interface NativeSnappy {
  compressSync(bytes: Buffer): Buffer;
  uncompressSync(bytes: Buffer): Buffer;
}

let loaded: Snappy | undefined;

function snappy(): Snappy {
  loaded ??= loadNative() ?? loadPlain();
  return loaded;
}

function loadNative(): Snappy | undefined {
  const result = tryLoad('snappy');
  if ('error' in result) return undefined;
  const native = result.module as NativeSnappy;
  return {
    compress: (bytes) => native.compressSync(bytes),
    uncompress: (bytes) => native.uncompressSync(bytes),
  };
}

function loadPlain(): Snappy {
  const result = tryLoad('snappyjs');
  if ('error' in result) throw codecMissing('snappy', 'snappy', result.error);
  return result.module as Snappy;
}

/**
 * Uses the plain JavaScript package even where the native one is installed; for tests and
 * benchmarks.
 */
export function usePlainSnappy(plain: boolean): void {
  loaded = plain ? loadPlain() : undefined;
}

export function snappyCompress(bytes: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  const parts: Buffer[] = [header];
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const block = snappy().compress(bytes.subarray(from, from + BLOCK_BYTES));
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

export function snappyDecompress(bytes: Buffer, maxBytes: number): Buffer {
  if (!isHeader(bytes, 0)) return uncompressBlock(bytes, 0, maxBytes);
  const parts: Buffer[] = [];
  let left = maxBytes;
  let position = 0;
  while (position < bytes.length) {
    // A second header may follow where a client joined two streams.
    if (isHeader(bytes, position)) {
      if (position + HEADER_BYTES > bytes.length) throw cutOff(position);
      position += HEADER_BYTES;
      continue;
    }
    if (position + 4 > bytes.length) throw cutOff(position);
    const length = bytes.readInt32BE(position);
    position += 4;
    if (length <= 0 || length > bytes.length - position) throw cutOff(position);
    const part = uncompressBlock(bytes.subarray(position, position + length), position, left);
    position += length;
    left -= part.length;
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

function isHeader(bytes: Buffer, position: number): boolean {
  const end = position + MAGIC.length;
  return end <= bytes.length && MAGIC.compare(bytes, position, end) === 0;
}

function uncompressBlock(block: Buffer, position: number, maxBytes: number): Buffer {
  const size = readUnsignedVarint(block, { position: 0 }, block.length);
  if (size > block.length * EXPANSION_MAX) {
    throw corruptBlock('snappy', `${block.length} bytes cannot hold ${size}`, position);
  }
  if (size > maxBytes) throw expandedTooLarge('snappy', maxBytes);
  const plain = snappy().uncompress(block);
  if (plain.length !== size) throw corruptBlock('snappy', 'a wrong expanded size', position);
  return plain;
}

function cutOff(position: number): Error {
  return corruptBlock('snappy', 'a block is cut off', position);
}
