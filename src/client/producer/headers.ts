// Headers as callers write them, as records have them.

import type { RecordHeader } from '../../record/index.ts';
import type { OutgoingHeaders } from './options.ts';

/** Text becomes UTF-8. */
export function recordHeaders(given: OutgoingHeaders): RecordHeader[] {
  if (isList(given)) return given.map(({ key, value }) => ({ key, value: headerBytes(value) }));
  return Object.entries(given).map(([key, value]) => ({ key, value: headerBytes(value) }));
}

function isList(given: OutgoingHeaders): given is Extract<OutgoingHeaders, readonly unknown[]> {
  return Array.isArray(given);
}

function headerBytes(value: string | Uint8Array | null): Buffer | null {
  if (value === null) return null;
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
