// @platformatic/kafka as an interop client. It lives in a package of its own (test/interop/clients), so its types are
// told here, as far as they are used.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { projectRoot } from '../../../bench/peers/index.ts';
import { compress, decompress, prepareCodec } from '../../../src/record/index.ts';
import type { ConsumeTask, InteropClient, InteropRecord, ProduceTask } from './interop-client.ts';
import { partitionOfKey } from './partition-digest.ts';
import { batches } from './streams.ts';

const BATCH_BYTES = 512 * 1024;
const PARTITIONS = 6;

interface SentMessage {
  topic: string;
  partition: number;
  key: Buffer;
  value: Buffer | undefined;
  headers: Map<Buffer, Buffer>;
  timestamp?: bigint;
}

interface ReceivedMessage {
  partition: number;
  offset: bigint;
  timestamp: bigint;
  key: Buffer;
  value: Buffer | null | undefined;
  headers: Map<Buffer, Buffer>;
}

interface Producer {
  send(options: { messages: SentMessage[]; compression: string; acks: number }): Promise<unknown>;
  close(): Promise<void>;
}

interface MessageStream extends AsyncIterable<ReceivedMessage> {
  close(): Promise<void>;
}

interface Consumer {
  consume(options: Record<string, unknown>): Promise<MessageStream>;
  close(force?: boolean): Promise<void>;
}

interface Library {
  Producer: new (options: Record<string, unknown>) => Producer;
  Consumer: new (options: Record<string, unknown>) => Consumer;
}

/** Node 20 has no zstd, which the library takes from node:zlib when it loads: it is lent ours. */
async function lendZstd(): Promise<void> {
  await prepareCodec('zstd');
  const shared: Record<string, unknown> = zlib as unknown as Record<string, unknown>;
  shared['zstdCompressSync'] ??= (bytes: Buffer) => compress('zstd', bytes);
  shared['zstdDecompressSync'] ??= (bytes: Buffer) => decompress('zstd', bytes);
}

export async function loadPlatformatic(): Promise<Library> {
  await lendZstd();
  const require = createRequire(join(projectRoot(), 'test/interop/clients/package.json'));
  return import(pathToFileURL(require.resolve('@platformatic/kafka')).href);
}

async function produce(task: ProduceTask): Promise<void> {
  const library = await loadPlatformatic();
  const producer = new library.Producer({
    clientId: 'interop',
    bootstrapBrokers: [task.bootstrap],
    idempotent: true,
  });
  try {
    for (const batch of batches(task.records, BATCH_BYTES, sizeOf)) {
      const messages = batch.map((record) => messageOf(task.topic, record));
      await producer.send({ messages, compression: task.codec, acks: -1 });
    }
  } finally {
    await producer.close();
  }
}

function messageOf(topic: string, record: InteropRecord): SentMessage {
  return {
    topic,
    partition: partitionOfKey(record.key, PARTITIONS),
    key: record.key,
    value: record.value ?? undefined,
    headers: new Map(
      record.headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)]),
    ),
    ...(record.timestamp === undefined ? {} : { timestamp: BigInt(record.timestamp) }),
  };
}

function sizeOf(record: InteropRecord): number {
  return record.key.length + (record.value?.length ?? 0) + 64;
}

async function consume(task: ConsumeTask): Promise<void> {
  const library = await loadPlatformatic();
  const consumer = new library.Consumer({
    clientId: 'interop',
    bootstrapBrokers: [task.bootstrap],
    groupId: `platformatic-${task.topic}`,
    maxBytes: 4 * 1024 * 1024,
    maxWaitTime: 500,
    highWaterMark: 2048,
  });
  try {
    const stream = await consumer.consume({
      topics: [task.topic],
      mode: 'earliest',
      autocommit: false,
    });
    let left = task.count;
    for await (const message of stream) {
      task.onRecord({
        partition: message.partition,
        offset: Number(message.offset),
        timestamp: Number(message.timestamp),
        key: message.key,
        value: message.value ?? null,
        headers: [...message.headers].map(([name, value]) => [String(name), String(value)]),
      });
      left -= 1;
      if (left === 0) break;
    }
    await stream.close();
  } finally {
    await consumer.close(true);
  }
}

export const platformaticClient: InteropClient = {
  name: 'platformatic',
  tool: 'platformatic',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  can: { manyLines: true, timestamps: true, headersPerRecord: true, tombstones: false },
  produce,
  consume,
};
