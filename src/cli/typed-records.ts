// From what is typed or piped to records: lines with keys, or one JSON document a line.

import { textOfError } from '../base/errors.ts';
import type { ProducerRecord } from '../client/index.ts';
import { usageError } from './exit-codes.ts';
import { type Encoding, encodeText, fromJsonField, isEncoding } from './record-encoding.ts';

/** A record without its topic, its key and value as bytes. */
export type TypedRecord = Omit<ProducerRecord<Uint8Array, Uint8Array>, 'topic'>;

export interface LineForm {
  /** Cuts key and value at its first place; null: no keys. */
  readonly keyDelimiter: Buffer | null;
  /** Key of every record that has none of its own. */
  readonly key: string | null;
  readonly keyEncoding: Encoding;
  readonly valueEncoding: Encoding;
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[];
  /** An empty value becomes null, a tombstone. */
  readonly emptyIsNull: boolean;
  readonly partition: number | null;
}

/** `-H key=value`; without `=` the value is null. */
export function parseHeader(text: string): { key: string; value: Buffer | null } {
  const at = text.indexOf('=');
  if (text === '' || at === 0) throw usageError(`-H ${text}: write -H key=value`);
  if (at === -1) return { key: text, value: null };
  return { key: text.slice(0, at), value: Buffer.from(text.slice(at + 1)) };
}

function encoded(bytes: Buffer, encoding: Encoding): Buffer {
  return encoding === 'text' ? bytes : encodeText(bytes.toString('utf8'), encoding);
}

/** One line as a record. Throws a usage error when it is not of the encoding. */
export function recordOfLine(line: Buffer, form: LineForm): TypedRecord {
  const { keyDelimiter } = form;
  const at = keyDelimiter === null ? -1 : line.indexOf(keyDelimiter);
  const found = at >= 0 && keyDelimiter !== null;
  const keyBytes = found ? line.subarray(0, at) : form.key === null ? null : Buffer.from(form.key);
  const valueBytes = found ? line.subarray(at + keyDelimiter.length) : line;
  const isNull = form.emptyIsNull && valueBytes.length === 0;
  return {
    key: keyBytes === null ? null : encoded(keyBytes, form.keyEncoding),
    value: isNull ? null : encoded(valueBytes, form.valueEncoding),
    headers: form.headers,
    ...(form.partition === null ? {} : { partition: form.partition }),
  };
}

/**
 * One JSON document as a record: `{"key", "value", "headers", "partition", "timestamp", "keyEncoding",
 * "valueEncoding"}`, all optional but `value`; what `consume --json` prints is taken back as it was. Other fields are
 * ignored. Throws a usage error.
 */
export function recordOfJson(line: Buffer, form: LineForm): TypedRecord {
  const document = parseDocument(line);
  const { headers, partition = form.partition, timestamp } = document;
  if (!('value' in document))
    throw usageError('a record without "value"; write null for a tombstone');
  const key = fromJsonField(
    document['key'] ?? form.key,
    encodingOf(document['keyEncoding'], form.keyEncoding),
  );
  return {
    key,
    value: fromJsonField(
      document['value'],
      encodingOf(document['valueEncoding'], form.valueEncoding),
    ),
    headers: [...form.headers, ...headersOf(headers)],
    ...(timestamp === undefined || timestamp === null ? {} : { timestamp: timeOf(timestamp) }),
    ...(partition === null ? {} : { partition: wholeNumber(partition, 'partition') }),
  };
}

function parseDocument(line: Buffer): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(line.toString('utf8'));
  } catch (cause) {
    throw usageError(`not JSON: ${textOfError(cause)}`);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw usageError('a JSON record is an object such as {"key":"a","value":"b"}');
  }
  return document as Record<string, unknown>;
}

function encodingOf(name: unknown, fallback: Encoding): Encoding {
  if (name === undefined || name === null) return fallback;
  if (typeof name === 'string' && isEncoding(name)) return name;
  throw usageError(`${JSON.stringify(name)} is no encoding: text, hex, base64, json or msgpack`);
}

function wholeNumber(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw usageError(`"${name}" must be a whole number from 0 on`);
}

function timeOf(value: unknown): number {
  if (typeof value === 'string') {
    const parsed = Date.parse(value);
    if (!Number.isNaN(parsed)) return parsed;
  }
  if (value === -1) return -1;
  return wholeNumber(value, 'timestamp');
}

/** `[{"key","value"}]`, or `{"name": "value"}`. */
function headersOf(value: unknown): { key: string; value: Buffer | null }[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    return value.map((one: unknown) => {
      const { key, value: content, valueEncoding } = (one ?? {}) as Record<string, unknown>;
      if (typeof key !== 'string') throw usageError('a header needs a "key"');
      return { key, value: fromJsonField(content, encodingOf(valueEncoding, 'text')) };
    });
  }
  if (typeof value !== 'object') throw usageError('"headers" is a list or an object');
  return Object.entries(value).map(([key, content]) => ({
    key,
    value: fromJsonField(content, 'text'),
  }));
}
