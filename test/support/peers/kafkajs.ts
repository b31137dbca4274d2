// kafkajs as an interop client. It has gzip of its own; the other codecs are plugged in, as its users do, here with the
// project's own, and snappy without the Java client's framing, as kafkajs-snappy writes it.

import { createRequire } from 'node:module';
import kafkajs, { type Kafka } from 'kafkajs';
import {
  type Codec,
  codecIdOf,
  compress,
  decompress,
  prepareCodec,
} from '../../../src/record/index.ts';
import type { ConsumeTask, InteropClient, InteropRecord, ProduceTask } from './interop-client.ts';
import { batches } from './streams.ts';

// The package has no types of its own.
const snappyjs: { compress(bytes: Buffer): Uint8Array } = createRequire(import.meta.url)(
  'snappyjs',
);

const BATCH_BYTES = 512 * 1024;
const pluggedIn: readonly Codec[] = ['snappy', 'lz4', 'zstd'];

/** Registers the codecs that kafkajs does not bring. */
async function plugCodecsIn(): Promise<void> {
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
  await prepareCodec('zstd');
  const registry: Record<number, () => unknown> = kafkajs.CompressionCodecs;
  for (const codec of pluggedIn) {
    registry[codecIdOf(codec)] = () => ({
      compress: async ({ buffer }: { buffer: Buffer }) =>
        codec === 'snappy' ? Buffer.from(snappyjs.compress(buffer)) : compress(codec, buffer),
      decompress: async (bytes: Buffer) => decompress(codec, bytes),
    });
  }
}

/** A client that gives up soon; with `patient` one that outlives broker restarts, and does not log them. */
export async function kafkaOf(
  bootstrap: string,
  patience: 'impatient' | 'patient' = 'impatient',
): Promise<Kafka> {
  await plugCodecsIn();
  return new kafkajs.Kafka({
    brokers: [bootstrap],
    clientId: 'interop',
    logLevel: patience === 'patient' ? kafkajs.logLevel.NOTHING : kafkajs.logLevel.ERROR,
    retry:
      patience === 'patient'
        ? { retries: 1_000, initialRetryTime: 50, maxRetryTime: 500 }
        : { retries: 3 },
  });
}

async function produce(task: ProduceTask): Promise<void> {
  const kafka = await kafkaOf(task.bootstrap);
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    for (const batch of batches(task.records, BATCH_BYTES, sizeOf)) {
      await producer.send({
        topic: task.topic,
        acks: -1,
        compression: codecIdOf(task.codec),
        messages: batch.map((record) => ({
          key: record.key,
          value: record.value,
          headers: Object.fromEntries(record.headers),
          ...(record.timestamp === undefined ? {} : { timestamp: String(record.timestamp) }),
        })),
      });
    }
  } finally {
    await producer.disconnect();
  }
}

function sizeOf(record: InteropRecord): number {
  return record.key.length + (record.value?.length ?? 0) + 64;
}

async function consume(task: ConsumeTask): Promise<void> {
  const kafka = await kafkaOf(task.bootstrap);
  const consumer = kafka.consumer({
    groupId: `kafkajs-${task.topic}`,
    maxBytesPerPartition: 4 * 1024 * 1024,
    maxWaitTimeInMs: 500,
  });
  let left = task.count;
  let finish: (error?: Error) => void = () => undefined;
  const finished = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === undefined ? resolve() : reject(error));
  });
  consumer.on('consumer.crash', (event) => finish(event.payload.error));
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [task.topic], fromBeginning: true });
    await consumer.run({
      eachBatchAutoResolve: true,
      eachBatch: async ({ batch }) => {
        try {
          for (const message of batch.messages) {
            task.onRecord({
              partition: batch.partition,
              offset: Number(message.offset),
              timestamp: Number(message.timestamp),
              key: message.key ?? Buffer.alloc(0),
              value: message.value,
              headers: Object.entries(message.headers ?? {}).map(([name, value]) => [
                name,
                String(value),
              ]),
            });
          }
        } catch (error) {
          finish(error as Error);
          return;
        }
        left -= batch.messages.length;
        if (left <= 0) finish();
      },
    });
    await finished;
  } finally {
    await consumer.disconnect();
  }
}

export const kafkajsClient: InteropClient = {
  name: 'kafkajs',
  tool: 'kafkajs',
  codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  can: { manyLines: true, timestamps: true, headersPerRecord: true, tombstones: true },
  produce,
  consume,
};
