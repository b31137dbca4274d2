// Headers as callers write them, as records have them.

import { shown } from '../../base/option-kinds.ts';
import type { RecordHeader } from '../../record/index.ts';
import { ClientError } from '../errors.ts';
import type { OutgoingHeaders } from './options.ts';

/** Text becomes UTF-8. Throws ClientError `invalid_record` for a value that is neither text nor bytes nor null. */
export function recordHeaders(given: OutgoingHeaders): RecordHeader[] {
  if (isList(given))
    return given.map(({ key, value }) => ({ key: headerKey(key), value: headerBytes(key, value) }));
  if (typeof given !== 'object') {
    throw new ClientError('invalid_record', `headers ${shown(given)}: write { name: 'value' }`);
  }
  return Object.entries(given).map(([key, value]) => ({ key, value: headerBytes(key, value) }));
}

function isList(given: OutgoingHeaders): given is Extract<OutgoingHeaders, readonly unknown[]> {
  return Array.isArray(given);
}

function headerKey(key: unknown): string {
  if (typeof key === 'string') return key;
  const message = `a header needs a key that is text, not ${shown(key)}`;
  throw new ClientError('invalid_record', message);
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
