import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import {
  Cluster,
  type FetchedRecords,
  LogReader,
  type ReaderOptions,
  tcpNetwork,
} from '../../../src/client/index.ts';
import { Fetch, ListOffsets, Metadata } from '../../../src/protocol/index.ts';
import { buildBatch, type Codec, prepareCodec } from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { FakeBroker, metadataBody } from './fake-broker.ts';

interface Stored {
  readonly bytes: Buffer;
  readonly first: number;
  readonly last: number;
}

function stored(first: number, values: readonly string[], more: object = {}): Stored {
  const records = values.map((value) => ({ timestamp: 5, key: null, value: Buffer.from(value) }));
  const bytes = buildBatch(records, { baseOffset: first, ...more });
  return { bytes, first, last: first + values.length - 1 };
}

/** Marker of an ended transaction: key is version and type (0 abort, 1 commit). */
function marker(offset: number, producerId: number, type: 0 | 1): Stored {
  const key = Buffer.from([0, 0, 0, type]);
  const bytes = buildBatch([{ timestamp: 5, key, value: Buffer.alloc(6) }], {
    baseOffset: offset,
    control: true,
    transactional: true,
    producer: { producerId, producerEpoch: 0, baseSequence: -1 },
  });
  return { bytes, first: offset, last: offset };
}

interface SetUp {
  batches: Stored[];
  startOffset?: number;
  aborted?: { producerId: number; firstOffset: number }[];
  /** Error codes of the fetches to come, then 0. */
  codes?: number[];
  options?: Partial<ReaderOptions>;
}

function setUp(given: SetUp) {
  const { batches, startOffset = 0, aborted = [], codes = [], options = {} } = given;
  const end = Math.max(0, ...batches.map((batch) => batch.last + 1));
  const broker = new FakeBroker((request) => {
    if (request.api.key === Metadata.key) return metadataBody('t', 1);
    if (request.api.key === ListOffsets.key) {
      const answer = { partitionIndex: 0, errorCode: 0, timestamp: -1, offset: startOffset };
      return { topics: [{ name: 't', partitions: [answer] }] };
    }
    if (request.api.key !== Fetch.key) throw new Error(`unexpected ${request.api.name}`);
    const { topics } = request.body as { topics: { partitions: { fetchOffset: number }[] }[] };
    const { fetchOffset } = topics[0]!.partitions[0]!;
    const gone = fetchOffset < startOffset;
    const errorCode = codes.shift() ?? (gone ? 1 : 0);
    // One batch an answer, from the one that holds the offset.
    const found = batches.find((batch) => batch.last >= fetchOffset);
    const partition = {
      partitionIndex: 0,
      errorCode,
      highWatermark: end,
      lastStableOffset: end,
      logStartOffset: startOffset,
      abortedTransactions: aborted,
      records: errorCode === 0 ? (found?.bytes ?? null) : null,
    };
    const topicId = 'AAAAAAAAAAAAAAAAAAAAAg';
    return {
      errorCode: 0,
      sessionId: 0,
      responses: [{ topic: 't', topicId, partitions: [partition] }],
    };
  });
  const clock = new VirtualClock();
  const shared = { clock, random: new SeededRandom(3) };
  const network = tcpNetwork([{ host: 'fake', port: 1 }], {
    ...shared,
    clientId: 'test',
    connector: broker,
  });
  const reader = new LogReader(new Cluster({ network, ...shared }), { topic: 't', ...options });
  const all = async (from: number): Promise<FetchedRecords[]> => {
    reader.set(0, from);
    const results: FetchedRecords[] = [];
    for await (const result of reader.read()) {
      results.push(result);
      if (result.nextOffset >= end) reader.remove(0);
    }
    return results;
  };
  const read = (from: number) => clock.until(all(from));
  const values = async (from: number) =>
    (await read(from)).flatMap((result) => result.records.map((record) => String(record.value)));
  return { broker, clock, read, values };
}

