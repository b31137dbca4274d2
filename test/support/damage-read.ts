// Reads all of a partition from a broker in this process.

import type { ServingBroker } from '../../src/compose/serve-alone.ts';
import { Fetch } from '../../src/protocol/index.ts';
import { batchBytes, iterateBatches, readRecords, verifyBatch } from '../../src/record/index.ts';

/** A whole partition by fetches, as a client that checks CRCs sees it. */
export async function readPartition(broker: ServingBroker, topic: string, partition: number) {
  const values = new Map<number, string>();
  const wrongs: string[] = [];
  // As a client that asks for the earliest offset first.
  let at = broker.engine.partition(topic, partition)?.startOffset ?? 0;
  for (let turns = 0; turns < 10_000; turns += 1) {
    const answer = await broker.transport().send(
      Fetch,
      {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 1024 * 1024,
        topics: [{ topic, partitions: [{ partition, fetchOffset: at, partitionMaxBytes: 4096 }] }],
      },
      { version: 11 },
    );
    const one = answer.responses[0]?.partitions[0];
    if (one === undefined || one.errorCode !== 0) {
      wrongs.push(`fetch from ${at} gave ${one?.errorCode}`);
      return { values, wrongs };
    }
    const before = at;
    try {
      for (const header of iterateBatches(await bytesOf(one.records))) {
        const batch = batchBytes(header);
        verifyBatch(batch);
        for (const record of readRecords(batch)) {
          if (record.offset >= at) values.set(record.offset, String(record.value));
        }
        at = header.lastOffset + 1;
      }
    } catch (error) {
      wrongs.push(`a bad batch is served at ${at}: ${(error as Error).message}`);
      return { values, wrongs };
    }
    if (at >= Number(one.highWatermark)) return { values, wrongs };
    if (at === before) {
      wrongs.push(`nothing at ${at}, below the high watermark`);
      return { values, wrongs };
    }
  }
  wrongs.push('reading does not end');
  return { values, wrongs };
}

async function bytesOf(records: unknown): Promise<Buffer> {
  if (records === null || records === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(records)) return records;
  if (Array.isArray(records)) return Buffer.concat(records as Buffer[]);
  const region = records as { load(): Promise<Buffer>; release(): void };
  try {
    return await region.load();
  } finally {
    region.release();
  }
}
