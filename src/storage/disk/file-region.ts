// Ranges of segment files, to be sent without passing through memory.

import type { FileRegion } from '../../base/payload.ts';
import type { DiskFile } from './disk.ts';
import type { PinnedFile } from './file-pool.ts';

/** A region shorter than this is cheaper to read than to send from the file. */
export const REGION_BYTES_MIN = 16 * 1024;

/** Read at once into memory that is used again. */
const WARM_BYTES = 256 * 1024;
const spare: Buffer[] = [];
const SPARE_MAX = 4;

async function warm(file: DiskFile, position: number, bytes: number): Promise<void> {
  const memory = spare.pop() ?? Buffer.allocUnsafeSlow(WARM_BYTES);
  try {
    for (let at = 0; at < bytes; at += WARM_BYTES) {
      await file.read(memory.subarray(0, Math.min(WARM_BYTES, bytes - at)), position + at);
    }
  } finally {
    if (spare.length < SPARE_MAX) spare.push(memory);
  }
}

/** A file range that keeps its file open; the file may be renamed or deleted meanwhile. */
export function fileRegion(pinned: PinnedFile, position: number, bytes: number): FileRegion {
  let held = true;
  const { file } = pinned;
  return {
    byteLength: bytes,
    get source() {
      return held && file.descriptor !== null ? { descriptor: file.descriptor, position } : null;
    },
    isCached: (from, count) => file.isCached?.(position + from, count) === true,
    warm: () => warm(file, position, bytes),
    async load(from = 0, count = bytes - from) {
      const buffer = Buffer.allocUnsafeSlow(count);
      return buffer.subarray(0, await file.read(buffer, position + from));
    },
    release() {
      if (!held) return;
      held = false;
      pinned.release();
    },
  };
}
