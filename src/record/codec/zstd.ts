// Zstandard (RFC 8878): node:zlib where Node has it (22.15 and later), else the WebAssembly build
// in
// @bokuweb/zstd-wasm, which starts asynchronously, hence prepareZstd().
// Frames are walked first: their block headers bound the expanded size, whatever size the frame
// claims.

import { KafkaError } from '../../base/kafka-errors.ts';
import { codecMissing, corruptBlock, expandedTooLarge, tryLoadOwn, zlib } from './support.ts';

const PACKAGE = '@bokuweb/zstd-wasm';
const LEVEL_DEFAULT = 3;
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_BYTES_MAX = 128 * 1024;

interface Zstd {
  compress(bytes: Buffer, level: number): Buffer;
  /** Expands one frame to at most `maxBytes`. */
  decompress(frame: Buffer, maxBytes: number): Buffer;
}

interface ZlibWithZstd {
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
  zstdCompressSync(bytes: Buffer, options: { params: Record<number, number> }): Buffer;
  zstdDecompressSync(bytes: Buffer, options: { maxOutputLength: number }): Buffer;
}

interface ZstdWasm {
  init(): Promise<void>;
  compress(bytes: Buffer, level: number): Uint8Array;
  decompress(bytes: Buffer, options: { defaultHeapSize: number }): Uint8Array;
}

let ready: Zstd | undefined;
let starting: Promise<void> | undefined;

function fromNode(): Zstd | undefined {
  if (!('zstdCompressSync' in zlib())) return undefined;
  const node = zlib() as unknown as ZlibWithZstd;
  const levelKey = node.constants.ZSTD_c_compressionLevel;
  return {
    compress: (bytes, level) => node.zstdCompressSync(bytes, { params: { [levelKey]: level } }),
    decompress: (frame, maxBytes) => node.zstdDecompressSync(frame, { maxOutputLength: maxBytes }),
  };
}

async function startWasm(): Promise<void> {
  // Who starts the package a second time, as another copy of us would, mixes up the memory of the first: batches of
  // zeros came out.
  const result = tryLoadOwn(PACKAGE);
  if ('error' in result) throw codecMissing('zstd', PACKAGE, result.error);
  const wasm = result.module as ZstdWasm;
  await wasm.init();
  ready = {
    compress: (bytes, level) => asBuffer(wasm.compress(bytes, level)),
    decompress: (frame, maxBytes) =>
      asBuffer(wasm.decompress(frame, { defaultHeapSize: maxBytes })),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Makes the two calls below usable; costs one WebAssembly start on a Node without zstd, nothing
 * elsewhere.
 */
export async function prepareZstd(): Promise<void> {
  ready ??= fromNode();
  if (ready !== undefined) return;
  starting ??= startWasm();
  await starting;
}

export function zstdReady(): boolean {
  ready ??= fromNode();
  return ready !== undefined;
}

function zstd(): Zstd {
  ready ??= fromNode();
  if (ready === undefined) {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `zstd is not ready: await prepareCodec('zstd') once before using it (package ${PACKAGE})`,
    );
  }
  return ready;
}

export function zstdCompress(bytes: Buffer, level = LEVEL_DEFAULT): Buffer {
  return zstd().compress(bytes, level);
}

export function zstdDecompress(bytes: Buffer, maxBytes: number): Buffer {
  const codec = zstd();
  const parts: Buffer[] = [];
  let left = maxBytes;
  let position = 0;
  while (position < bytes.length) {
    const frame = readFrame(bytes, position);
    position = frame.end;
    if (frame.skippable) continue;
    // A frame's own size claim is exact when it is there; the WebAssembly build allocates by it.
    const size = frame.claimedBytes ?? frame.boundBytes;
    if (size > frame.boundBytes) {
      throw corruptBlock('zstd', `a frame cannot hold the ${size} bytes it claims`, frame.start);
    }
    if (frame.claimedBytes !== null && size > left) throw expandedTooLarge('zstd', maxBytes);
    const part = expandFrame(codec, bytes.subarray(frame.start, frame.end), {
      capacity: Math.max(1, Math.min(size, left)),
      capped: size > left,
      maxBytes,
    });
    left -= part.length;
    parts.push(part);
  }
  if (parts.length === 0) throw corruptBlock('zstd', 'there is no frame', 0);
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

interface Capacity {
  readonly capacity: number;
  readonly capped: boolean;
  readonly maxBytes: number;
}

function expandFrame(codec: Zstd, frame: Buffer, limits: Capacity): Buffer {
  try {
    return codec.decompress(frame, limits.capacity);
  } catch (error) {
    // Both builds refuse to go beyond the capacity; only then could the true size be larger than
    // allowed.
    if (limits.capped && isTooSmall(error)) throw expandedTooLarge('zstd', limits.maxBytes);
    throw error;
  }
}

function isTooSmall(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // -70 is ZSTD_error_dstSize_tooSmall.
  return error.message.includes('code -70') || error instanceof RangeError;
}

interface Frame {
  readonly start: number;
  readonly end: number;
  readonly skippable: boolean;
  readonly claimedBytes: number | null;
  readonly boundBytes: number;
}

function readFrame(bytes: Buffer, start: number): Frame {
  need(bytes, start, 8);
  const magic = bytes.readUInt32LE(start);
  if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE_MAGIC) {
    const length = bytes.readUInt32LE(start + 4);
    need(bytes, start + 8, length);
    return { start, end: start + 8 + length, skippable: true, claimedBytes: null, boundBytes: 0 };
  }
  if (magic !== FRAME_MAGIC) throw corruptBlock('zstd', 'no frame begins here', start);
  const descriptor = bytes[start + 4] as number;
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
  const sizeAt = start + 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] as number;
  need(bytes, sizeAt, sizeBytes);
  const claimedBytes = readContentSize(bytes, sizeAt, sizeBytes);
  const blocks = walkBlocks(bytes, sizeAt + sizeBytes);
  const checksumBytes = (descriptor & 0x04) !== 0 ? 4 : 0;
  need(bytes, blocks.end, checksumBytes);
  const end = blocks.end + checksumBytes;
  return { start, end, skippable: false, claimedBytes, boundBytes: blocks.boundBytes };
}

function readContentSize(bytes: Buffer, position: number, length: number): number | null {
  switch (length) {
    case 0:
      return null;
    case 1:
      return bytes[position] as number;
    case 2:
      return bytes.readUInt16LE(position) + 256;
    case 4:
      return bytes.readUInt32LE(position);
    default:
      return bytes.readUInt32LE(position) + bytes.readUInt32LE(position + 4) * 0x1_0000_0000;
  }
}

function walkBlocks(bytes: Buffer, from: number): { end: number; boundBytes: number } {
  let position = from;
  let boundBytes = 0;
  for (;;) {
    need(bytes, position, 3);
    const header = bytes.readUIntLE(position, 3);
    const type = (header >>> 1) & 3;
    const size = header >>> 3;
    if (type === 3 || size > BLOCK_BYTES_MAX) {
      throw corruptBlock('zstd', 'a block of a reserved type or size', position);
    }
    // Type 1 repeats its one byte `size` times; type 0 is stored; type 2 expands to one block at
    // most.
    const length = type === 1 ? 1 : size;
    need(bytes, position + 3, length);
    boundBytes += type === 2 ? BLOCK_BYTES_MAX : size;
    position += 3 + length;
    if ((header & 1) === 1) return { end: position, boundBytes };
  }
}

function need(bytes: Buffer, position: number, length: number): void {
  if (length > bytes.length - position) {
    throw corruptBlock('zstd', 'a frame is cut off', position);
  }
}
