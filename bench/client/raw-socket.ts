// No client at all: the same request written again, its answer only counted. What remains is the broker and the way
// there and back, so no client can be better by the clock; beside it stands what a client adds.

import { once } from 'node:events';
import { connect } from 'node:net';
import {
  decodeResponse,
  encodeRequest,
  Fetch,
  FrameSplitter,
  Produce,
} from '../../src/protocol/index.ts';
import { buildBatch, iterateBatches } from '../../src/record/index.ts';
import { type BenchClient, inCalls } from './clients.ts';

const IDENTITY = { correlationId: 0, clientId: 'raw' };
/** The newest that names topics, not their ids. */
const PRODUCE_VERSION = 12;
const FETCH_VERSION = 12;
const FRAME_BYTES_MAX = 512 * 1024 * 1024;
const FETCH_BYTES = 4 * 1024 * 1024;

/** Sends a frame; resolves with the answer's. */
type Ask = (frame: Uint8Array) => Promise<Buffer>;

export async function openRawSocket(bootstrap: string): Promise<BenchClient> {
  const { hostname, port } = new URL(`tcp://${bootstrap}`);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  const frames = new FrameSplitter(FRAME_BYTES_MAX);
  const waiting: ((frame: Buffer) => void)[] = [];
  socket.on('data', (chunk: Buffer) => {
    frames.push(chunk);
    for (let frame = frames.next(); frame !== null; frame = frames.next()) waiting.shift()?.(frame);
  });
  const ask: Ask = (frame) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.write(frame);
    });
  return {
    async produceSingly(topic, value, count) {
      const request = produceRequest(topic, value, 1);
      check(await ask(request));
      for (let index = 1; index < count; index++) await ask(request);
    },
    async produceMany(topic, value, count) {
      await inCalls(count, async (records) => ask(produceRequest(topic, value, records)));
    },
    consume: (topic, count, onFirst) => consume(ask, topic, count, onFirst),
    close() {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

const requests = new Map<string, Buffer>();

/** Made once. */
function produceRequest(topic: string, value: Buffer, count: number): Buffer {
  const name = `${topic} ${count}`;
  let request = requests.get(name);
  if (request === undefined) {
    const record = { key: null, value, timestamp: Date.now() };
    const records = buildBatch(Array.from({ length: count }, () => record));
    const chunks = encodeRequest(Produce, PRODUCE_VERSION, IDENTITY, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    });
    request = Buffer.concat(chunks as Buffer[]);
    requests.set(name, request);
  }
  return request;
}

function check(frame: Buffer): void {
  const { responses } = decodeResponse(Produce, PRODUCE_VERSION, frame);
  const code = responses[0]?.partitionResponses[0]?.errorCode;
  if (code !== 0) throw new Error(`the broker answered Produce with error ${code}`);
}

/** Steps over whole batches; records are counted by what their headers say. */
async function consume(ask: Ask, topic: string, count: number, onFirst: () => void): Promise<void> {
  let next = 0;
  for (let seen = 0; seen < count; ) {
    const frame = await ask(fetchRequest(topic, next));
    const { responses } = decodeResponse(Fetch, FETCH_VERSION, frame);
    const answer = responses[0]?.partitions[0];
    if (answer?.errorCode !== 0) throw new Error(`error ${answer?.errorCode} by Fetch`);
    if (seen === 0) onFirst();
    for (const batch of iterateBatches(answer.records as Buffer)) {
      seen += batch.recordCount;
      next = batch.lastOffset + 1;
    }
  }
}

function fetchRequest(topic: string, fetchOffset: number): Buffer {
  const partition = { partition: 0, fetchOffset, partitionMaxBytes: FETCH_BYTES };
  const chunks = encodeRequest(Fetch, FETCH_VERSION, IDENTITY, {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    topics: [{ topic, partitions: [partition] }],
    forgottenTopicsData: [],
  });
  return Buffer.concat(chunks as Buffer[]);
}
