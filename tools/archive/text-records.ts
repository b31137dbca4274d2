// Records as lines of JSON, and as CSV (RFC 4180). Text stands as it is, other bytes as base64, which is named beside.
//
//   {"topic":"orders","partition":0,"offset":12,"timestamp":1763800000000,"key":"a","value":"…",
//    "headers":[{"key":"h","value":"x"}]}
//   topic,partition,offset,timestamp,key,keyEncoding,value,valueEncoding,headers
//
// In CSV an encoding is empty for text, `base64`, or `null`; headers are the JSON above.

import { isUtf8 } from 'node:buffer';
import { textOfError } from '../../src/base/errors.ts';
import type { StoredRecord } from '../../src/record/index.ts';
import { ArchiveError } from './errors.ts';

/** A record with its place. */
export interface TextRecord extends StoredRecord {
  readonly topic: string;
  readonly partition: number;
}

export const CSV_COLUMNS = [
  'topic',
  'partition',
  'offset',
  'timestamp',
  'key',
  'keyEncoding',
  'value',
  'valueEncoding',
  'headers',
] as const;

type Encoding = '' | 'base64' | 'null';

function encodingOf(bytes: Buffer | null): Encoding {
  if (bytes === null) return 'null';
  return isUtf8(bytes) ? '' : 'base64';
}

function textOf(bytes: Buffer | null, encoding: Encoding): string {
  if (bytes === null) return '';
  return bytes.toString(encoding === 'base64' ? 'base64' : 'utf8');
}

function put(fields: Record<string, unknown>, name: string, bytes: Buffer | null): void {
  const encoding = encodingOf(bytes);
  fields[name] = bytes === null ? null : textOf(bytes, encoding);
  if (encoding === 'base64') fields[`${name}Encoding`] = encoding;
}

function headersOf(headers: TextRecord['headers']): object[] {
  return headers.map((one) => {
    const fields: Record<string, unknown> = { key: one.key };
    put(fields, 'value', one.value);
    return fields;
  });
}

/** One line of JSON, with its end. */
export function jsonLine(record: TextRecord): string {
  const { topic, partition, offset, timestamp, headers } = record;
  const fields: Record<string, unknown> = { topic, partition, offset, timestamp };
  put(fields, 'key', record.key);
  put(fields, 'value', record.value);
  if (headers.length > 0) fields['headers'] = headersOf(headers);
  return `${JSON.stringify(fields)}\n`;
}

/** One row of CSV, with its end. */
export function csvRow(record: TextRecord): string {
  const { topic, partition, offset, timestamp, key, value, headers } = record;
  const keyEncoding = encodingOf(key);
  const valueEncoding = encodingOf(value);
  const cells = [
    quoted(topic),
    partition,
    offset,
    timestamp,
    quoted(textOf(key, keyEncoding)),
    keyEncoding,
    quoted(textOf(value, valueEncoding)),
    valueEncoding,
    headers.length === 0 ? '' : quoted(JSON.stringify(headersOf(headers))),
  ];
  return `${cells.join(',')}\r\n`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line of {@link jsonLine}. Throws ArchiveError `invalid_line`. */
export function parseJsonLine(line: string, where: string): TextRecord {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch (error) {
    const why = textOfError(error);
    throw new ArchiveError('invalid_line', `${where}: no JSON: ${why}`);
  }
  if (typeof fields !== 'object' || fields === null) {
    throw new ArchiveError('invalid_line', `${where}: a JSON object is expected`);
  }
  return recordOf(fields as Record<string, unknown>, where);
}

/** A row of CSV by its column names. Throws ArchiveError `invalid_line`. */
export function parseCsvRow(
  columns: readonly string[],
  cells: readonly string[],
  where: string,
): TextRecord {
  if (cells.length !== columns.length) {
    const text = `${where}: ${cells.length} cells where ${columns.length} columns are named`;
    throw new ArchiveError('invalid_line', text);
  }
  const fields: Record<string, unknown> = {};
  for (const [at, column] of columns.entries()) fields[column] = cells[at];
  for (const name of ['partition', 'offset', 'timestamp']) {
    const text = fields[name];
    if (typeof text === 'string') fields[name] = text === '' ? undefined : Number(text);
  }
  for (const name of ['key', 'value']) {
    if (fields[`${name}Encoding`] === 'null') fields[name] = null;
  }
  const { headers } = fields;
  if (headers === '' || headers === undefined) fields['headers'] = [];
  else {
    try {
      fields['headers'] = JSON.parse(String(headers)) as unknown;
    } catch {
      throw new ArchiveError('invalid_line', `${where}: the headers are no JSON`);
    }
  }
  return recordOf(fields, where);
}

function recordOf(fields: Record<string, unknown>, where: string): TextRecord {
  const { topic } = fields;
  if (typeof topic !== 'string') {
    throw new ArchiveError('invalid_line', `${where}: "topic" is missing`);
  }
  const headers = fields['headers'] ?? [];
  if (!Array.isArray(headers)) {
    throw new ArchiveError('invalid_line', `${where}: "headers" is no list`);
  }
  return {
    topic,
    partition: numberOf(fields, 'partition', where, 0),
    offset: numberOf(fields, 'offset', where, 0),
    timestamp: numberOf(fields, 'timestamp', where, -1),
    key: bytesOf(fields, 'key', where),
    value: bytesOf(fields, 'value', where),
    headers: headers.map((one: unknown) => headerOf(one, where)),
  };
}

function headerOf(one: unknown, where: string): { key: string; value: Buffer | null } {
  const fields = Object(one) as Record<string, unknown>;
  if (typeof fields['key'] !== 'string') {
    throw new ArchiveError('invalid_line', `${where}: a header without a key`);
  }
  return { key: fields['key'], value: bytesOf(fields, 'value', where) };
}

function numberOf(
  fields: Record<string, unknown>,
  name: string,
  where: string,
  least: number,
): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new ArchiveError('invalid_line', `${where}: "${name}" is not a whole number from ${least}`);
}

function bytesOf(fields: Record<string, unknown>, name: string, where: string): Buffer | null {
  const value = fields[name];
  if (value === null || value === undefined) return null;
  if (typeof value !== 'string') {
    throw new ArchiveError('invalid_line', `${where}: "${name}" is neither text nor null`);
  }
  return Buffer.from(value, fields[`${name}Encoding`] === 'base64' ? 'base64' : 'utf8');
}
