// The file format, from outside in. An archive is a sequence of Zstandard frames (RFC 8878), so `zstd -dc` reads it.
// Each holds one MessagePack document, and a skippable frame before it, which zstd passes over, tells its size and
// checksum:
//
//   byte  0  uint32 LE  magic of a skippable frame, 0x184D2A5D
//         4  uint32 LE  24: bytes that follow
//         8  4 bytes    "TMA1"
//        12  uint32 LE  bytes of the Zstandard frame that follows
//        16  uint32 LE  bytes of the document in it
//        20  uint32 LE  bytes of the document that come before batches; 0: it is not of the second kind (below)
//        24  uint64 LE  xxHash64, seed: where this mark begins in the file
//        32             the Zstandard frame
//
// Frames are of two kinds. In the first the hash is of the whole Zstandard frame. The second is for blocks of batches
// that are stored as they are: each batch has a CRC-32C of its own, by the producer, over all but the first 21 of its
// bytes. The hash then is of the document up to the first batch and of the header of each batch (61 bytes), in which
// that CRC is, and the CRCs stand for the rest. So nobody reads the records a second time to check them, and they are
// checked from the producer to the last reader by one and the same checksum.
//
// The seed makes a frame that was moved, repeated or left out show as damage. Documents that would not shrink, such as
// batches that their producer compressed, are put into the frame as stored blocks of 128 KiB: a frame of the second
// kind has 13 bytes before the first block and 3 before each, so that who reads can gather the pieces in one call.

import type { XxHash64 } from '../../src/base/xxhash.ts';
import {
  BATCH_HEADER_BYTES,
  compress,
  computeBatchCrc,
  decompress,
  iterateBatches,
  RecordError,
} from '../../src/record/index.ts';

const MARK_MAGIC = 0x184d2a5d;
/** Bytes before each frame. */
export const MARK_BYTES = 32;
const SIGNATURE = 'TMA1';
const FRAME_MAGIC = 0xfd2fb528;
/** A frame of one segment with its content size in eight bytes, no checksum (ours is outside). */
const STORED_DESCRIPTOR = 0xe0;
const STORED_HEAD_BYTES = 13;
const BLOCK_HEAD_BYTES = 3;
const BLOCK_BYTES_MAX = 128 * 1024;
/** No document is larger: a batch has two gigabytes at most, a broker's answer far less. */
export const DOCUMENT_BYTES_MAX = 512 * 1024 * 1024;

/** What a mark says of the frame behind it. */
export interface Mark {
  readonly frameBytes: number;
  readonly documentBytes: number;
  /** Bytes of the document before its batches, in a frame of the second kind; else 0. */
  readonly headBytes: number;
  readonly hash: bigint;
}

/** A mark and its frame, as they stand in the file at `position`. `level` 0 stores. */
export function encodeFrame(
  document: Buffer,
  position: number,
  { level, hasher }: { readonly level: number; readonly hasher: XxHash64 },
): Buffer[] {
  const compressed = level === 0 ? null : compress('zstd', document, { level });
  // A frame of another compressor than ours need not name its content's size; that is in the mark.
  const frame =
    compressed === null || compressed.length >= document.length
      ? Buffer.concat(stored([document], document.length))
      : compressed;
  const hash = hasher.hash(frame, BigInt(position));
  const sizes = { frameBytes: frame.length, documentBytes: document.length, headBytes: 0 };
  return [encodeMark({ ...sizes, hash }), frame];
}

/** The same for a block, as a frame of the second kind: nothing of the batches is copied. */
export function encodeStoredBlock(
  head: Buffer,
  batches: readonly Buffer[],
  { position, hasher }: { readonly position: number; readonly hasher: XxHash64 },
): Buffer[] {
  const documentBytes = batches.reduce((sum, { length }) => sum + length, head.length);
  const hash = hasher.hash(hashedOf(head, batches), BigInt(position));
  const frameBytes = storedBytes(documentBytes);
  const mark = encodeMark({ frameBytes, documentBytes, headBytes: head.length, hash });
  return [mark, ...stored([head, ...batches], documentBytes)];
}

