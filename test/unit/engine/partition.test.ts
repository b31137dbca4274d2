import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KafkaError } from '../../../src/base/kafka-errors.ts';
import { silentLogger } from '../../../src/base/ports.ts';
import { ConfigStore } from '../../../src/engine/config-store.ts';
import type { AppendRequest, AppendResult } from '../../../src/engine/contract.ts';
import { FreeSpace } from '../../../src/engine/free-space.ts';
import { newMetrics } from '../../../src/engine/metrics.ts';
import { LogPartition } from '../../../src/engine/partition.ts';
import { PreparedCommits } from '../../../src/engine/prepared-commits.ts';
import { topicSettings } from '../../../src/engine/topic-settings.ts';
import {
  BATCH_HEADER_BYTES,
  BatchField,
  BatchHeader,
  buildBatch,
  inPlaceRecordWorker,
  LOOK_NOW_BYTES_MAX,
  prepareCodec,
  type RecordLook,
  type RecordWorker,
  readRecords,
  rewriteBatchCrc,
  verifyBatch,
} from '../../../src/record/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { batchOf, producerBatch } from './support/batches.ts';
import { type FakeLog, FakeStore } from './support/fake-store.ts';

const NOW = 1_767_225_600_000;

const code = (name: string) => expect.objectContaining({ code: name });

class Bench {
  readonly store = new FakeStore();
  readonly clock = new VirtualClock(NOW);
  readonly metrics = newMetrics();
  floor = 0;
  recordWorker: RecordWorker = inPlaceRecordWorker;
  readonly space = new FreeSpace({
    freeBytes: () => this.store.freeBytes(),
    floorBytes: () => this.floor,
    clock: this.clock,
    logger: silentLogger,
  });
  partition!: LogPartition;

  get log(): FakeLog {
    return this.store.logs.get('t-0')!;
  }

  async open(configs: Record<string, string> = {}, internal = false): Promise<LogPartition> {
    const set = new Map(Object.entries(configs));
    const topic = {
      name: 't',
      id: 'i'.repeat(22),
      internal,
      partitionCount: 1,
      configs: set,
      createdMs: 0,
    };
    const settings = topicSettings(new ConfigStore(new Map(), () => {}), set);
    const { store, clock, metrics, space } = this;
    const { recordWorker } = this;
    const logger = silentLogger;
    const preparedCommits = new PreparedCommits(() => [], logger);
    const ports = { store, clock, logger, recordWorker };
    const context = { ...ports, metrics, space, preparedCommits };
    this.partition = await LogPartition.open({ topic, settings }, 0, context);
    return this.partition;
  }

