// Consumers of stored records over real sockets and files: those that do not read, those that leave, and records that
// are deleted or damaged under them. With zero copy where this machine has it, and without.

import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBroker, type RunningBroker } from '../../src/compose/index.ts';
import { nativeIoOrNull } from '../../src/host/native-io.ts';
import {
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  Fetch,
  Metadata,
  Produce,
  ZERO_UUID,
} from '../../src/protocol/index.ts';
import { buildBatch, iterateBatches } from '../../src/record/index.ts';
import { eventually } from '../support/eventually.ts';
import { WireClient } from './support/wire-client.ts';

const TOPIC = 'stored';
const PARTITIONS = 3;
const BATCHES = 40;
const BATCH_BYTES = 250_000;
const FETCH_VERSION = 12;
const PRODUCE_VERSION = 9;

let directory: string;
let broker: RunningBroker;
const clients: WireClient[] = [];

const ways = nativeIoOrNull() === null ? ['false'] : ['true', 'false'];

async function start(zeroCopy: string): Promise<void> {
  broker = await openBroker({
    dataDir: directory,
    port: 0,
    configs: { 'tidemark.zero.copy': zeroCopy, 'queued.max.request.bytes': 16_000_000 },
  });
}

async function connect(): Promise<WireClient> {
  const client = await WireClient.connect(broker.addresses[0]?.port ?? 0);
  clients.push(client);
  return client;
}

/** Batches of every partition, more than the tail keeps in memory, so that they are read from the files. */
async function fill(): Promise<void> {
  const client = await connect();
  const assignment = { numPartitions: PARTITIONS, replicationFactor: 1 };
  const topic = { name: TOPIC, ...assignment, assignments: [], configs: [] };
  await client.call(CreateTopics, 7, { topics: [topic] });
  for (let batch = 0; batch < BATCHES; batch++) {
    const partitionData = Array.from({ length: PARTITIONS }, (_, index) => {
      const value = Buffer.alloc(BATCH_BYTES, batch * PARTITIONS + index);
      return { index, records: buildBatch([{ timestamp: batch, key: null, value }]) };
    });
    const answer = await client.call(Produce, PRODUCE_VERSION, {
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: TOPIC, partitionData }],
    });
    expect(answer.responses[0]?.partitionResponses.map((one) => one.errorCode)).toEqual([0, 0, 0]);
  }
  client.destroy();
}

const request = (offset: number, maxBytes: number, partitions = [0, 1, 2]) => ({
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [
    {
      topic: TOPIC,
      topicId: ZERO_UUID,
      partitions: partitions.map((partition) => ({
        partition,
        fetchOffset: offset,
        partitionMaxBytes: maxBytes,
      })),
    },
  ],
});

/** The first byte of each record's value, by partition. */
function valuesOf(answer: object): number[][] {
  const { responses } = answer as {
    responses: { partitions: { partitionIndex: number; records: Buffer | null }[] }[];
  };
  const partitions = [...(responses[0]?.partitions ?? [])];
  partitions.sort((a, b) => a.partitionIndex - b.partitionIndex);
  return partitions.map(({ records }) => {
    const seen: number[] = [];
    for (const header of iterateBatches(records ?? Buffer.alloc(0))) {
      if (header.position + header.sizeInBytes > (records?.length ?? 0)) break;
      seen.push(records?.[header.position + header.sizeInBytes - 2] ?? -1);
    }
    return seen;
  });
}

const expected = (index: number, from = 0) =>
  Array.from({ length: BATCHES - from }, (_, batch) => ((from + batch) * PARTITIONS + index) % 256);

function metric(name: string): number {
  const line = broker
    .metricsText()
    .split('\n')
    .find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? Number.NaN);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-slow-'));
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await broker.close();
  await rm(directory, { recursive: true, force: true });
});

describe.each(ways)('zero copy %s', (way) => {
  test('all records come, in order, also to requests that were sent at once', async () => {
    await start(way);
    await fill();
    const client = await connect();
    const answers = await Promise.all(
      [0, 10, 20].map((offset) => client.call(Fetch, FETCH_VERSION, request(offset, 50_000_000))),
    );
    for (const [round, answer] of answers.entries()) {
      for (const [index, seen] of valuesOf(answer).entries()) {
        expect(seen).toEqual(expected(index, round * 10).slice(0, seen.length));
      }
    }
    const kernel = broker.metricsText().match(/way="sendfile"\} (\d+)/)?.[1] ?? '0';
    if (way === 'true') expect(Number(kernel)).toBeGreaterThan(0);
    else expect(kernel).toBe('0');
  });

  test('many that ask for all and read nothing hold little memory, and others are served', async () => {
    await start(way);
    await fill();
    const idle = [];
    for (let index = 0; index < 12; index++) {
      const client = await connect();
      client.pause();
      for (let ask = 0; ask < 4; ask++) client.ask(Fetch, FETCH_VERSION, request(0, 50_000_000));
      idle.push(client);
    }
    const busy = await connect();
    let offset = 0;
    await eventually(async () => {
      const answer = await busy.call(Fetch, FETCH_VERSION, request(offset, 2_000_000, [1]));
      offset += valuesOf(answer)[0]?.length ?? 0;
      expect(offset).toBe(BATCHES);
    });
    expect(metric('tidemark_inflight_bytes')).toBeLessThan(40_000_000);
    for (const client of idle) client.destroy();
    await eventually(() => expect(metric('tidemark_inflight_bytes')).toBe(0));
    const version = await busy.call(ApiVersions, 0, {});
    expect(version.errorCode).toBe(0);
  });

  test('a topic that is deleted while it is sent: what was promised comes whole', async () => {
    await start(way);
    await fill();
    const client = await connect();
    client.pause();
    const answer = client.call(Fetch, FETCH_VERSION, request(0, 50_000_000));
    await eventually(() => expect(metric('tidemark_sent_bytes_total')).toBeGreaterThan(1_000_000));
    const other = await connect();
    const deleted = await other.call(DeleteTopics, 5, { topicNames: [TOPIC], timeoutMs: 30_000 });
    expect(deleted.responses[0]?.errorCode).toBe(0);
    client.resume();
    for (const [index, seen] of valuesOf(await answer).entries()) {
      expect(seen).toEqual(expected(index).slice(0, seen.length));
    }
    const metadata = await other.call(Metadata, 9, {
      topics: [{ name: TOPIC }],
      allowAutoTopicCreation: false,
    });
    expect(metadata.topics[0]?.errorCode).not.toBe(0);
  });

  test('a batch that was damaged on the disk is never sent', async () => {
    await start(way);
    await fill();
    await broker.close();
    const folder = join(directory, `${TOPIC}-1`);
    const name = (await readdir(folder)).find((one) => one.endsWith('.log')) ?? '';
    const file = await open(join(folder, name), 'r+');
    await file.write(Buffer.from([1, 2, 3]), 0, 3, 5 * (BATCH_BYTES + 80) + 5000);
    await file.close();
    await start(way);
    const client = await connect();
    const seen: number[] = [];
    for (let offset = 0; offset < BATCHES; ) {
      const answer = await client.call(Fetch, FETCH_VERSION, request(offset, 5_000_000, [1]));
      const records = answer.responses[0]?.partitions[0]?.records as Buffer;
      const before = offset;
      for (const header of iterateBatches(records)) {
        if (header.position + header.sizeInBytes > records.length) break;
        offset = header.nextOffset;
      }
      seen.push(...(valuesOf(answer)[0] ?? []));
      expect(offset).toBeGreaterThan(before);
    }
    const all = expected(1);
    expect(seen).toEqual(all.filter((value) => value !== all[5]));
  });
});