function encodeMark({ frameBytes, documentBytes, headBytes, hash }: Mark): Buffer {
  const mark = Buffer.allocUnsafe(MARK_BYTES);
  mark.writeUInt32LE(MARK_MAGIC, 0);
  mark.writeUInt32LE(MARK_BYTES - 8, 4);
  mark.write(SIGNATURE, 8, 'latin1');
  mark.writeUInt32LE(frameBytes, 12);
  mark.writeUInt32LE(documentBytes, 16);
  mark.writeUInt32LE(headBytes, 20);
  mark.writeBigUInt64LE(hash, 24);
  return mark;
}

/** What the hash of a frame of the second kind is of. Throws RecordError when the batches are none. */
function hashedOf(head: Buffer, batches: readonly Buffer[]): Buffer {
  const pieces = [head];
  for (const bytes of batches) {
    let end = 0;
    for (const { position, sizeInBytes } of iterateBatches(bytes)) {
      pieces.push(bytes.subarray(position, position + BATCH_HEADER_BYTES));
      end = position + sizeInBytes;
    }
    if (end !== bytes.length) {
      const place = { offset: -1, position: end };
      throw new RecordError('truncated_batch', 'a batch is cut off', place);
    }
  }
  return Buffer.concat(pieces);
}

function blocksOf(documentBytes: number): number {
  return Math.max(1, Math.ceil(documentBytes / BLOCK_BYTES_MAX));
}

function storedBytes(documentBytes: number): number {
  return STORED_HEAD_BYTES + BLOCK_HEAD_BYTES * blocksOf(documentBytes) + documentBytes;
}

/** Everything of a stored frame but the document: its head, then the head of each block. */
function storedHeads(documentBytes: number): Buffer {
  const blocks = blocksOf(documentBytes);
  const heads = Buffer.allocUnsafe(STORED_HEAD_BYTES + BLOCK_HEAD_BYTES * blocks);
  let at = heads.writeUInt32LE(FRAME_MAGIC, 0);
  at = heads.writeUInt8(STORED_DESCRIPTOR, at);
  at = heads.writeBigUInt64LE(BigInt(documentBytes), at);
  for (let block = 0; block < blocks; block++) {
    const size = Math.min(BLOCK_BYTES_MAX, documentBytes - block * BLOCK_BYTES_MAX);
    at = heads.writeUIntLE((size << 3) | Number(block === blocks - 1), at, BLOCK_HEAD_BYTES);
  }
  return heads;
}

/** A frame of stored blocks, in pieces: the document's are among them as they are. */
function stored(document: readonly Buffer[], documentBytes: number): Buffer[] {
  const heads = storedHeads(documentBytes);
  const pieces = [heads.subarray(0, STORED_HEAD_BYTES + BLOCK_HEAD_BYTES)];
  let headAt = STORED_HEAD_BYTES + BLOCK_HEAD_BYTES;
  let room = BLOCK_BYTES_MAX;
  for (const piece of document) {
    for (let at = 0; at < piece.length; ) {
      if (room === 0) {
        pieces.push(heads.subarray(headAt, headAt + BLOCK_HEAD_BYTES));
        headAt += BLOCK_HEAD_BYTES;
        room = BLOCK_BYTES_MAX;
      }
      const taken = piece.subarray(at, at + room);
      pieces.push(taken);
      at += taken.length;
      room -= taken.length;
    }
  }
  return pieces;
}

/** Reads a mark; null when there is none. */
export function decodeMark(bytes: Buffer): Mark | null {
  if (bytes.length < MARK_BYTES || bytes.readUInt32LE(0) !== MARK_MAGIC) return null;
  if (bytes.readUInt32LE(4) !== MARK_BYTES - 8) return null;
  if (bytes.toString('latin1', 8, 12) !== SIGNATURE) return null;
  const frameBytes = bytes.readUInt32LE(12);
  const documentBytes = bytes.readUInt32LE(16);
  const headBytes = bytes.readUInt32LE(20);
  if (documentBytes > DOCUMENT_BYTES_MAX || frameBytes > DOCUMENT_BYTES_MAX) return null;
  if (headBytes > 0) {
    if (headBytes > documentBytes || frameBytes !== storedBytes(documentBytes)) return null;
  }
  return { frameBytes, documentBytes, headBytes, hash: bytes.readBigUInt64LE(24) };
}

