// Records in and out of the broker under test, in the plain forms that assertions like.

import { KafkaError } from '../base/kafka-errors.ts';
import type { Cluster } from '../client/index.ts';

/** A record to write. Strings are UTF-8, other values JSON; `null` is a tombstone. */
export interface TestRecordInput {
  readonly key?: string | Uint8Array | null;
  readonly value?: unknown;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
  readonly partition?: number;
  /** Milliseconds since the epoch. Default: now. */
  readonly timestamp?: number;
}

/** A record as it is in the log, its bytes read as UTF-8. */
export interface TestRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** The value's own bytes. */
  readonly bytes: Buffer | null;
  /** The value parsed as JSON. Throws SyntaxError when it is none. */
  json(): unknown;
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value);
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Writes records with acks=all; answers where each is. Makes the topic when it is missing. Tries for `timeoutMs`. */
export async function writeRecords(
  cluster: Cluster,
  topic: string,
  records: readonly TestRecordInput[],
  timeoutMs: number,
): Promise<{ readonly partition: number; readonly offset: number }[]> {
  const { Producer } = await import('../client/index.ts');
  const producer = new Producer(cluster, {
    key: 'buffer',
    value: 'buffer',
    lingerMs: 0,
    idempotent: false,
    deliveryTimeoutMs: timeoutMs,
  });
  const outgoing = records.map(({ key, value, headers, partition, timestamp }) => ({
    topic,
    key: bytesOf(key),
    value: bytesOf(value),
    ...(headers && { headers }),
    ...(partition === undefined ? {} : { partition }),
    ...(timestamp === undefined ? {} : { timestamp }),
  }));
  try {
    const landed = await producer.sendMany(outgoing);
    return landed.map(({ partition, offset }) => ({ partition, offset }));
  } finally {
    await producer.close();
  }
}

/** All records of a topic (or one partition), by partition and offset. */
export async function readRecords(
  cluster: Cluster,
  topic: string,
  only?: number,
): Promise<TestRecord[]> {
  const { LogReader, listOffsets, SpecialTime } = await import('../client/index.ts');
  const info = await cluster.topic(topic);
  const all = info.partitions.map(({ partition }) => partition);
  if (only !== undefined && !all.includes(only)) {
    // A client waits for partitions to be added; a test made a mistake.
    const message = `topic '${topic}' has ${all.length} partitions, so no partition ${only}`;
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message);
  }
  const partitions = only === undefined ? all : [only];
  const starts = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.earliest });
  const ends = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const reader = new LogReader(cluster, { topic, isolation: 'read_uncommitted', maxWaitMs: 10 });
  const left = new Set<number>();
  for (const partition of partitions) {
    const start = starts.get(partition)?.offset ?? 0;
    if (start >= (ends.get(partition)?.offset ?? 0)) continue;
    left.add(partition);
    reader.set(partition, start);
  }
  const found: TestRecord[] = [];
  if (left.size === 0) return found;
  for await (const { partition, records, nextOffset } of reader.read()) {
    const end = ends.get(partition)?.offset ?? 0;
    for (const record of records) {
      if (record.offset < end) found.push(plain(partition, record));
    }
    if (nextOffset < end) continue;
    left.delete(partition);
    reader.remove(partition);
    if (left.size === 0) break;
  }
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

interface Stored {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

function plain(partition: number, record: Stored): TestRecord {
  const { offset, timestamp, key, value, headers } = record;
  const bytes = value === null ? null : Buffer.from(value);
  const text = bytes?.toString() ?? null;
  return {
    partition,
    offset,
    timestamp,
    key: key?.toString() ?? null,
    value: text,
    headers: Object.fromEntries(
      headers.map((one) => [one.key, one.value === null ? '' : Buffer.from(one.value).toString()]),
    ),
    bytes,
    json: () => JSON.parse(text ?? 'null') as unknown,
  };
}
