// A record of `__consumer_offsets` by what it means, as plain JSON.

import { decodeRecord } from '../../coordinator/index.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
  decodeVersioned,
  ProtocolError,
} from '../../protocol/index.ts';
import { otherGroupRecordOf } from './keyed-record.ts';
import { plainNumber } from './plain-message.ts';

/** Of consumers' own bytes in the members of a classic group: the schema that they follow. */
const consumerBytes: Readonly<
  Record<string, typeof ConsumerProtocolAssignment | typeof ConsumerProtocolSubscription>
> = { assignment: ConsumerProtocolAssignment, subscription: ConsumerProtocolSubscription };

/** Null for what is none, or newer than us: it is shown as bytes then. */
export function groupRecordOf(record: {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
}): object | null {
  const { key, value, timestamp } = record;
  if (key === null) return null;
  try {
    const decoded = decodeRecord({ key, value, timestampMs: timestamp });
    return decoded === null ? otherGroupRecordOf(record) : (plain(decoded, '') as object);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

function plain(value: unknown, name: string): unknown {
  if (value instanceof Uint8Array) return bytesOf(Buffer.from(value), name);
  if (Array.isArray(value)) return value.map((one) => plain(one, name));
  if (value instanceof Map) return plain(Object.fromEntries(value), name);
  if (value instanceof Set) return plain([...value], name);
  if (typeof value === 'number') return plainNumber(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one, key)]));
}

/** What is no consumer's stays base64. */
function bytesOf(bytes: Buffer, name: string): unknown {
  const schema = consumerBytes[name];
  if (schema !== undefined && bytes.length > 0) {
    try {
      return plain(decodeVersioned(schema as never, bytes, 'as-newest'), '');
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }
  return bytes.toString('base64');
}
