// A record of `__cluster_metadata` (KRaft) or `__remote_log_metadata` of Apache Kafka by what it means, in the form of
// Kafka's own tool for the first.

import { ProtocolError } from '../../protocol/index.ts';
import {
  type Decoded,
  decodeMetadataRecord,
  decodeRaftControl,
  decodeRemoteLogRecord,
} from '../../protocol/log-records/index.ts';
import { plainMessage } from './plain-message.ts';

interface Valued {
  readonly value: Buffer | null;
}

/** Null for what is none, or newer than us: it is shown as bytes then. */
export function metadataRecordOf({ value }: Valued): object | null {
  return typedRecord(value, decodeMetadataRecord);
}

/** The same for one of `__remote_log_metadata`. */
export function remoteLogRecordOf({ value }: Valued): object | null {
  return typedRecord(value, decodeRemoteLogRecord);
}

function typedRecord(
  value: Buffer | null,
  decode: (bytes: Buffer) => Decoded | null,
): object | null {
  if (value === null) return null;
  try {
    const decoded = decode(value);
    if (decoded === null) return null;
    const { schema, version } = decoded;
    const data = plainMessage(schema.fields, version, decoded.value);
    return { type: constantOf(schema.name), version, data };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** `TopicRecord` as TOPIC_RECORD. */
function constantOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toUpperCase();
}

/** What a control record of KRaft says; null for other control records, and for what cannot be read. */
export function raftControlOf(record: {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}): object | null {
  const { key, value } = record;
  if (key === null || value === null) return null;
  try {
    const decoded = decodeRaftControl(key, value);
    if (decoded === null) return null;
    return plainMessage(decoded.schema.fields, decoded.version, decoded.value);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
