// Base offsets are outside of the checksum: a whole batch may carry one that is wrong. Believed, one that is too high
// makes every batch behind it look out of order, so that the good ones are taken for damage. Which of two batches lies
// is told by what follows: the one is believed with which more batches are in order.

import { readInt64 } from '../../base/int64.ts';
import { BATCH_HEADER_BYTES, BatchHeader } from '../../record/index.ts';
import type { DiskFile } from '../disk/disk.ts';
import {
  findNextBatch,
  plausibleSize,
  type ResyncOptions,
  type ScanOptions,
  type ScanResult,
  type ScanVisitor,
  scanBatches,
} from './batch-scan.ts';

/** Batches looked at behind one that is doubted. */
const FOLLOWERS_MAX = 8;
const CHUNK_BYTES = 64 * 1024;

interface Span {
  readonly baseOffset: number;
  readonly lastOffset: number;
}

interface Doubted extends Span {
  readonly file: DiskFile;
  /** Where the next batch begins, and where what may be looked at ends. */
  readonly behind: number;
  readonly to: number;
  /** The offset due at the doubted batch. */
  readonly expected: number;
  /** Batches behind it end below. */
  readonly offsetLimit: number;
}

/**
 * Whether a whole batch, which leaves offsets out, has a wrong base offset, as the batches behind it show. Throws
 * DiskError.
 */
export async function isMisplaced(doubted: Doubted): Promise<boolean> {
  const { file, behind, to, baseOffset, lastOffset, expected, offsetLimit } = doubted;
  if (baseOffset <= expected) return false;
  const followers: Span[] = [];
  await scanBatches(
    { file, from: behind, to, depth: 'checked', chunkBytes: CHUNK_BYTES },
    (header) => {
      if (header.lastOffset < offsetLimit) {
        followers.push({ baseOffset: header.baseOffset, lastOffset: header.lastOffset });
      }
      // Nothing contradicts it.
      if (followers.length === 1 && header.baseOffset > lastOffset) return false;
      return followers.length < FOLLOWERS_MAX;
    },
  );
  const first = followers[0];
  if (first === undefined || first.baseOffset > lastOffset) return false;
  const believed = 1 + longestOrder(followers, lastOffset + 1);
  const without = longestOrder(followers, expected);
  if (believed !== without) return believed < without;
  // The room before the next batch is exactly that of this one.
  return first.baseOffset - expected === lastOffset - baseOffset + 1;
}

/** How many of the batches can be in order at most, of those from `expected` on. */
function longestOrder(spans: readonly Span[], expected: number): number {
  const lengths: number[] = [];
  for (const [index, span] of spans.entries()) {
    let before = span.baseOffset >= expected ? 0 : -1;
    for (let other = 0; other < index; other += 1) {
      const length = lengths[other] as number;
      if ((spans[other] as Span).lastOffset < span.baseOffset) before = Math.max(before, length);
    }
    lengths.push(before < 0 ? 0 : before + 1);
  }
  return Math.max(0, ...lengths);
}

export interface OrderedScan extends Omit<ScanOptions, 'depth' | 'lookAhead'> {
  /** The offset due next; -1 when unknown. Asked before each batch. */
  readonly expected: () => number;
  /** Every batch ends below. */
  readonly offsetLimit: number;
}

/** As scanBatches with checksums; a batch whose base offset is wrong by what follows ends it as a bad one. */
export async function scanInOrder(options: OrderedScan, visit: ScanVisitor): Promise<ScanResult> {
  const { file, to, offsetLimit } = options;
  let { from } = options;
  let trusted = -1;
  for (;;) {
    let doubt: (Doubted & { readonly position: number }) | null = null;
    const scan = { ...options, from, depth: 'checked', lookAhead: true } as const;
    const result = await scanBatches(scan, (header, position, bytes, nextBase) => {
      const expected = Math.max(0, options.expected());
      const { baseOffset, lastOffset } = header;
      const contradicted = nextBase >= expected && nextBase <= lastOffset && baseOffset > expected;
      if (contradicted && position !== trusted) {
        const behind = position + bytes;
        doubt = { file, position, behind, to, baseOffset, lastOffset, expected, offsetLimit };
        return false;
      }
      return visit(header, position, bytes, nextBase);
    });
    if (doubt === null) return result;
    const { position } = doubt as { readonly position: number };
    if (await isMisplaced(doubt)) return { end: 'bad', position };
    trusted = position;
    from = position;
  }
}

export interface OrderedResync extends ResyncOptions {
  /** Where a batch ends for sure: none lies on both sides of it. */
  readonly boundary?: number;
}

/** As findNextBatch; a batch whose base offset is wrong by what follows does not count. */
export async function findNextInOrder(
  options: OrderedResync,
): Promise<{ position: number; baseOffset: number } | null> {
  const { file, to, offsetMin, offsetLimit, boundary = offsetLimit } = options;
  let { from } = options;
  const buffer = Buffer.allocUnsafe(BATCH_HEADER_BYTES);
  for (;;) {
    const found = await findNextBatch({ ...options, from });
    if (found === null) return null;
    const { position } = found;
    await file.read(buffer, position);
    const { baseOffset, lastOffset, sizeInBytes } = new BatchHeader(buffer);
    const behind = position + sizeInBytes;
    const span = { baseOffset, lastOffset, expected: offsetMin, offsetLimit };
    const inside = baseOffset >= boundary || lastOffset < boundary;
    if (inside && !(await isMisplaced({ file, behind, to, ...span }))) return found;
    from = position + 1;
  }
}

/** Whether two places hold the header of the same batch. */
export async function isSameBatch(
  one: { readonly file: DiskFile; readonly position: number },
  other: { readonly file: DiskFile; readonly position: number },
): Promise<boolean> {
  const headers = [one, other].map(async ({ file, position }) => {
    const header = Buffer.alloc(BATCH_HEADER_BYTES);
    const count = await file.read(header, position);
    return count === header.length && plausibleSize(header, 0) > 0 ? header : null;
  });
  const [first, second] = await Promise.all(headers);
  if (first === undefined || first === null || second === undefined || second === null)
    return false;
  return readInt64(first, 0) === readInt64(second, 0) && first.equals(second);
}