  append(records: Buffer | Buffer[], rest: Partial<AppendRequest> = {}): Promise<AppendResult> {
    return this.partition.append({ records, acks: -1, origin: 'client', ...rest });
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

const fetchAll = {
  offset: 0,
  maxBytes: 1_000_000,
  minOneBatch: true,
  isolation: 'read_uncommitted',
  currentLeaderEpoch: -1,
} as const;

describe('append and read', () => {
  test('records come back with their offsets', async () => {
    const partition = await bench.open();
    expect(await bench.append(batchOf(['a', 'b']))).toEqual({
      baseOffset: 0,
      lastOffset: 1,
      logAppendTimeMs: -1,
      logStartOffset: 0,
    });
    expect((await bench.append(batchOf(['c']))).baseOffset).toBe(2);
    const read = await partition.read(fetchAll);
    expect(read).toMatchObject({ highWatermark: 3, lastStableOffset: 3, logStartOffset: 0 });
    expect(read.abortedTransactions).toBeNull();
    expect(
      (await partition.read({ ...fetchAll, isolation: 'read_committed' })).abortedTransactions,
    ).toEqual([]);
    expect(bench.metrics).toMatchObject({ batchesAppended: 2, recordsAppended: 3, reads: 2 });
  });

  test('a header spread over several buffers is put together', async () => {
    await bench.open();
    const batch = batchOf(['a', 'b']);
    const pieces = [batch.subarray(0, 5), batch.subarray(5, 70), batch.subarray(70)];
    expect((await bench.append(pieces)).lastOffset).toBe(1);
    expect(
      [...readRecords(bench.log.stored[0]!)].map((record) => record.value!.toString()),
    ).toEqual(['a', 'b']);
  });

  test('reads end at the high watermark, and beyond the end is out of range', async () => {
    const partition = await bench.open();
    bench.log.autoCommit = false;
    const appended = bench.append(batchOf(['a']));
    const read = await partition.read(fetchAll);
    expect(read).toMatchObject({ byteLength: 0, highWatermark: 0 });
    // Between the high watermark and the end there is nothing to read yet, which is no error.
    expect((await partition.read({ ...fetchAll, offset: 1 })).byteLength).toBe(0);
    for (const offset of [2, -1, Number.MAX_SAFE_INTEGER]) {
      await expect(partition.read({ ...fetchAll, offset })).rejects.toThrow(
        code('OFFSET_OUT_OF_RANGE'),
      );
    }
    bench.log.commit();
    await appended;
    expect((await partition.read(fetchAll)).byteLength).toBeGreaterThan(0);
  });

  test('acks=1 and acks=-1 wait, acks=0 does not', async () => {
    await bench.open();
    bench.log.autoCommit = false;
    let answered = 0;
    const waiting = bench.append(batchOf(['a'])).then(() => {
      answered += 1;
    });
    await bench.append(batchOf(['b']), { acks: 0 });
    expect(answered).toBe(0);
    bench.log.commit();
    await waiting;
    expect(answered).toBe(1);
  });

  test('the leader epoch is compared when given', async () => {
    const partition = await bench.open();
    const at = (currentLeaderEpoch: number) => bench.append(batchOf(['a']), { currentLeaderEpoch });
    await expect(at(0)).rejects.toThrow(code('FENCED_LEADER_EPOCH'));
    await expect(at(2)).rejects.toThrow(code('UNKNOWN_LEADER_EPOCH'));
    await expect(at(1)).resolves.toMatchObject({ baseOffset: 0 });
    await expect(partition.read({ ...fetchAll, currentLeaderEpoch: 0 })).rejects.toThrow(
      code('FENCED_LEADER_EPOCH'),
    );
    expect(() => partition.endOffsetForEpoch(1, 9)).toThrow(code('UNKNOWN_LEADER_EPOCH'));
    expect(partition.endOffsetForEpoch(1, 1)).toEqual({ epoch: 1, endOffset: 1 });
  });

  test('watchers hear each commit until they stop watching', async () => {
    const partition = await bench.open();
    let heard = 0;
    const watcher = { place: -1, changed: () => (heard += 1) };
    partition.watch(watcher);
    await bench.append(batchOf(['a']));
    partition.unwatch(watcher);
    await bench.append(batchOf(['b']));
    expect(heard).toBe(1);
  });

  test('watchers hear that the log has failed: who waits at its end is told', async () => {
    const partition = await bench.open();
    const heard: boolean[] = [];
    partition.watch({ place: -1, changed: () => heard.push(partition.online) });
    bench.log.fail();
    expect(heard).toEqual([false]);
  });

  test('batches() ends at the high watermark', async () => {
    const partition = await bench.open();
    await bench.append(batchOf(['a']));
    await bench.append(batchOf(['b']));
    const seen: number[] = [];
    for await (const batch of partition.batches(1)) seen.push(new BatchHeader(batch).baseOffset);
    expect(seen).toEqual([1]);
  });
});

describe('what is refused', () => {
  test.each([
    ['a batch over max.message.bytes', { 'max.message.bytes': '100' }, 'MESSAGE_TOO_LARGE'],
    ['acks=all without enough copies', { 'min.insync.replicas': '2' }, 'NOT_ENOUGH_REPLICAS'],
  ])('%s', async (_name, configs: Record<string, string>, error) => {
    await bench.open(configs);
    await expect(bench.append(batchOf(['x'.repeat(200)]))).rejects.toThrow(code(error));
    expect(bench.log.stored).toHaveLength(0);
    expect(bench.metrics.appendsRefused).toBe(1);
  });

  test('acks=1 does not ask for copies', async () => {
    await bench.open({ 'min.insync.replicas': '2' });
    await expect(bench.append(batchOf(['a']), { acks: 1 })).resolves.toMatchObject({
      baseOffset: 0,
    });
  });

  test("a client's write to the broker's own topic; the broker's passes", async () => {
    await bench.open({}, true);
    await expect(bench.append(batchOf(['a']))).rejects.toThrow(code('INVALID_TOPIC_EXCEPTION'));
    await expect(bench.append(batchOf(['a']), { origin: 'internal' })).resolves.toMatchObject({
      lastOffset: 0,
    });
  });

  test('a transactional batch, with a text that says why', async () => {
    await bench.open();
    const batch = batchOf(['a'], {
      transactional: true,
      producer: { producerId: 1, producerEpoch: 0, baseSequence: 0 },
    });
    await expect(bench.append(batch)).rejects.toThrow(/no transactions yet/);
  });

  test('a damaged batch', async () => {
    await bench.open();
    const batch = batchOf(['a']);
    batch[batch.length - 1]! ^= 1;
    await expect(bench.append(batch)).rejects.toThrow(code('CORRUPT_MESSAGE'));
    await expect(bench.append([])).rejects.toThrow(code('INVALID_RECORD'));
  });

  test('a record without key on a compacted topic', async () => {
    await bench.open({ 'cleanup.policy': 'compact' });
    await expect(bench.append(batchOf(['a'], { keys: false }))).rejects.toThrow(
      code('INVALID_RECORD'),
    );
    await expect(bench.append(batchOf(['a']))).resolves.toMatchObject({ baseOffset: 0 });
  });

  test('a client while the disk is nearly full, not the broker itself', async () => {
    bench.store.free = 1_000_000;
    bench.floor = 999_990;
    await bench.open();
    await bench.space.refresh();
    await expect(bench.append(batchOf(['a']))).rejects.toThrow(/tidemark.min.free.bytes/);
    await expect(bench.append(batchOf(['a']), { origin: 'internal' })).resolves.toBeDefined();
    bench.space.close();
  });
});

describe('timestamps', () => {
  test('too far in the future: INVALID_TIMESTAMP, an hour by default', async () => {
    await bench.open();
    const soon = batchOf(['a'], { timestamp: NOW + 3_600_000 });
    await expect(bench.append(soon)).resolves.toBeDefined();
    const late = batchOf(['a'], { timestamp: NOW + 3_600_001 });
    await expect(bench.append(late)).rejects.toThrow(code('INVALID_TIMESTAMP'));
    const packed = batchOf(['a'], { timestamp: NOW + 9e9, codec: 'gzip' });
    await expect(bench.append(packed)).rejects.toThrow(code('INVALID_TIMESTAMP'));
  });

  test('too far in the past, when a bound is set', async () => {
    await bench.open({ 'message.timestamp.before.max.ms': '1000' });
    await expect(bench.append(batchOf(['a'], { timestamp: NOW - 1000 }))).resolves.toBeDefined();
    await expect(bench.append(batchOf(['a'], { timestamp: NOW - 1001 }))).rejects.toThrow(
      code('INVALID_TIMESTAMP'),
    );
    // Kafka: a record without a timestamp is always in time.
    await expect(bench.append(batchOf(['a'], { timestamp: -1 }))).resolves.toBeDefined();
  });

  test('LogAppendTime stamps the batch, and a repeated one is answered with the first stamp', async () => {
    await bench.open({ 'message.timestamp.type': 'LogAppendTime' });
    const far = producerBatch(5, 0, ['a', 'b']);
    const repeated = Buffer.from(far);
    expect(await bench.append(far)).toMatchObject({ logAppendTimeMs: NOW });
    const stored = bench.log.stored[0]!;
    expect(new BatchHeader(stored).timestampType).toBe('LogAppendTime');
    expect([...readRecords(stored)].map((record) => record.timestamp)).toEqual([NOW, NOW]);
    bench.clock.jump(50);
    expect(await bench.append(repeated)).toMatchObject({ baseOffset: 0, logAppendTimeMs: NOW });
    expect(bench.log.stored).toHaveLength(1);
  });
});

describe('a largest timestamp that the header states', () => {
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

  beforeAll(() => prepareCodec('zstd'));

  function stating(stated: number, batch: Buffer): Buffer {
    batch.writeBigInt64BE(BigInt(stated), BatchField.maxTimestamp);
    rewriteBatchCrc(batch);
    return batch;
  }

  /** What a batch is stored with whose checksum is right. */
  async function stored(batch: Buffer | Buffer[]): Promise<number> {
    await bench.append(batch);
    return verifyBatch(bench.log.stored.at(-1)!).maxTimestamp;
  }

  test.each(codecs)(
    '%s: older than the records, it is set from them, as in Kafka',
    async (codec) => {
      await bench.open();
      expect(await stored(stating(1000, batchOf(['a', 'b'], { codec })))).toBe(NOW);
      expect(await stored(stating(-1, batchOf(['a'], { codec })))).toBe(NOW);
      expect(await stored(batchOf(['a'], { codec, timestamp: -1 }))).toBe(-1);
      expect(await bench.partition.listOffset(NOW, 'read_uncommitted', -1)).toMatchObject({
        offset: 0,
      });
    },
  );

  test.each(codecs)('%s: it is set on a compacted topic, too', async (codec) => {
    await bench.open({ 'cleanup.policy': 'compact' });
    expect(await stored(stating(NOW + 5, batchOf(['a', 'b'], { codec })))).toBe(NOW);
  });

  test('of records in no order the newest counts, wherever the batch is cut', async () => {
    await bench.open();
    const times = [NOW - 500, NOW - 7, NOW - 90_000];
    const records = times.map((timestamp) => ({ timestamp, key: null, value: null }));
    const whole = stating(NOW - 500, buildBatch(records));
    for (let at = BATCH_HEADER_BYTES; at <= whole.length; at += 1) {
      const copy = Buffer.from(whole);
      expect(await stored([copy.subarray(0, at), copy.subarray(at)])).toBe(NOW - 7);
    }
  });

  test('newer than the records and than what a topic takes, it is no reason to refuse them', async () => {
    await bench.open();
    expect(await stored(stating(NOW + 9e9, batchOf(['a'])))).toBe(NOW);
  });

  test.each(codecs)('%s: it hides no record that is too new', async (codec) => {
    await bench.open();
    const late = batchOf(['a'], { codec, timestamp: NOW + 9e9 });
    await expect(bench.append(stating(NOW, late))).rejects.toThrow(code('INVALID_TIMESTAMP'));
    expect(bench.log.stored).toEqual([]);
  });

  test('a repeated batch is known by its producer and sequence, whatever it states', async () => {
    await bench.open();
    const batch = stating(5, producerBatch(5, 0, ['a']));
    const repeated = Buffer.from(batch);
    expect(await stored(batch)).toBe(NOW);
    expect(await bench.append(repeated)).toMatchObject({ baseOffset: 0 });
    expect(bench.log.stored).toHaveLength(1);
  });
});

describe('compression.type', () => {
  test.each(['gzip', 'zstd', 'lz4', 'snappy', 'uncompressed'])(
    '%s: batches of another codec are rebuilt with nothing changed inside',
    async (codec) => {
      await bench.open({ 'compression.type': codec });
      const values = ['a'.repeat(300), 'b'];
      const from = codec === 'zstd' ? 'gzip' : 'zstd';
      const { prepareCodec } = await import('../../../src/record/index.ts');
      await prepareCodec('zstd');
      const batch = batchOf(values, {
        codec: from,
        producer: { producerId: 8, producerEpoch: 2, baseSequence: 40 },
      });
      const again = Buffer.from(batch);
      await bench.append(batch);
      const header = new BatchHeader(bench.log.stored[0]!);
      const { codecOf, verifyBatch } = await import('../../../src/record/index.ts');
      verifyBatch(bench.log.stored[0]!);
      expect(codecOf(header.codecId)).toBe(codec === 'uncompressed' ? 'none' : codec);
      expect(header).toMatchObject({ producerId: 8, producerEpoch: 2, baseSequence: 40 });
      const records = [...readRecords(bench.log.stored[0]!)];
      expect(records.map((record) => record.value!.toString())).toEqual(values);
      expect(records.map((record) => record.key!.toString())).toEqual(['k0', 'k1']);
      expect(await bench.append(again)).toMatchObject({ baseOffset: 0 });
    },
  );

  test('a batch of the right codec is stored as it came', async () => {
    await bench.open({ 'compression.type': 'gzip' });
    const batch = batchOf(['a'.repeat(100)], { codec: 'gzip' });
    const sent = Buffer.from(batch);
    await bench.append(batch);
    expect(bench.log.stored[0]!.subarray(16)).toEqual(sent.subarray(16));
  });
});

describe('idempotent producers', () => {
  test('a batch sent again is answered with its first offset and stored once', async () => {
    await bench.open();
    await bench.append(producerBatch(1, 0, ['a', 'b']));
    await bench.append(producerBatch(1, 2, ['c']));
    expect(await bench.append(producerBatch(1, 0, ['a', 'b']))).toMatchObject({
      baseOffset: 0,
      lastOffset: 1,
    });
    expect(bench.log.stored).toHaveLength(2);
    expect(bench.metrics.batchesDuplicate).toBe(1);
  });

  test('a duplicate of a batch in flight waits for the original', async () => {
    await bench.open();
    bench.log.autoCommit = false;
    const answers: string[] = [];
    const first = bench.append(producerBatch(1, 0, ['a'])).then(() => answers.push('first'));
    const second = bench.append(producerBatch(1, 0, ['a'])).then(() => answers.push('second'));
    await bench.clock.advance(1000);
    expect(answers).toEqual([]);
    bench.log.commit();
    await Promise.all([first, second]);
    expect(answers.sort()).toEqual(['first', 'second']);
    expect(bench.log.stored).toHaveLength(1);
  });

  test('a gap is refused and nothing is stored', async () => {
    await bench.open();
    await bench.append(producerBatch(1, 0, ['a']));
    await expect(bench.append(producerBatch(1, 2, ['c']))).rejects.toThrow(
      code('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    );
    await expect(bench.append(producerBatch(1, 1, ['b']))).resolves.toBeDefined();
  });

  test('after a failure, a retry of what was lost is stored, not taken for a duplicate', async () => {
    const partition = await bench.open();
    await bench.append(producerBatch(1, 0, ['a']));
    bench.log.autoCommit = false;
    const lost = bench.append(producerBatch(1, 1, ['b']));
    const duplicate = bench.append(producerBatch(1, 1, ['b']));
    bench.log.fail();
    await expect(lost).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    await expect(duplicate).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    expect(partition.online).toBe(false);
    await expect(bench.append(producerBatch(1, 1, ['b']))).rejects.toThrow(
      code('KAFKA_STORAGE_ERROR'),
    );
    // What was committed is still served.
    expect((await partition.read(fetchAll)).byteLength).toBeGreaterThan(0);
    bench.log.autoCommit = true;
    await partition.reopen();
    expect(partition.online).toBe(true);
    expect(await bench.append(producerBatch(1, 1, ['b']))).toMatchObject({ baseOffset: 1 });
    expect(await bench.append(producerBatch(1, 0, ['a']))).toMatchObject({ baseOffset: 0 });
    expect(bench.log.stored).toHaveLength(2);
  });

  test('a disk that still refuses leaves the partition as it was', async () => {
    const partition = await bench.open();
    await bench.append(batchOf(['a']));
    bench.log.fail();
    bench.log.reopenFails = true;
    await expect(partition.reopen()).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    expect((await partition.read(fetchAll)).byteLength).toBeGreaterThan(0);
    bench.log.reopenFails = false;
    await partition.reopen();
    expect(partition.online).toBe(true);
  });

  test('state comes back from a snapshot and the batches after it', async () => {
    await bench.open();
    for (let batch = 0; batch < 3; batch += 1) {
      await bench.append(producerBatch(1, batch, ['x']));
    }
    const { log } = bench;
    log.snapshots.set(2, log.options.hooks!.producerSnapshot(2)!);
    // A newer snapshot that cannot be read must not stand in the way.
    log.snapshots.set(3, Buffer.from('rubbish'));
    await bench.open();
    expect(await bench.append(producerBatch(1, 0, ['x']))).toMatchObject({ baseOffset: 0 });
    expect(await bench.append(producerBatch(1, 3, ['x']))).toMatchObject({ baseOffset: 3 });
    expect(bench.partition.producers()).toEqual([
      expect.objectContaining({ producerId: 1, lastSequence: 3 }),
    ]);
  });

  test('idle producers are forgotten', async () => {
    const partition = await bench.open();
    await bench.append(producerBatch(1, 0, ['x']));
    await bench.clock.advance(999);
    expect(partition.expireProducers(1000)).toBe(1);
    expect(partition.producers()).toHaveLength(1);
    await bench.clock.advance(1);
    expect(partition.expireProducers(1000)).toBe(0);
    expect(partition.producers()).toHaveLength(0);
  });
});

describe('offsets by time', () => {
  test('the special timestamps and a lookup', async () => {
    const partition = await bench.open();
    const at = (timestamp: number) => partition.listOffset(timestamp, 'read_uncommitted', -1);
    const nothing = { offset: -1, timestamp: -1, leaderEpoch: -1 };
    expect(await at(-1)).toEqual({ offset: 0, timestamp: -1, leaderEpoch: 1 });
    expect(await at(-2)).toEqual({ offset: 0, timestamp: -1, leaderEpoch: 1 });
    expect(await at(-3)).toEqual(nothing);
    await bench.append(batchOf(['a'], { timestamp: NOW - 500 }));
    await bench.append(batchOf(['b'], { timestamp: NOW - 100 }));
    await bench.append(batchOf(['c'], { timestamp: NOW - 300 }));
    expect(await at(-1)).toEqual({ offset: 3, timestamp: -1, leaderEpoch: 1 });
    expect(await at(-3)).toEqual({ offset: 1, timestamp: NOW - 100, leaderEpoch: 1 });
    expect(await at(-4)).toEqual({ offset: 0, timestamp: -1, leaderEpoch: 1 });
    expect(await at(-5)).toEqual(nothing);
    expect(await at(NOW - 499)).toEqual({ offset: 1, timestamp: NOW - 100, leaderEpoch: 1 });
    expect(await at(NOW)).toEqual(nothing);
    await expect(at(-99)).rejects.toThrow(code('INVALID_REQUEST'));
  });

  test('a record that comes in during the search is found, not taken for none', async () => {
    const partition = await bench.open();
    for (const [place, isolation] of (['read_uncommitted', 'read_committed'] as const).entries()) {
      await bench.append(batchOf(['a'], { timestamp: NOW - 500 }));
      const timestamp = NOW + place;
      const { log } = bench;
      const search = log.maxTimestamp.bind(log);
      log.maxTimestamp = async () => {
        await bench.append(batchOf(['b'], { timestamp }));
        return search();
      };
      const found = await partition.listOffset(-3, isolation, -1);
      log.maxTimestamp = search;
      expect(found).toEqual({ offset: place * 2 + 1, timestamp, leaderEpoch: 1 });
    }
  });
});

describe('a partition whose producers could not be read', () => {
  test('gives nobody committed records while its log takes no writes: what is rolled back is not known', async () => {
    await bench.open();
    await bench.append(batchOf(['plain']));
    const { log } = bench;
    const batches = log.batches.bind(log);
    // biome-ignore lint/correctness/useYield: it fails before there is anything
    log.batches = async function* () {
      throw new KafkaError('KAFKA_STORAGE_ERROR', 'the fake disk cannot be read');
    };
    const partition = await bench.open();
    log.fail();
    log.reopenFails = true;
    await expect(partition.reopen()).rejects.toThrow();
    const committed = { ...fetchAll, isolation: 'read_committed' } as const;
    await expect(partition.read(committed)).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    expect(() => partition.readNow(committed)).toThrow(code('KAFKA_STORAGE_ERROR'));
    expect((await partition.read(fetchAll)).byteLength).toBeGreaterThan(0);
    log.batches = batches;
    log.reopenFails = false;
    await partition.reopen();
    expect((await partition.read(committed)).abortedTransactions).toEqual([]);
  });
});

describe('deleting records', () => {
  test('up to an offset, or all with -1; never beyond the high watermark', async () => {
    const partition = await bench.open();
    await bench.append(batchOf(['a', 'b', 'c']));
    expect(await partition.deleteRecords(2)).toBe(2);
    expect(await partition.deleteRecords(1)).toBe(2);
    await expect(partition.deleteRecords(4)).rejects.toThrow(code('OFFSET_OUT_OF_RANGE'));
    await expect(partition.deleteRecords(-2)).rejects.toThrow(code('OFFSET_OUT_OF_RANGE'));
    expect(await partition.deleteRecords(-1)).toBe(3);
  });

  test('not on a topic that is only compacted', async () => {
    const partition = await bench.open({ 'cleanup.policy': 'compact' });
    await expect(partition.deleteRecords(-1)).rejects.toThrow(code('POLICY_VIOLATION'));
  });
});

describe('a partition that cannot be used', () => {
  test('whose log cannot be opened is offline, and comes back when it can', async () => {
    bench.store.broken.add('t-0');
    const partition = await bench.open();
    expect(partition.online).toBe(false);
    await expect(bench.append(batchOf(['a']))).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    await expect(partition.read(fetchAll)).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    await expect(partition.reopen()).rejects.toThrow(code('KAFKA_STORAGE_ERROR'));
    bench.store.broken.clear();
    await partition.reopen();
    expect(partition.online).toBe(true);
    expect(await bench.append(batchOf(['a']))).toMatchObject({ baseOffset: 0 });
  });

  test('deleted: it is unknown from then on, also to who waits for a duplicate', async () => {
    const partition = await bench.open();
    bench.log.autoCommit = false;
    bench.append(producerBatch(1, 0, ['a'])).catch(() => {});
    const waiting = bench.append(producerBatch(1, 0, ['a']));
    await partition.end('deleted');
    await expect(waiting).rejects.toThrow(code('UNKNOWN_TOPIC_OR_PARTITION'));
    await expect(bench.append(batchOf(['a']))).rejects.toThrow(code('UNKNOWN_TOPIC_OR_PARTITION'));
  });

  test('closed: the client is told to look for another leader', async () => {
    const partition = await bench.open();
    await partition.end('closed');
    await expect(partition.read(fetchAll)).rejects.toThrow(code('NOT_LEADER_OR_FOLLOWER'));
  });
});

describe('a batch that expands to much', () => {
  const large = (producerId: number, sequence: number) =>
    batchOf(['x'.repeat(LOOK_NOW_BYTES_MAX)], {
      codec: 'gzip',
      producer: { producerId, producerEpoch: 0, baseSequence: sequence },
    });

  /** A worker whose tasks wait until they are let go. */
  function heldWorker() {
    const looks: RecordLook[] = [];
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const look = async (task: RecordLook) => {
      looks.push(task);
      await held;
      return inPlaceRecordWorker.look(task);
    };
    bench.recordWorker = { ...inPlaceRecordWorker, look };
    return { looks, letGo: () => letGo() };
  }

  test('is looked into elsewhere, and what comes behind it keeps its place', async () => {
    const { looks, letGo } = heldWorker();
    await bench.open({ 'cleanup.policy': 'compact' });
    expect(await bench.append(producerBatch(1, 0, ['small']))).toMatchObject({ baseOffset: 0 });
    expect(looks).toEqual([]);
    const appends = [
      bench.append(large(1, 1)),
      bench.append(producerBatch(1, 2, ['small'])),
      bench.append(large(1, 3)),
      bench.append(producerBatch(1, 4, ['small'])),
    ];
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toHaveLength(1);
    expect(bench.partition.endOffset).toBe(1);
    letGo();
    const offsets = (await Promise.all(appends)).map(({ baseOffset }) => baseOffset);
    expect(offsets).toEqual([1, 2, 3, 4]);
    expect(looks).toHaveLength(2);
  });

  test('is refused as one that is looked into at once', async () => {
    const { letGo } = heldWorker();
    letGo();
    await bench.open({ 'cleanup.policy': 'compact' });
    const values = Array.from({ length: 5 }, () => 'x'.repeat(LOOK_NOW_BYTES_MAX));
    const keyless = batchOf(values, { keys: false, codec: 'gzip' });
    await expect(bench.append(keyless)).rejects.toMatchObject({
      code: 'INVALID_RECORD',
      recordErrors: expect.objectContaining({ length: 5 }),
      message: expect.stringContaining('5 records are refused'),
    });
    const damaged = large(1, 0);
    damaged[damaged.length - 1]! ^= 1;
    await expect(bench.append(damaged)).rejects.toThrow(code('CORRUPT_MESSAGE'));
  });

  test('is rebuilt elsewhere', async () => {
    const { looks, letGo } = heldWorker();
    letGo();
    await bench.open({ 'compression.type': 'lz4' });
    expect(await bench.append(large(3, 0))).toMatchObject({ baseOffset: 0 });
    expect(looks).toHaveLength(1);
    expect(new BatchHeader(bench.log.stored[0]!)).toMatchObject({ codecId: 3, producerId: 3 });
  });

  test('is not looked into for a timestamp that its header tells', async () => {
    const { looks } = heldWorker();
    await bench.open();
    const late = batchOf(['x'.repeat(LOOK_NOW_BYTES_MAX)], { codec: 'gzip', timestamp: NOW + 9e9 });
    await expect(bench.append(late)).rejects.toThrow(code('INVALID_TIMESTAMP'));
    expect(looks).toEqual([]);
  });

  test('is refused when the thread fails, or when the partition ends meanwhile', async () => {
    const failing = { ...inPlaceRecordWorker, look: () => Promise.reject(new Error('no thread')) };
    bench.recordWorker = failing;
    await bench.open({ 'cleanup.policy': 'compact' });
    await expect(bench.append(large(1, 0))).rejects.toThrow('no thread');
    expect(await bench.append(producerBatch(1, 0, ['small']))).toMatchObject({ baseOffset: 0 });
    const { letGo } = heldWorker();
    await bench.open({ 'cleanup.policy': 'compact' });
    const waiting = bench.append(large(1, 1));
    await bench.partition.end('deleted');
    letGo();
    await expect(waiting).rejects.toThrow(code('UNKNOWN_TOPIC_OR_PARTITION'));
  });
});