/** Where a frame of the second kind is read to: the document comes to lie in one piece. */
export interface StoredPieces {
  readonly heads: Buffer;
  readonly document: Buffer;
  /** The two, as the frame has them. */
  readonly pieces: readonly Buffer[];
}

/** Places to read a frame of the second kind to. `document` has the document's size. */
export function storedPieces(document: Buffer): StoredPieces {
  const heads = Buffer.alloc(storedHeads(document.length).length);
  const pieces: Buffer[] = [heads.subarray(0, STORED_HEAD_BYTES + BLOCK_HEAD_BYTES)];
  for (let block = 0; block < blocksOf(document.length); block++) {
    const headAt = STORED_HEAD_BYTES + BLOCK_HEAD_BYTES * block;
    if (block > 0) pieces.push(heads.subarray(headAt, headAt + BLOCK_HEAD_BYTES));
    pieces.push(document.subarray(block * BLOCK_BYTES_MAX, (block + 1) * BLOCK_BYTES_MAX));
  }
  return { heads, document, pieces };
}

/** What is wrong with a frame of the second kind that stands at `position`; null: nothing. */
export function damageOfStored(
  { heads, document }: StoredPieces,
  { mark, position, hasher }: { mark: Mark; position: number; hasher: XxHash64 },
): string | null {
  if (!heads.equals(storedHeads(document.length))) return 'the frame is none of stored blocks';
  const head = document.subarray(0, mark.headBytes);
  const batches = document.subarray(mark.headBytes);
  try {
    if (hasher.hash(hashedOf(head, [batches]), BigInt(position)) !== mark.hash) {
      return 'the checksum is wrong';
    }
    for (const header of iterateBatches(batches)) {
      const end = header.position + header.sizeInBytes;
      if (computeBatchCrc(batches.subarray(header.position, end)) === header.crc) continue;
      return `the batch at offset ${header.baseOffset} has a wrong checksum`;
    }
    return null;
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    return 'the checksum is wrong';
  }
}

/** The document in a frame of the first kind. Throws RecordError when it is damaged. */
export function decodeFrame(frame: Buffer, { documentBytes }: Mark): Buffer {
  const isStored =
    frame.length >= STORED_HEAD_BYTES &&
    frame.readUInt32LE(0) === FRAME_MAGIC &&
    frame[4] === STORED_DESCRIPTOR;
  const document =
    (isStored ? unstored(frame, documentBytes) : null) ??
    decompress('zstd', frame, DOCUMENT_BYTES_MAX);
  if (document.length === documentBytes) return document;
  const place = { offset: -1, position: 0 };
  throw new RecordError('corrupt_batch', 'the document has another size', place);
}

/** Null when a block is of another kind than {@link stored} makes. */
function unstored(frame: Buffer, documentBytes: number): Buffer | null {
  const document = Buffer.allocUnsafe(documentBytes);
  let to = 0;
  for (let at = STORED_HEAD_BYTES; at + BLOCK_HEAD_BYTES <= frame.length; ) {
    const head = frame.readUIntLE(at, BLOCK_HEAD_BYTES);
    const size = head >>> 3;
    if (((head >>> 1) & 3) !== 0 || to + size > documentBytes) return null;
    frame.copy(document, to, at + BLOCK_HEAD_BYTES, at + BLOCK_HEAD_BYTES + size);
    to += size;
    at += BLOCK_HEAD_BYTES + size;
    if ((head & 1) === 1) return to === documentBytes && at === frame.length ? document : null;
  }
  return null;
}
