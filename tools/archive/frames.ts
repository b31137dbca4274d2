// The file format, from outside in. An archive is a sequence of Zstandard frames (RFC 8878), so `zstd -dc` reads it.
// Each holds one MessagePack document, and a skippable frame before it, which zstd passes over, tells its size and
// checksum:
//
//   byte  0  uint32 LE  magic of a skippable frame, 0x184D2A5D
//         4  uint32 LE  24: bytes that follow
//         8  4 bytes    "TMA1"
//        12  uint32 LE  bytes of the Zstandard frame that follows
//        16  uint32 LE  bytes of the document in it
//        20  uint32 LE  0 (reserved)
//        24  uint64 LE  xxHash64 of the Zstandard frame, seed: where this mark begins in the file
//        32             the Zstandard frame
//
// The seed makes a frame that was moved, repeated or left out show as damage. Documents that would not shrink, such as
// batches that their producer compressed, are put into the frame as stored blocks.

import type { XxHash64 } from '../../src/base/xxhash.ts';
import { compress, decompress } from '../../src/record/index.ts';

const MARK_MAGIC = 0x184d2a5d;
/** Bytes before each frame. */
export const MARK_BYTES = 32;
const SIGNATURE = 'TMA1';
const FRAME_MAGIC = 0xfd2fb528;
/** A frame of one segment with its content size in eight bytes, no checksum (ours is outside). */
const STORED_DESCRIPTOR = 0xe0;
const STORED_HEAD_BYTES = 13;
const BLOCK_BYTES_MAX = 128 * 1024;
/** No document is larger: a batch has two gigabytes at most, a broker's answer far less. */
export const DOCUMENT_BYTES_MAX = 512 * 1024 * 1024;

/** What a mark says of the frame behind it. */
export interface Mark {
  readonly frameBytes: number;
  readonly documentBytes: number;
  readonly hash: bigint;
}

/** A mark and its frame, as they stand in the file at `position`. `level` 0 stores. */
export function encodeFrame(
  document: Buffer,
  position: number,
  { level, hasher }: { readonly level: number; readonly hasher: XxHash64 },
): Buffer {
  const frame = level === 0 ? null : compress('zstd', document, { level });
  // A frame of another compressor than ours need not name its content's size; that is in the mark.
  const bytes =
    frame === null || frame.length >= document.length ? stored(document) : prefixed(frame);
  bytes.writeUInt32LE(MARK_MAGIC, 0);
  bytes.writeUInt32LE(MARK_BYTES - 8, 4);
  bytes.write(SIGNATURE, 8, 'latin1');
  bytes.writeUInt32LE(bytes.length - MARK_BYTES, 12);
  bytes.writeUInt32LE(document.length, 16);
  bytes.writeUInt32LE(0, 20);
  bytes.writeBigUInt64LE(hasher.hash(bytes.subarray(MARK_BYTES), BigInt(position)), 24);
  return bytes;
}

function prefixed(frame: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(MARK_BYTES + frame.length);
  frame.copy(bytes, MARK_BYTES);
  return bytes;
}

/** The document in stored blocks. */
function stored(document: Buffer): Buffer {
  const blocks = Math.max(1, Math.ceil(document.length / BLOCK_BYTES_MAX));
  const bytes = Buffer.allocUnsafe(MARK_BYTES + STORED_HEAD_BYTES + 3 * blocks + document.length);
  let at = bytes.writeUInt32LE(FRAME_MAGIC, MARK_BYTES);
  at = bytes.writeUInt8(STORED_DESCRIPTOR, at);
  at = bytes.writeBigUInt64LE(BigInt(document.length), at);
  for (let block = 0; block < blocks; block++) {
    const from = block * BLOCK_BYTES_MAX;
    const size = Math.min(BLOCK_BYTES_MAX, document.length - from);
    at = bytes.writeUIntLE((size << 3) | Number(block === blocks - 1), at, 3);
    at += document.copy(bytes, at, from, from + size);
  }
  return bytes;
}

/** Reads a mark; null when there is none. */
export function decodeMark(bytes: Buffer): Mark | null {
  if (bytes.length < MARK_BYTES || bytes.readUInt32LE(0) !== MARK_MAGIC) return null;
  if (bytes.readUInt32LE(4) !== MARK_BYTES - 8) return null;
  if (bytes.toString('latin1', 8, 12) !== SIGNATURE) return null;
  const frameBytes = bytes.readUInt32LE(12);
  const documentBytes = bytes.readUInt32LE(16);
  if (documentBytes > DOCUMENT_BYTES_MAX || frameBytes > DOCUMENT_BYTES_MAX) return null;
  return { frameBytes, documentBytes, hash: bytes.readBigUInt64LE(24) };
}

/** The document in a frame. Throws RecordError when it is damaged. */
export function decodeFrame(frame: Buffer, { documentBytes }: Mark): Buffer {
  const isStored =
    frame.length >= STORED_HEAD_BYTES &&
    frame.readUInt32LE(0) === FRAME_MAGIC &&
    frame[4] === STORED_DESCRIPTOR;
  return (
    (isStored ? unstored(frame, documentBytes) : null) ??
    decompress('zstd', frame, DOCUMENT_BYTES_MAX)
  );
}

/** Null when a block is of another kind than {@link stored} makes. */
function unstored(frame: Buffer, documentBytes: number): Buffer | null {
  const document = Buffer.allocUnsafe(documentBytes);
  let to = 0;
  for (let at = STORED_HEAD_BYTES; at + 3 <= frame.length; ) {
    const head = frame.readUIntLE(at, 3);
    const size = head >>> 3;
    if (((head >>> 1) & 3) !== 0 || to + size > documentBytes) return null;
    frame.copy(document, to, at + 3, at + 3 + size);
    to += size;
    at += 3 + size;
    if ((head & 1) === 1) return to === documentBytes && at === frame.length ? document : null;
  }
  return null;
}