describe('reading', () => {
  test('records come in order, each once, over many fetches', async () => {
    const { values } = setUp({
      batches: [stored(0, ['a', 'b']), stored(2, ['c']), stored(3, ['d'])],
    });
    expect(await values(0)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a start inside a batch leaves out what is before it', async () => {
    const { values } = setUp({ batches: [stored(0, ['a', 'b', 'c', 'd'])] });
    expect(await values(2)).toEqual(['c', 'd']);
  });

  test('a gap that compaction left is stepped over', async () => {
    const { read } = setUp({ batches: [stored(0, ['a']), stored(90, ['z'])] });
    const offsets = (await read(0)).flatMap((one) => one.records.map((record) => record.offset));
    expect(offsets).toEqual([0, 90]);
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as Codec[])('%s is expanded', async (codec) => {
    await prepareCodec(codec);
    const { values } = setUp({ batches: [stored(0, ['a', 'b'], { codec })] });
    expect(await values(0)).toEqual(['a', 'b']);
  });

  test('a cut last batch is not given, and does not move on', async () => {
    const whole = stored(0, ['a']);
    const cut = stored(1, ['b']);
    const joined = Buffer.concat([whole.bytes, cut.bytes.subarray(0, cut.bytes.length - 3)]);
    const { values } = setUp({ batches: [{ bytes: joined, first: 0, last: 0 }, cut] });
    expect(await values(0)).toEqual(['a', 'b']);
  });

  test('a wrong checksum ends the read with the place', async () => {
    const damaged = stored(0, ['a', 'b']);
    damaged.bytes[damaged.bytes.length - 1]! ^= 1;
    const { read } = setUp({ batches: [damaged] });
    await expect(read(0)).rejects.toMatchObject({ code: 'corrupt_batch' });
  });
});

describe('transactions', () => {
  const producer = (producerId: number) => ({ producerId, producerEpoch: 0, baseSequence: 0 });
  const batches = () => {
    const open = { transactional: true };
    return [
      stored(0, ['plain']),
      stored(1, ['aborted'], { ...open, producer: producer(7) }),
      stored(2, ['committed'], { ...open, producer: producer(8) }),
      marker(3, 7, 0),
      marker(4, 8, 1),
      stored(5, ['again'], { ...open, producer: producer(7) }),
      marker(6, 7, 1),
    ];
  };
  const aborted = [{ producerId: 7, firstOffset: 1 }];

  test('read_committed leaves out what was aborted, and markers; the same producer may go on', async () => {
    const all = batches();
    const bytes = Buffer.concat(all.map((batch) => batch.bytes));
    const { values } = setUp({ batches: [{ bytes, first: 0, last: 6 }], aborted });
    expect(await values(0)).toEqual(['plain', 'committed', 'again']);
  });

  test('read_uncommitted shows all records, but no markers', async () => {
    const { values } = setUp({
      batches: batches(),
      aborted,
      options: { isolation: 'read_uncommitted' },
    });
    expect(await values(0)).toEqual(['plain', 'aborted', 'committed', 'again']);
  });
});

describe('trouble', () => {
  test.each([
    [6, 'the leader moved'],
    [3, 'the topic is not known yet'],
    [74, 'the epoch is stale'],
  ])('error %i (%s) is tried again after asking for metadata', async (code) => {
    const { broker, values } = setUp({ batches: [stored(0, ['a'])], codes: [code] });
    expect(await values(0)).toEqual(['a']);
    expect(broker.of(Metadata).length).toBeGreaterThan(1);
  });

  test('what retention took away is skipped, and told', async () => {
    const moved: number[][] = [];
    const { values } = setUp({
      batches: [stored(10, ['k', 'l'])],
      startOffset: 10,
      options: { onMoved: (...move) => moved.push(move) },
    });
    expect(await values(0)).toEqual(['k', 'l']);
    expect(moved).toEqual([[0, 0, 10]]);
  });

  test('or fails, when that was asked for', async () => {
    const { read } = setUp({
      batches: [stored(10, ['k'])],
      startOffset: 10,
      options: { outOfRange: 'error' },
    });
    await expect(read(0)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  });

  test('what does not pass is thrown at once', async () => {
    const { read } = setUp({ batches: [stored(0, ['a'])], codes: [29] });
    await expect(read(0)).rejects.toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED' });
  });

  test('trouble that lasts is thrown after the patience', async () => {
    const { read } = setUp({
      batches: [stored(0, ['a'])],
      codes: Array(1000).fill(6),
      options: { patienceMs: 2000 },
    });
    await expect(read(0)).rejects.toMatchObject({ code: 'NOT_LEADER_OR_FOLLOWER' });
  });
});
