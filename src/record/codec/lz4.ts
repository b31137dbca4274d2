// LZ4 frames (lz4_Frame_format.md 1.6) through lz4-napi. It writes independent blocks of 256 KiB
// without checksums, which Java's KafkaLZ4BlockInputStream accepts, and reads every variant, but
// has no cap on what it expands. So the frames are walked first: block headers give an upper bound
// for nothing, and only where that bound exceeds the cap are the blocks' own tokens counted, which
// gives the exact size without writing a byte.

import { codecMissing, corruptBlock, expandedTooLarge, tryLoad } from './support.ts';

const FRAME_MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const STORED_BIT = 0x8000_0000;

const Flag = {
  version: 0xc0,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
} as const;

interface NativeLz4 {
  compressFrameSync(bytes: Buffer): Buffer;
  decompressFrameSync(bytes: Buffer): Buffer;
}

let loaded: NativeLz4 | undefined;

function lz4(): NativeLz4 {
  if (loaded === undefined) {
    const result = tryLoad('lz4-napi');
    if ('error' in result) throw codecMissing('lz4', 'lz4-napi', result.error);
    loaded = result.module as NativeLz4;
  }
  return loaded;
}

export function lz4Compress(bytes: Buffer): Buffer {
  return lz4().compressFrameSync(bytes);
}

export function lz4Decompress(bytes: Buffer, maxBytes: number): Buffer {
  const parts: Buffer[] = [];
  let left = maxBytes;
  for (const frame of framesIn(bytes)) {
    if (frame.boundBytes > left && exactBytes(bytes, frame) > left) {
      throw expandedTooLarge('lz4', maxBytes);
    }
    const part = lz4().decompressFrameSync(bytes.subarray(frame.start, frame.end));
    left -= part.length;
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

interface Block {
  readonly start: number;
  readonly end: number;
  readonly stored: boolean;
}

interface Frame {
  readonly start: number;
  readonly end: number;
  readonly blocks: readonly Block[];
  /** No more than this comes out of it. */
  readonly boundBytes: number;
}

function framesIn(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  let position = 0;
  while (position < bytes.length) {
    need(bytes, position, 8);
    const magic = bytes.readUInt32LE(position);
    if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE_MAGIC) {
      const length = bytes.readUInt32LE(position + 4);
      need(bytes, position + 8, length);
      position += 8 + length;
      continue;
    }
    if (magic !== FRAME_MAGIC) throw corruptBlock('lz4', 'no frame begins here', position);
    const frame = readFrame(bytes, position);
    frames.push(frame);
    position = frame.end;
  }
  if (frames.length === 0) throw corruptBlock('lz4', 'there is no frame', 0);
  return frames;
}

function readFrame(bytes: Buffer, start: number): Frame {
  const flags = bytes[start + 4] as number;
  const sizeCode = ((bytes[start + 5] as number) >>> 4) & 7;
  if ((flags & Flag.version) !== 0x40 || sizeCode < 4) {
    throw corruptBlock('lz4', 'an unknown frame version or block size', start);
  }
  if ((flags & Flag.dictionary) !== 0) {
    throw corruptBlock('lz4', 'the frame needs a dictionary', start);
  }
  const blockBytesMax = 1 << (8 + 2 * sizeCode);
  const checksumBytes = (flags & Flag.blockChecksum) !== 0 ? 4 : 0;
  const blocks: Block[] = [];
  let boundBytes = 0;
  let position = start + 7 + ((flags & Flag.contentSize) !== 0 ? 8 : 0);
  for (;;) {
    need(bytes, position, 4);
    const word = bytes.readUInt32LE(position);
    position += 4;
    if (word === 0) break;
    const stored = word >= STORED_BIT;
    const length = stored ? word - STORED_BIT : word;
    need(bytes, position, length + checksumBytes);
    blocks.push({ start: position, end: position + length, stored });
    boundBytes += stored ? length : blockBytesMax;
    position += length + checksumBytes;
  }
  const tail = (flags & Flag.contentChecksum) !== 0 ? 4 : 0;
  need(bytes, position, tail);
  return { start, end: position + tail, blocks, boundBytes };
}

function need(bytes: Buffer, position: number, length: number): void {
  if (length > bytes.length - position) {
    throw corruptBlock('lz4', 'a frame is cut off', position);
  }
}

function exactBytes(bytes: Buffer, frame: Frame): number {
  let total = 0;
  for (const block of frame.blocks) {
    total += block.stored ? block.end - block.start : blockBytes(bytes, block);
  }
  return total;
}

/**
 * Expanded size of one compressed block: its sequences are literals (counted) and matches
 * (counted), nothing more.
 */
function blockBytes(bytes: Buffer, block: Block): number {
  let total = 0;
  let position = block.start;
  while (position < block.end) {
    const token = bytes[position++] as number;
    let literals = token >>> 4;
    if (literals === 15) {
      for (let more = 255; more === 255 && position < block.end; literals += more) {
        more = bytes[position++] as number;
      }
    }
    total += literals;
    position += literals;
    if (position >= block.end) break;
    position += 2;
    let match = (token & 15) + 4;
    if (match === 19) {
      for (let more = 255; more === 255 && position < block.end; match += more) {
        more = bytes[position++] as number;
      }
    }
    total += match;
  }
  return total;
}
