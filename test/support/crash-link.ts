// One connection to a broker that comes and goes: requests are tried again until they are answered.

import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../../bench/load/raw-client.ts';
import {
  type Api,
  Fetch,
  InitProducerId,
  ListOffsets,
  Produce,
  type RequestInput,
  type ResponseOf,
} from '../../src/protocol/index.ts';
import {
  batchBytes,
  buildBatch,
  iterateBatches,
  readRecords,
  verifyBatch,
} from '../../src/record/index.ts';

const PAUSE_MS = 5;
/** Answers that mean "not now": what a broker says while it starts, stops or waits for its disk. */
const LATER: ReadonlySet<number> = new Set([
  3, // UNKNOWN_TOPIC_OR_PARTITION
  5, // LEADER_NOT_AVAILABLE
  6, // NOT_LEADER_OR_FOLLOWER
  7, // REQUEST_TIMED_OUT
  13, // NETWORK_EXCEPTION
  14, // COORDINATOR_LOAD_IN_PROGRESS
  15, // COORDINATOR_NOT_AVAILABLE
  16, // NOT_COORDINATOR
  56, // KAFKA_STORAGE_ERROR
]);

/** One record as read. */
export interface SeenRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
}

/** What a partition holds: the offsets that may be read, and the records there. */
export interface PartitionContents {
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly records: readonly SeenRecord[];
  /** Behind the last batch, which may hold no record: compaction leaves such batches. */
  readonly nextOffset: number;
}

/** The link was told to give up. */
export class LinkClosed extends Error {}

export class Link {
  readonly #port: number;
  #client: RawClient | null = null;
  #closed = false;

  constructor(port: number) {
    this.#port = port;
  }

  /** Asks until there is an answer, through any number of crashes. Throws LinkClosed after close(). */
  async ask<A extends Api>(
    api: A,
    version: number,
    request: RequestInput<A>,
  ): Promise<ResponseOf<A>> {
    for (;;) {
      if (this.#closed) throw new LinkClosed();
      try {
        this.#client ??= await RawClient.connect(this.#port);
        return await this.#client.send(api, version, request);
      } catch {
        this.#client?.close();
        this.#client = null;
        await sleep(PAUSE_MS);
      }
    }
  }

  /** Asks until the answer's error code is none of those that mean "not now". */
  async settled<A extends Api>(
    api: A,
    version: number,
    request: RequestInput<A>,
    codeOf: (response: ResponseOf<A>) => number | undefined,
  ): Promise<ResponseOf<A>> {
    for (;;) {
      const answer = await this.ask(api, version, request);
      if (!LATER.has(codeOf(answer) ?? 0)) return answer;
      await sleep(PAUSE_MS);
    }
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
  }

  /** Sends one batch; answers the error code and the offset of its first record. */
  async produce(
    topic: string,
    partition: number,
    records: Buffer,
  ): Promise<{ code: number; baseOffset: number }> {
    const answer = await this.ask(Produce, 7, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
    });
    const [one] = answer.responses[0]?.partitionResponses ?? [];
    return { code: one?.errorCode ?? -1, baseOffset: Number(one?.baseOffset ?? -1) };
  }

  /** One answer to a fetch, batches checked. Answers null when the broker cannot say now. */
  async fetch(topic: string, partition: number, offset: number): Promise<PartitionContents | null> {
    const answer = await this.ask(Fetch, 7, {
      maxWaitMs: 20,
      minBytes: 1,
      maxBytes: 4 * 1024 * 1024,
      topics: [
        {
          topic,
          partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: 1024 * 1024 }],
        },
      ],
    });
    const [one] = answer.responses[0]?.partitions ?? [];
    if (one === undefined || LATER.has(one.errorCode)) return null;
    const startOffset = Number(one.logStartOffset);
    const highWatermark = Number(one.highWatermark);
    if (one.errorCode === 1) return { startOffset, highWatermark, records: [], nextOffset: offset };
    if (one.errorCode !== 0) throw new Error(`${topic}-${partition}: fetch gave ${one.errorCode}`);
    return { startOffset, highWatermark, ...seenIn(bytesOf(one.records), offset) };
  }

  /** First and next offset of a partition. */
  async bounds(topic: string, partition: number): Promise<{ start: number; end: number }> {
    const find = async (timestamp: number) => {
      const answer = await this.settled(
        ListOffsets,
        5,
        {
          replicaId: -1,
          isolationLevel: 0,
          topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
        },
        (response) => response.topics[0]?.partitions[0]?.errorCode,
      );
      const [one] = answer.topics[0]?.partitions ?? [];
      if (one === undefined || one.errorCode !== 0) {
        throw new Error(`${topic}-${partition}: ListOffsets gave ${one?.errorCode}`);
      }
      return Number(one.offset);
    };
    return { start: await find(-2), end: await find(-1) };
  }

  /** Everything that a partition holds. */
  async readAll(topic: string, partition: number): Promise<PartitionContents> {
    const { start, end } = await this.bounds(topic, partition);
    const records: SeenRecord[] = [];
    let startOffset = start;
    for (let at = start; at < end; ) {
      const read = await this.fetch(topic, partition, at);
      if (read === null) continue;
      startOffset = read.startOffset;
      records.push(...read.records);
      if (read.nextOffset > at) at = read.nextOffset;
      else if (read.startOffset > at) at = read.startOffset;
      else if (read.highWatermark >= end) break;
      else await sleep(PAUSE_MS);
    }
    const below = records.filter((record) => record.offset < end);
    return { startOffset, highWatermark: end, records: below, nextOffset: end };
  }

  /** A producer id of our own. */
  async producerId(): Promise<number> {
    const request = { transactionalId: null, transactionTimeoutMs: 0 };
    const answer = await this.settled(InitProducerId, 1, request, (one) => one.errorCode);
    if (answer.errorCode !== 0) throw new Error(`InitProducerId gave ${answer.errorCode}`);
    return Number(answer.producerId);
  }
}

function bytesOf(records: unknown): Buffer {
  if (records === null || records === undefined) return Buffer.alloc(0);
  if (Buffer.isBuffer(records)) return records;
  return Buffer.concat(records as Buffer[]);
}

function seenIn(bytes: Buffer, from: number): Pick<PartitionContents, 'records' | 'nextOffset'> {
  const records: SeenRecord[] = [];
  let nextOffset = from;
  for (const header of iterateBatches(bytes)) {
    const batch = batchBytes(header);
    nextOffset = verifyBatch(batch).lastOffset + 1;
    for (const record of readRecords(batch)) {
      if (record.offset < from) continue;
      const key = record.key?.toString() ?? null;
      records.push({ offset: record.offset, key, value: record.value?.toString() ?? '' });
    }
  }
  return { records, nextOffset };
}

/** One batch of an idempotent producer. */
export function idempotentBatch(
  records: readonly { readonly key: string | null; readonly value: string }[],
  producer: { readonly producerId: number; readonly baseSequence: number },
): Buffer {
  const timestamp = Date.now();
  return buildBatch(
    records.map(({ key, value }) => ({
      timestamp,
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(value),
    })),
    { producer: { ...producer, producerEpoch: 0 } },
  );
}
