// Records of share groups (KIP-932) and streams groups (KIP-1071) of Apache Kafka by what they mean, as plain JSON.

import { ProtocolError } from '../../protocol/index.ts';
import {
  decodePair,
  otherGroupRecords,
  shareStateRecords,
} from '../../protocol/log-records/index.ts';
import { plainMessage } from './plain-message.ts';

interface KeyAndValue {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Of `__share_group_state`; null for what is none, or newer than us: it is shown as bytes then. */
export function shareStateRecordOf(record: KeyAndValue): object | null {
  return pairOf(shareStateRecords, record);
}

/** Those in `__consumer_offsets`. */
export function otherGroupRecordOf(record: KeyAndValue): object | null {
  return pairOf(otherGroupRecords, record);
}

function pairOf(table: typeof shareStateRecords, { key, value }: KeyAndValue): object | null {
  if (key === null) return null;
  try {
    const pair = decodePair(table, key, value);
    if (pair === null) return null;
    const type = pair.key.schema.name.replace(/Key$/, '');
    const plainKey = plainMessage(pair.key.schema.fields, 0, pair.key.value);
    if (pair.value === null) return { type, key: plainKey, value: null };
    const { schema, version } = pair.value;
    const plainValue = plainMessage(schema.fields, version, pair.value.value);
    return { type, key: plainKey, version, value: plainValue };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
