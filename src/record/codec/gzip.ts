// gzip through node:zlib, which reads several members in a row and stops at `maxOutputLength` while
// expanding.

import { expandedTooLarge, zlib } from './support.ts';

const CHUNK_BYTES = 64 * 1024;

export function gzip(bytes: Buffer, level = 6): Buffer {
  return zlib().gzipSync(bytes, { level, chunkSize: CHUNK_BYTES });
}

export function gunzipCapped(bytes: Buffer, maxBytes: number): Buffer {
  try {
    // 0 would mean "no output allowed" to zlib's own argument check, hence at least 1.
    return zlib().gunzipSync(bytes, {
      maxOutputLength: Math.max(1, maxBytes),
      chunkSize: CHUNK_BYTES,
    });
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw expandedTooLarge('gzip', maxBytes);
    }
    throw error;
  }
}
