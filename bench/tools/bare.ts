// What the broker, the socket and the disk allow, without anything that makes a tool of it: batches are not checked,
// not remembered, not even looked at but for their length. A process of its own, as the tools are:
//
//   node bare.js export PORT TOPIC FILE      whole answers into a file
//   node bare.js import PORT TARGET FILE     the batches of those answers into a topic, acks=all
//   node bare.js replay PORT TOPIC TARGET    batches as they are into another topic, acks=all

import { type FileHandle, open } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import {
  decodeResponse,
  encodeRequest,
  Fetch,
  FrameSplitter,
  ListOffsets,
  Produce,
} from '../../src/protocol/index.ts';
import { batchBytes, iterateBatches } from '../../src/record/index.ts';
import { RawClient } from '../load/raw-client.ts';

const PARTITIONS = 6;
const ANSWER_BYTES = 4 * 1024 * 1024;
const PARTITION_BYTES = 1024 * 1024;
const FETCH_VERSION = 11;
const PRODUCE_VERSION = 7;
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
/** So that one answer comes while another is written. */
const READERS = 2;
const LENGTH_BYTES = 4;
const IDENTITY = { correlationId: 1, clientId: 'bare' };

/** By partition. */
type Offsets = Map<number, number>;
/** By partition. */
type Batches = readonly (readonly Buffer[])[];
/** Takes an answer, its length before it, and the batches in it. */
type Sink = (answer: Buffer, batches: Batches) => Promise<unknown>;

async function endsOf(port: number, name: string): Promise<Offsets> {
  const client = await RawClient.connect(port);
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: -1,
  }));
  const answer = await client.send(ListOffsets, 5, {
    replicaId: -1,
    topics: [{ name, partitions }],
  });
  client.close();
  const found = answer.topics[0]?.partitions ?? [];
  return new Map(found.map((one) => [one.partitionIndex, one.offset]));
}

/** Reads some partitions up to their ends over one connection, one answer at a time into the same memory. */
function read(port: number, topic: string, ends: Offsets, sink: Sink): Promise<void> {
  const memory = Buffer.alloc(2 * ANSWER_BYTES);
  const next: Offsets = new Map([...ends.keys()].map((partition) => [partition, 0]));
  let filled = 0;
  return new Promise((resolve, reject) => {
    const ask = (socket: Socket): void => {
      const partitions = [...next].flatMap(([partition, fetchOffset]) =>
        fetchOffset < (ends.get(partition) ?? 0)
          ? [{ partition, fetchOffset, partitionMaxBytes: PARTITION_BYTES }]
          : [],
      );
      if (partitions.length === 0) {
        socket.destroy();
        resolve();
        return;
      }
      const limits = { maxWaitMs: 100, minBytes: 1, maxBytes: ANSWER_BYTES, isolationLevel: 0 };
      const request = { ...limits, topics: [{ topic, partitions }] };
      socket.write(
        Buffer.concat(encodeRequest(Fetch, FETCH_VERSION, IDENTITY, request) as Buffer[]),
      );
    };
    const answered = async (socket: Socket): Promise<void> => {
      const answer = memory.subarray(0, filled);
      filled = 0;
      const batches = batchesIn(answer.subarray(LENGTH_BYTES), next);
      await sink(answer, batches);
      ask(socket);
    };
    const socket = createConnection({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: () => memory.subarray(filled),
        callback: (length) => {
          filled += length;
          const isWhole =
            filled >= LENGTH_BYTES && filled === LENGTH_BYTES + memory.readUInt32BE(0);
          if (isWhole) answered(socket).catch(reject);
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.on('connect', () => ask(socket));
  });
}

/** Also notes where each partition goes on. */
function batchesIn(frame: Buffer, next: Offsets): Batches {
  const batches = Array.from({ length: PARTITIONS }, (): Buffer[] => []);
  const response = decodeResponse(Fetch, FETCH_VERSION, frame);
  for (const { partitionIndex, records } of response.responses[0]?.partitions ?? []) {
    for (const header of iterateBatches(records ?? Buffer.alloc(0))) {
      next.set(partitionIndex, header.nextOffset);
      batches[partitionIndex]?.push(batchBytes(header));
    }
  }
  return batches;
}

/** Hands over what an export has written: one answer is read while others are sent. */
async function readFile(file: FileHandle, sink: Sink): Promise<void> {
  const memories = Array.from({ length: READERS }, () => Buffer.alloc(2 * ANSWER_BYTES));
  const sent: Promise<unknown>[] = [];
  let at = 0;
  for (let round = 0; ; round++) {
    const memory = memories[round % READERS] ?? Buffer.alloc(0);
    await sent[round - READERS];
    const { bytesRead } = await file.read(memory, 0, memory.length, at);
    if (bytesRead === 0) break;
    const answer = memory.subarray(0, LENGTH_BYTES + memory.readUInt32BE(0));
    at += answer.length;
    sent.push(sink(answer, batchesIn(answer.subarray(LENGTH_BYTES), new Map())));
  }
  await Promise.all(sent);
}

/** Answers when everything of one fetch is acknowledged: the n-th batches of all partitions go in one request. */
function writer(port: number, name: string): { sink: Sink; close(): void } {
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  const splitter = new FrameSplitter(FRAME_BYTES_MAX);
  const waiting: (() => void)[] = [];
  socket.on('data', (bytes: Buffer) => {
    splitter.push(bytes);
    for (let frame = splitter.next(); frame !== null; frame = splitter.next()) {
      const response = decodeResponse(Produce, PRODUCE_VERSION, frame);
      const refused = response.responses[0]?.partitionResponses.find((one) => one.errorCode !== 0);
      if (refused !== undefined) throw new Error(`error ${refused.errorCode}`);
      waiting.shift()?.();
    }
  });
  const send = (partitionData: { index: number; records: Buffer }[]): Promise<void> => {
    const request = { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData }] };
    socket.cork();
    for (const chunk of encodeRequest(Produce, PRODUCE_VERSION, IDENTITY, request)) {
      socket.write(chunk as Buffer);
    }
    socket.uncork();
    return new Promise((resolve) => waiting.push(resolve));
  };
  const sink: Sink = (_, batches) => {
    const rounds = Math.max(...batches.map((one) => one.length));
    const sent = Array.from({ length: rounds }, (__, round) =>
      send(
        batches.flatMap((of, index) => {
          const records = of[round];
          // What producers send has no place yet.
          return records === undefined ? [] : [{ index, records: records.fill(0, 0, 8) }];
        }),
      ),
    );
    return Promise.all(sent);
  };
  return { sink, close: () => socket.destroy() };
}

async function run([job, portText, topic = '', to = '']: readonly string[]): Promise<void> {
  const port = Number(portText);
  if (job === 'import') {
    const file = await open(to, 'r');
    const target = writer(port, topic);
    await readFile(file, target.sink);
    await file.close();
    target.close();
    return;
  }
  const ends = await endsOf(port, topic);
  const file = job === 'export' ? await open(to, 'wx') : null;
  const target = job === 'replay' ? writer(port, to) : null;
  const sink: Sink =
    target?.sink ??
    ((answer) => (file === null ? Promise.reject(new Error('no job')) : file.write(answer)));
  const shares = Array.from({ length: READERS }, (_, reader) => {
    return new Map([...ends].filter(([partition]) => partition % READERS === reader));
  });
  await Promise.all(shares.map((share) => read(port, topic, share, sink)));
  await file?.close();
  target?.close();
}

await run(process.argv.slice(2));
