// Walks the batches of one segment file in order, by their headers, with or without checking checksums. Recovery,
// index rebuilds, reads and searches by time all step through files with this.

import { readInt64 } from '../../base/int64.ts';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  computeBatchCrc,
  LOG_OVERHEAD,
  MAGIC_V2,
} from '../../record/index.ts';
import type { DiskFile } from '../disk/disk.ts';
import { withScanMemory } from './scan-memory.ts';

/** Bytes read at once while walking. */
export const SCAN_CHUNK_BYTES = 1024 * 1024;
/** Where headers alone are wanted, and batches are this long, a read for each costs less than all of the bytes. */
const SPARSE_BYTES = 32 * 1024;
/** What a walk over headers reads first, before it knows how long batches are. */
const FIRST_CHUNK_BYTES = 64 * 1024;

/** Smallest value of the batch length field: a header without records. */
const BATCH_LENGTH_MIN = BATCH_HEADER_BYTES - LOG_OVERHEAD;

/**
 * Bytes of the batch whose header is at `position` of `buffer`, or 0 when no header of ours can look like this.
 * The 61 bytes must be in the buffer. The checksum is not looked at.
 */
export function plausibleSize(buffer: Buffer, position: number): number {
  if (buffer.readInt8(position + BatchField.magic) !== MAGIC_V2) return 0;
  const length = buffer.readInt32BE(position + BatchField.batchLength);
  if (length < BATCH_LENGTH_MIN) return 0;
  if (buffer.readInt32BE(position + BatchField.lastOffsetDelta) < 0) return 0;
  if (buffer.readInt32BE(position + BatchField.recordCount) < 0) return 0;
  // A base or time beyond the safe integers was never accepted by us, and no view of the header could show it.
  const base = readInt64(buffer, position + BatchField.baseOffset);
  if (!(base >= 0)) return 0;
  const maxTimestamp = readInt64(buffer, position + BatchField.maxTimestamp);
  return Number.isNaN(maxTimestamp) ? 0 : length + LOG_OVERHEAD;
}

/** Whether the bytes of one whole batch carry the checksum that its header states. */
export function crcMatches(batch: Buffer): boolean {
  return computeBatchCrc(batch) === batch.readUInt32BE(BatchField.crc);
}

export interface ScanOptions {
  readonly file: DiskFile;
  /** Position of a batch's first byte. */
  readonly from: number;
  /** Walks no further than this position; a batch that would cross it counts as bad. */
  readonly to: number;
  /** `checked`: bodies are read and checksums compared. `headers`: bodies are stepped over. */
  readonly depth: 'headers' | 'checked';
  /** Bytes read at once; less where only a few batches are wanted. */
  readonly chunkBytes?: number;
  /** No batch that begins here or behind is wanted, so not much more is read; default: `to`. */
  readonly until?: number;
  /** Memory to read into where it is large enough, for visitors that keep nothing of it; default: new memory. */
  readonly memory?: Buffer;
  /** Whether the visitor is told the base offset that the batch behind states. */
  readonly lookAhead?: boolean;
}

/**
 * Sees one batch: its header, its position in the file, its bytes in all. With `checked`, the whole batch lies in
 * `header.buffer` from `header.position` on. Returns false to stop before this batch. The header is reused. `nextBase`:
 * with `lookAhead`, the base offset of the batch behind; -1 when there is none or it looks like none.
 */
export type ScanVisitor = (
  header: BatchHeader,
  position: number,
  bytes: number,
  nextBase: number,
) => boolean;

/** Where a walk ended: at the end, because the visitor said so, or at a batch that is not whole and good. */
export interface ScanResult {
  readonly end: 'end' | 'stopped' | 'bad';
  readonly position: number;
}

/** A window of the file in memory. */
class Window {
  readonly #file: DiskFile;
  readonly #to: number;
  /** Read at once. */
  #chunkBytes: number;
  readonly #until: number;
  readonly #memory: Buffer | null;
  buffer: Buffer = Buffer.alloc(0);
  start = 0;

  constructor(options: ScanOptions) {
    this.#file = options.file;
    this.#to = options.to;
    this.#chunkBytes = options.chunkBytes ?? SCAN_CHUNK_BYTES;
    this.#until = options.until ?? options.to;
    this.#memory = options.memory ?? null;
  }

  holds(position: number, bytes: number): boolean {
    return position >= this.start && position + bytes <= this.start + this.buffer.length;
  }

  /** From now on this much is read at once. */
  resize(chunkBytes: number): void {
    this.#chunkBytes = chunkBytes;
  }

