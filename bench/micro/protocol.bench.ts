// Decoding and encoding of the messages that weigh most: OffsetCommit, a Fetch response of many
// partitions, Produce.

import { Bench } from 'tinybench';
import {
  decodeMessage,
  encodeMessage,
  encodeResponse,
  Fetch,
  FetchRequest,
  OffsetCommitRequest,
  ProduceRequest,
  type ResponseInput,
} from '../../src/protocol/index.ts';
import { interpretCodec } from '../../src/protocol/schema/interpret.ts';
import { Reader } from '../../src/protocol/schema/reader.ts';
import type { Timing } from './timing.ts';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** 10 topics with 10 partitions each. */
function offsetCommit(): Buffer {
  const partitions = range(10).map((partitionIndex) => ({
    partitionIndex,
    committedOffset: 1_000_000 + partitionIndex,
    committedLeaderEpoch: 3,
    committedMetadata: '',
  }));
  return encodeMessage(OffsetCommitRequest, 8, {
    groupId: 'payments-consumer',
    generationIdOrMemberEpoch: 7,
    memberId: 'consumer-1-3f1b8d3e-7f0e-4a41-a2a5-7fd4c0a6d9ce',
    topics: range(10).map((i) => ({ name: `payments-${i}`, partitions })),
  });
}

/** 1,000 partitions with `bytes` of records each. */
function fetchResponse(bytes: number): ResponseInput<typeof Fetch> {
  const records = Buffer.alloc(bytes, 1);
  const partitions = range(100).map((partitionIndex) => ({
    partitionIndex,
    errorCode: 0,
    highWatermark: 5_000_000,
    lastStableOffset: 5_000_000,
    logStartOffset: 0,
    abortedTransactions: null,
    records,
  }));
  const responses = range(10).map((i) => ({
    topicId: Buffer.alloc(16, i + 1).toString('base64url'),
    partitions,
  }));
  return { throttleTimeMs: 0, sessionId: 1, responses };
}

function fetchRequest(): Buffer {
  const partitions = range(100).map((partition) => ({
    partition,
    currentLeaderEpoch: 3,
    fetchOffset: 5_000_000,
    partitionMaxBytes: 1_048_576,
  }));
  return encodeMessage(FetchRequest, 13, {
    maxWaitMs: 500,
    minBytes: 1,
    topics: range(10).map((i) => ({
      topicId: Buffer.alloc(16, i + 1).toString('base64url'),
      partitions,
    })),
  });
}

function produce(version: number, partitions: number): Buffer {
  const topic = version < 13 ? { name: 'payments' } : { topicId: 'AQEBAQEBAQEBAQEBAQEBAQ' };
  const partitionData = range(partitions).map((index) => ({
    index,
    records: Buffer.alloc(16_384),
  }));
  return encodeMessage(ProduceRequest, version, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ ...topic, partitionData }],
  });
}

/** An operation is one message. */
export function protocolSuite(timing: Timing): Bench {
  const bench = new Bench(timing);
  const commit = offsetCommit();
  bench.add('decode OffsetCommit v8, 10 topics x 10 partitions', () => {
    decodeMessage(OffsetCommitRequest, 8, commit);
  });
  const interpreted = interpretCodec(OffsetCommitRequest.fields, { version: 8, flexible: true });
  bench.add('the same, interpreted', () => {
    interpreted.read(new Reader(commit));
  });
  for (const bytes of [200, 4096]) {
    const response = fetchResponse(bytes);
    bench.add(`encode Fetch response v13, 1,000 partitions of ${bytes} bytes`, () => {
      encodeResponse(Fetch, 13, 1, response);
    });
  }
  const request = fetchRequest();
  bench.add('decode Fetch request v13, 1,000 partitions', () => {
    decodeMessage(FetchRequest, 13, request);
  });
  for (const [version, partitions] of [
    [9, 1],
    [13, 1],
    [13, 6],
  ] as const) {
    const encoded = produce(version, partitions);
    bench.add(`decode Produce v${version}, ${partitions} partitions of 16 KiB`, () => {
      decodeMessage(ProduceRequest, version, encoded);
    });
  }
  return bench;
}
