// A record of `__cluster_metadata` of Apache Kafka (KRaft) by what it means, in the form of Kafka's own tool.

import { ProtocolError } from '../../protocol/index.ts';
import { decodeMetadataRecord, decodeRaftControl } from '../../protocol/log-records/index.ts';
import { plainMessage } from './plain-message.ts';

/** Null for what is none, or newer than us: it is shown as bytes then. */
export function metadataRecordOf({ value }: { readonly value: Buffer | null }): object | null {
  if (value === null) return null;
  try {
    const decoded = decodeMetadataRecord(value);
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