  /** Loads so that `bytes` from `position` are in the window, if the file has them. */
  async load(position: number, bytes: number): Promise<boolean> {
    const ahead = Math.min(this.#chunkBytes, this.#until - position);
    const want = Math.min(Math.max(bytes, ahead), this.#to - position);
    if (want < bytes) return false;
    const memory = this.#memory;
    const fits = memory !== null && memory.length >= want;
    const buffer = fits ? memory.subarray(0, want) : Buffer.allocUnsafe(want);
    const count = await this.#file.read(buffer, position);
    this.buffer = count === want ? buffer : buffer.subarray(0, count);
    this.start = position;
    return count >= bytes;
  }
}

/** Walks batches from `from` to `to`. Throws DiskError when the disk refuses. */
export function scanBatches(options: ScanOptions, visit: ScanVisitor): Promise<ScanResult> {
  if (options.depth === 'checked' || options.memory !== undefined) return scan(options, visit);
  // Visitors of headers have nothing to keep.
  return withScanMemory((memory) => scan({ ...options, memory }, visit));
}

async function scan(options: ScanOptions, visit: ScanVisitor): Promise<ScanResult> {
  const { from, to, depth, lookAhead = false, chunkBytes = SCAN_CHUNK_BYTES } = options;
  const window = new Window(options);
  if (depth === 'headers') window.resize(Math.min(chunkBytes, FIRST_CHUNK_BYTES));
  const header = new BatchHeader(window.buffer);
  let position = from;
  while (position < to) {
    if (!window.holds(position, BATCH_HEADER_BYTES)) {
      if (!(await window.load(position, BATCH_HEADER_BYTES))) return { end: 'bad', position };
    }
    const bytes = plausibleSize(window.buffer, position - window.start);
    if (bytes === 0 || position + bytes > to) return { end: 'bad', position };
    if (depth === 'checked') {
      const ahead = lookAhead ? Math.min(bytes + BATCH_HEADER_BYTES, to - position) : bytes;
      if (!window.holds(position, ahead)) await window.load(position, ahead);
      if (!window.holds(position, bytes)) return { end: 'bad', position };
      const at = position - window.start;
      if (!crcMatches(window.buffer.subarray(at, at + bytes))) return { end: 'bad', position };
    }
    header.at(window.buffer, position - window.start);
    const nextBase = lookAhead ? baseAt(window, position + bytes) : -1;
    if (!visit(header, position, bytes, nextBase)) return { end: 'stopped', position };
    if (depth === 'headers') {
      window.resize(bytes >= SPARSE_BYTES ? BATCH_HEADER_BYTES : chunkBytes);
    }
    position += bytes;
  }
  return { end: 'end', position };
}

/** The base offset that a header in the window states; -1 when there is none. */
function baseAt(window: Window, position: number): number {
  if (!window.holds(position, BATCH_HEADER_BYTES)) return -1;
  const at = position - window.start;
  return plausibleSize(window.buffer, at) > 0 ? readInt64(window.buffer, at) : -1;
}

export interface ResyncOptions {
  readonly file: DiskFile;
  /** The first position that may hold a good batch. */
  readonly from: number;
  readonly to: number;
  /** Base offsets a good batch may have: from `offsetMin` up to, not including, `offsetLimit`. */
  readonly offsetMin: number;
  readonly offsetLimit: number;
}

/**
 * The next good batch after damage: a plausible header with an offset in range whose checksum matches. Null when
 * there is none up to `to`.
 */
export async function findNextBatch(
  options: ResyncOptions,
): Promise<{ position: number; baseOffset: number } | null> {
  const { file, from, to, offsetMin, offsetLimit } = options;
  const chunk = Buffer.allocUnsafe(Math.min(SCAN_CHUNK_BYTES, Math.max(0, to - from)));
  for (let start = from; start + BATCH_HEADER_BYTES <= to; ) {
    const want = Math.min(chunk.length, to - start);
    const count = await file.read(want === chunk.length ? chunk : chunk.subarray(0, want), start);
    if (count < BATCH_HEADER_BYTES) return null;
    for (let at = 0; at + BATCH_HEADER_BYTES <= count; at++) {
      // Cheapest test first: nearly every byte of the damage fails it.
      if (chunk[at + BatchField.magic] !== MAGIC_V2) continue;
      const bytes = plausibleSize(chunk, at);
      if (bytes === 0 || start + at + bytes > to) continue;
      const baseOffset = readInt64(chunk, at);
      if (baseOffset < offsetMin || baseOffset >= offsetLimit) continue;
      const batch = await wholeBatch(file, chunk.subarray(at, count), start + at, bytes);
      if (batch !== null && crcMatches(batch)) return { position: start + at, baseOffset };
    }
    start += count - BATCH_HEADER_BYTES + 1;
  }
  return null;
}

async function wholeBatch(
  file: DiskFile,
  loaded: Buffer,
  position: number,
  bytes: number,
): Promise<Buffer | null> {
  if (loaded.length >= bytes) return loaded.subarray(0, bytes);
  const batch = Buffer.allocUnsafe(bytes);
  return (await file.read(batch, position)) === bytes ? batch : null;
}
