// A replayed record as a line of JSON: for files, standard output and HTTP.

import type { PlacedRecord, ReplayedRecord } from './types.ts';

/** Text as it is, other bytes as base64, which is named beside it. */
function put(fields: Record<string, unknown>, name: string, bytes: Buffer | null): void {
  const text = bytes?.toString() ?? null;
  if (bytes === null || Buffer.from(text ?? '').equals(bytes)) {
    fields[name] = text;
    return;
  }
  fields[name] = bytes.toString('base64');
  fields[`${name}Encoding`] = 'base64';
}

/** One document: the place it came from, then what was written there. */
export function recordDocument(source: PlacedRecord, record: ReplayedRecord): object {
  const { topic, partition, offset } = source;
  const fields: Record<string, unknown> = { topic, partition, offset, timestamp: record.timestamp };
  put(fields, 'key', record.key);
  put(fields, 'value', record.value);
  if (record.headers.length > 0) {
    fields['headers'] = record.headers.map((one) => {
      const header: Record<string, unknown> = { key: one.key };
      put(header, 'value', one.value);
      return header;
    });
  }
  return fields;
}
