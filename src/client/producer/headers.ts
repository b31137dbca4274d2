// Headers as callers write them, as records have them.

import type { RecordHeader } from '../../record/index.ts';
import { ClientError } from '../errors.ts';
import type { OutgoingHeaders } from './options.ts';

/** Text becomes UTF-8. Throws ClientError `invalid_record` for a value that is neither text nor bytes nor null. */
export function recordHeaders(given: OutgoingHeaders): RecordHeader[] {
  if (isList(given))
    return given.map(({ key, value }) => ({ key, value: headerBytes(key, value) }));
  return Object.entries(given).map(([key, value]) => ({ key, value: headerBytes(key, value) }));
}

function isList(given: OutgoingHeaders): given is Extract<OutgoingHeaders, readonly unknown[]> {
  return Array.isArray(given);
}

function headerBytes(key: string, value: string | Uint8Array | null): Buffer | null {
  if (value === null) return null;
  if (typeof value === 'string') return Buffer.from(value);
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  const message = `header '${key}' is a value of type ${typeof value}: give text, bytes or null`;
  throw new ClientError('invalid_record', message);
}
