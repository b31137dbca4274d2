// The few requests that the benchmarks send themselves, over a bare socket: creating topics, one acknowledged record.

import { createConnection, type Socket } from 'node:net';
import {
  type Api,
  CreateTopics,
  DeleteTopics,
  decodeResponse,
  encodeRequest,
  FindCoordinator,
  FrameSplitter,
  Metadata,
  Produce,
  type RequestInput,
  type ResponseOf,
} from '../../src/protocol/index.ts';
import { buildBatch } from '../../src/record/index.ts';

const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const TRIES = 3_000;
const PAUSE_MS = 10;
/** Who says nothing for so long will not answer any more. */
const SILENCE_MS = 300_000;
/** Kafka makes the topic of its groups first. */
const COORDINATOR_TRIES = 600;
const COORDINATOR_PAUSE_MS = 100;

/** One connection, one request at a time. */
export class RawClient {
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter(FRAME_BYTES_MAX);
  #correlationId = 0;
  #failed = false;
  #late = false;
  #pending = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#splitter.push(bytes);
      this.#wake();
    });
    socket.on('close', () => {
      this.#failed = true;
      this.#wake();
    });
  }

  static connect(port: number, silenceMs = SILENCE_MS): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
      const client = new RawClient(socket);
      socket.once('connect', () => resolve(client));
      socket.on('error', reject);
      socket.setTimeout(silenceMs, () => {
        if (!socket.connecting && !client.pending) return;
        client.#late = true;
        socket.destroy(new Error(`nothing came within ${silenceMs} ms`));
      });
    });
  }

  /** Whether an answer is waited for. */
  get pending(): boolean {
    return this.#pending;
  }

  async send<A extends Api>(
    api: A,
    version: number,
    request: RequestInput<A>,
  ): Promise<ResponseOf<A>> {
    this.#correlationId += 1;
    const identity = { correlationId: this.#correlationId, clientId: 'bench' };
    const chunks = encodeRequest(api as Api, version, identity, request as RequestInput<Api>);
    this.#socket.write(Buffer.concat(chunks as Buffer[]));
    this.#pending = true;
    try {
      return decodeResponse(api as Api, version, await this.#frame(api)) as ResponseOf<A>;
    } finally {
      this.#pending = false;
    }
  }

  async #frame({ name }: Api): Promise<Buffer> {
    for (;;) {
      const frame = this.#splitter.next();
      if (frame !== null) return frame;
      if (this.#late) throw new Error(`${name}: no answer came in time`);
      if (this.#failed) throw new Error(`${name}: the connection was closed`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Creates a topic and waits until each partition has a leader. */
export async function createTopic(
  client: RawClient,
  name: string,
  numPartitions: number,
): Promise<void> {
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
  const created = await client.send(CreateTopics, 4, { topics: [topic], timeoutMs: 30_000 });
  const code = created.topics[0]?.errorCode;
  if (code !== 0) throw new Error(`creating ${name} gave error ${code}`);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { topics } = await client.send(Metadata, 4, { topics: [{ name }] });
    const partitions = topics[0]?.partitions ?? [];
    if (partitions.length === numPartitions && partitions.every((one) => one.leaderId >= 0)) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`${name} got no leaders`);
}

/** Asks for the group's coordinator until there is one: on some brokers the first question makes it. */
export async function coordinatorReady(client: RawClient, groupId: string): Promise<void> {
  for (let tries = 0; tries < COORDINATOR_TRIES; tries += 1) {
    const request = { coordinatorKeys: [groupId], keyType: 0 };
    const { coordinators } = await client.send(FindCoordinator, 4, request);
    if (coordinators[0]?.errorCode === 0) return;
    await new Promise((resolve) => setTimeout(resolve, COORDINATOR_PAUSE_MS));
  }
  throw new Error(`${groupId} got no coordinator`);
}

export async function deleteTopic(client: RawClient, name: string): Promise<void> {
  await client.send(DeleteTopics, 3, { topicNames: [name], timeoutMs: 30_000 });
}

/** Sends one small record with acks=all, again and again until the broker has stored it. */
export function acknowledgedRecord(
  client: RawClient,
  topic: string,
  partitions = 1,
): Promise<void> {
  const value = Buffer.from('the first record');
  const records = buildBatch([{ timestamp: Date.now(), key: null, value }]);
  const indexes = Array.from({ length: partitions }, (_, index) => index);
  return recordInEach(client, topic, indexes, records);
}

/** Enough for the first entries of all index files. */
const FIRST_BATCHES = 3;
const FIRST_BATCH_BYTES = 5_000;

/**
 * Writes a little to each partition, so that its files are there and their first pages too: what comes once in a
 * partition's life is no steady work. Kafka's indexes are large files of nothing, whose first pages cost it some 20 ms
 * a partition on the first 8 KiB of records.
 */
export async function touchPartitions(
  client: RawClient,
  topic: string,
  partitions: number,
): Promise<void> {
  // Zeros, by which load.c knows them.
  const value = Buffer.alloc(FIRST_BATCH_BYTES);
  const indexes = Array.from({ length: partitions }, (_, index) => index);
  for (let batch = 0; batch < FIRST_BATCHES; batch += 1) {
    const records = buildBatch([{ timestamp: Date.now(), key: null, value }]);
    await recordInEach(client, topic, indexes, records);
  }
}

/** A batch whose values differ from each other, and from those of another `first`, as real ones do. */
export function differingRecords(count: number, valueBytes: number, first = 0): Buffer {
  return buildBatch(
    Array.from({ length: count }, (_, index) => ({
      timestamp: Date.now(),
      key: null,
      value: Buffer.alloc(valueBytes, `record ${first + index} `),
    })),
  );
}

/**
 * Sends the batch to each of the partitions, again to those that refuse it: new partitions take a
 * moment on some brokers. Throws when one goes on refusing.
 */
export async function recordInEach(
  client: RawClient,
  topic: string,
  partitions: readonly number[],
  records: Buffer,
): Promise<void> {
  let left = partitions;
  for (let tries = 0; tries < TRIES && left.length > 0; tries += 1) {
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const taken = await produceTo(client, topic, left, records);
    left = left.filter((index) => !taken.has(index));
  }
  if (left.length > 0) throw new Error(`partition ${left[0]} of ${topic} takes no records`);
}

/** One Produce request with acks=all and a batch for each of the partitions; answers which of them took it. */
async function produceTo(
  client: RawClient,
  topic: string,
  partitions: readonly number[],
  records: Buffer,
): Promise<ReadonlySet<number>> {
  const partitionData = partitions.map((index) => ({ index, records }));
  const topicData = [{ name: topic, partitionData }];
  const answer = await client.send(Produce, 7, { acks: -1, timeoutMs: 30_000, topicData });
  const answers = answer.responses[0]?.partitionResponses ?? [];
  return new Set(answers.filter((one) => one.errorCode === 0).map((one) => one.index));
}
