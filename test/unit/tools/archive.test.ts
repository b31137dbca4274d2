import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import {
  type Cluster,
  createTopics,
  deleteRecords,
  LogReader,
  listOffsets,
  openBatchSender,
  Producer,
  SpecialTime,
} from '../../../src/client/index.ts';
import { remoteCluster } from '../../../src/compose/index.ts';
import {
  BatchHeader,
  buildBatch,
  recordsContext,
  type StoredRecord,
} from '../../../src/record/index.ts';
import { startBroker, type TestBroker } from '../../../src/testing/index.ts';
import {
  ArchiveError,
  exportTopics,
  type ImportOptions,
  newArchive,
  newText,
  ORIGIN_HEADER,
  planArchive,
  resumeArchive,
  resumeText,
  verifyArchive,
} from '../../../tools/archive/index.ts';
import { newJob, openBatchSink, planStretches, runReplay } from '../../../tools/replay/index.ts';
import { amount } from '../../support/amount.ts';
import { testSeed } from '../../support/test-seed.ts';
import { importFile } from './archive-support.ts';

const SEED = testSeed();
const LARGE_BATCHES = amount(90, 240);
/** The records are of 2023: retention would take them while the test runs. */
const FOREVER = { 'retention.ms': '-1' };
const directory = mkdtempSync(join(tmpdir(), 'tidemark-archive-'));
let broker: TestBroker;
let cluster: Cluster;
let fileNumber = 0;
const newPath = (end = 'archive'): string => join(directory, `${fileNumber++}.${end}`);

beforeAll(async () => {
  broker = await startBroker({ topics: { orders: { partitions: 3, configs: FOREVER }, gone: 1 } });
  cluster = remoteCluster(broker.bootstrap);
  const random = new SeededRandom(SEED);
  for (const codec of ['none', 'gzip', 'lz4', 'none', 'zstd'] as const) {
    const options = { key: 'buffer', value: 'buffer', compression: codec } as const;
    const producer = new Producer(cluster, options);
    for (let n = 0; n < 250; n++) {
      const bytes = Buffer.alloc(Math.floor(random.next() * 400), `${n}`);
      const record = {
        topic: 'orders',
        key: n % 9 === 0 ? null : Buffer.from(`k${n % 20}`),
        // Text, bytes that are no text, nothing, and the empty text.
        value: n % 7 === 0 ? null : n % 5 === 0 ? Buffer.from([0xff, n & 0xff, 0]) : bytes,
        timestamp: 1_700_000_000_000 + n,
        ...(n % 3 === 0 && {
          headers: [
            { key: 'a', value: Buffer.from(`"x",\r\n${n}`) },
            { key: 'a', value: null },
          ],
        }),
        partition: Math.floor(random.next() * 3),
      };
      producer.enqueue(record, null, null);
      if (random.next() < 0.04) await producer.flush();
    }
    await producer.close();
  }
  await deleteRecords(cluster, 'orders', new Map([[1, 77]]));
});
afterAll(async () => {
  await cluster.close();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
});

type Read = Omit<StoredRecord, 'offset'> & { readonly partition: number; readonly offset: number };

/** A line a record, which compares much faster than its buffers do; without its offset when that may differ. */
function lines(records: readonly Read[], offsets = true): string[] {
  return records.map(({ partition, offset, timestamp, key, value, headers }) => {
    const bytes = (field: Buffer | null) => field?.toString('base64') ?? null;
    const own = headers.filter((one) => one.key !== ORIGIN_HEADER);
    const pairs = own.map((one) => [one.key, bytes(one.value)]);
    const place = offsets ? [partition, offset] : [partition];
    return JSON.stringify([...place, timestamp, bytes(key), bytes(value), pairs]);
  });
}

async function recordsOf(topic: string): Promise<Read[]> {
  const info = await cluster.topic(topic);
  const partitions = info.partitions.map((one) => one.partition);
  const ends = await listOffsets(cluster, topic, { partitions, timestamp: SpecialTime.latest });
  const found: Read[] = [];
  for (const [partition, { offset: end }] of ends) {
    if (end === 0) continue;
    const reader = new LogReader(cluster, { topic, maxWaitMs: 5 });
    reader.set(partition, 0);
    for await (const { records, nextOffset } of reader.read()) {
      for (const record of records) found.push({ partition, ...record });
      if (nextOffset >= end) break;
    }
  }
  return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

async function plan(topic: string, from = 0, to: number | null = null) {
  const stretches = await planStretches(cluster, {
    topics: [topic],
    partitions: null,
    from: from === 0 ? { kind: 'earliest' } : { kind: 'offset', offset: from },
    to: to === null ? { kind: 'latest' } : { kind: 'offset', offset: to },
    group: null,
  });
  return planArchive(cluster, stretches, 'test');
}

const never = new AbortController().signal;
const run = { skipCut: false, signal: never };

async function exported(topic: string, level = 1): Promise<string> {
  const path = newPath();
  const sink = await newArchive(path, await plan(topic), level);
  expect(await exportTopics({ cluster, sink, ...run })).toMatchObject({ finished: true });
  await sink.close();
  return path;
}

const imported = (path: string, to: string, options: Partial<ImportOptions> = {}) =>
  importFile(path, to, { cluster, ...options });

async function failure(promise: Promise<unknown>): Promise<ArchiveError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ArchiveError) return error;
  throw new Error(`not an ArchiveError: ${String(error)}`);
}

describe('batches that are passed on whole, through memory that is used again', () => {
  const topic = 'large';
  let wanted: string[];

  beforeAll(async () => {
    await createTopics(cluster, [{ name: topic, partitions: 3, configs: FOREVER }]);
    const random = new SeededRandom(SEED + 3);
    const sender = await openBatchSender(cluster, { topic });
    for (let n = 0; n < LARGE_BATCHES; n++) {
      const records = Array.from({ length: 4 }, (_, at) => ({
        timestamp: 1_700_000_000_000 + n,
        key: Buffer.from(`${n}-${at}`),
        value: Buffer.alloc(10_000 + Math.floor(random.next() * 12_000), `${n} ${at} `),
      }));
      const codec = n % 10 === 0 ? 'lz4' : 'none';
      await sender.send(n % 3, buildBatch(records, { codec }), (error) => expect(error).toBe(null));
    }
    await sender.flush();
    wanted = lines(await recordsOf(topic));
  });

  test.each([0, 1])('out and in again (level %i)', async (level) => {
    const path = await exported(topic, level);
    expect((await verifyArchive(path)).finished).toBe(true);
    const to = `large-${level}`;
    expect(await imported(path, to)).toMatchObject({ finished: true, records: 4 * LARGE_BATCHES });
    expect(lines(await recordsOf(to))).toEqual(wanted);
  });

  test('as a copy', async () => {
    await createTopics(cluster, [{ name: 'copy', partitions: 3, configs: FOREVER }]);
    const source = {
      topics: [topic],
      partitions: null,
      from: { kind: 'earliest' },
      to: { kind: 'latest' },
      group: null,
    } as const;
    const job = newJob({
      id: 'copy',
      nowMs: 1,
      source,
      target: { kind: 'topic', topic: 'copy' },
      asIs: true,
      stretches: await planStretches(cluster, source),
    });
    const sink = await openBatchSink(cluster, { topic: 'copy', writer: null, resumeFrom: {} });
    const how = { cluster, clock: cluster.clock, store: null, sink, module: null, ...run };
    const done = await runReplay(job, how);
    expect(done).toMatchObject({
      state: 'done',
      counts: { read: 4 * LARGE_BATCHES, written: 4 * LARGE_BATCHES },
    });
    expect(lines(await recordsOf('copy'))).toEqual(wanted);
  });
});

describe('archives', () => {
  test.each([0, 1])('a topic comes back as it was, offsets and all (level %i)', async (level) => {
    const path = await exported('orders', level);
    const report = await verifyArchive(path);
    const wanted = await recordsOf('orders');
    expect(report.finished).toBe(true);
    expect(report.partitions.map((one) => one.records).reduce((a, b) => a + b)).toBe(wanted.length);
    const to = `restored-${level}`;
    const result = await imported(path, to);
    expect(result).toMatchObject({ finished: true, records: wanted.length, fillers: 77 });
    expect(lines(await recordsOf(to))).toEqual(lines(wanted));
    const starts = await listOffsets(cluster, to, {
      partitions: [1],
      timestamp: SpecialTime.earliest,
    });
    expect(starts.get(1)?.offset).toBe(77);
  });

  test.each(['ndjson', 'csv'] as const)('as %s and back', async (format) => {
    const path = newPath(format);
    const sink = await newText(path, format, await plan('orders'));
    await exportTopics({ cluster, sink, ...run });
    await sink.close();
    const wanted = await recordsOf('orders');
    await imported(path, `from-${format}`, { partitions: 3 });
    expect(lines(await recordsOf(`from-${format}`))).toEqual(lines(wanted));
  });

  test('a range is cut inside batches', async () => {
    const path = newPath();
    const sink = await newArchive(path, await plan('orders', 101, 333), 0);
    await exportTopics({ cluster, sink, ...run });
    await sink.close();
    const { partitions } = await verifyArchive(path);
    for (const one of partitions)
      expect(one).toMatchObject({ firstOffset: 101, lastOffset: 332, missing: 0 });
    await imported(path, 'part');
    const wanted = (await recordsOf('orders')).filter(
      (one) => one.offset > 100 && one.offset < 333,
    );
    expect(lines(await recordsOf('part'))).toEqual(lines(wanted));
  });

  test('an export that stopped anywhere goes on to the same archive', async () => {
    const random = new SeededRandom(SEED + 1);
    const whole = await exported('orders', 0);
    const size = statSync(whole).size;
    for (let round = 0; round < 12; round++) {
      const path = newPath();
      // As a crash leaves it: cut anywhere, or with bytes that never reached the disk.
      writeFileSync(path, readFileSync(whole));
      truncateSync(path, Math.max(2000, Math.floor(random.next() * (size - 40))));
      if (round % 3 === 0) appendFileSync(path, Buffer.alloc(500));
      expect((await verifyArchive(path).catch(() => null))?.finished ?? false).toBe(false);
      const sink = await resumeArchive(path, 0);
      await exportTopics({ cluster, sink, ...run });
      await sink.close();
      const { finished, partitions } = await verifyArchive(path);
      expect({ finished, partitions }).toEqual({
        finished: true,
        partitions: (await verifyArchive(whole)).partitions,
      });
    }
    expect((await failure(resumeArchive(whole, 0))).message).toContain('nothing to resume');
  });

  test('text that stopped goes on from what was safe', async () => {
    const path = newPath('csv');
    const first = await newText(path, 'csv', await plan('orders'));
    await first.close();
    appendFileSync(path, 'orders,0,0,17000000');
    const sink = await resumeText(path);
    await exportTopics({ cluster, sink, ...run });
    await sink.close();
    await imported(path, 'resumed-text', { partitions: 3 });
    expect(lines(await recordsOf('resumed-text'))).toEqual(lines(await recordsOf('orders')));
    expect((await failure(resumeText(path))).message).toContain('the export is whole');
  });

  test.each(['keep', 'new', 'header'] as const)(
    'an import that stopped anywhere goes on (offsets: %s)',
    async (offsets) => {
      const path = await exported('orders', 0);
      const wanted = await recordsOf('orders');
      for (const [round, share] of [0.2, 0.8].entries()) {
        const topic = `again-${offsets}-${round}`;
        const stop = new AbortController();
        const onProgress = (done: number, total: number): void => {
          if (done / total > share) stop.abort();
        };
        const first = await imported(path, topic, { offsets, signal: stop.signal, onProgress });
        expect(first.finished).toBe(false);
        const rest = await imported(path, topic, { offsets, resume: true });
        expect(first.records + rest.records).toBe(wanted.length);
        const copies = await recordsOf(topic);
        const kept = offsets === 'keep';
        expect(lines(copies, kept)).toEqual(lines(wanted, kept));
      }
    },
  );

  test('gaps are refused before anything is written, unless they may be filled', async () => {
    await broker.createTopics({ gaps: 1 });
    const sender = await openBatchSender(cluster, { topic: 'orders' });
    await sender.flush();
    const record = (offset: number) => ({
      key: Buffer.from('k'),
      value: Buffer.from(`${offset}`),
      timestamp: 5,
      offset,
    });
    // A log with gaps cannot be produced; an archive of one can.
    const path = newPath();
    const head = await plan('gaps');
    const stretches = [{ topic: 'gaps', partition: 0, from: 3, to: 40 }];
    const sink = await newArchive(path, { ...head, stretches }, 0);
    const batch = buildBatch([record(3), record(4), record(9)], { baseOffset: 3 });
    const more = buildBatch([record(30), record(31)], { baseOffset: 30 });
    const batches = [batch, more].map((bytes) => {
      const header = new BatchHeader(bytes);
      const { nextOffset } = header;
      return { bytes, context: recordsContext(header), leaderEpoch: -1, nextOffset };
    });
    await sink.take({ topic: 'gaps', partition: 0, nextOffset: 40, records: [], batches }, 40);
    await sink.finish(0);
    await sink.close();
    const refused = await failure(imported(path, 'gaps'));
    expect(refused.message).toMatch(/32 offsets of gaps\/0 have no record.*--fill-gaps/);
    expect(await recordsOf('gaps')).toEqual([]);
    expect(await imported(path, 'gaps', { fillGaps: true })).toMatchObject({
      records: 5,
      fillers: 35,
    });
    // What groups have committed may lie behind the last record.
    const latest = SpecialTime.latest;
    const ends = await listOffsets(cluster, 'gaps', { partitions: [0], timestamp: latest });
    expect(ends.get(0)?.offset).toBe(40);
    const copies = (await recordsOf('gaps')).filter((one) => one.value !== null);
    expect(copies.map((one) => [one.offset, one.value?.toString()])).toEqual(
      [3, 4, 9, 30, 31].map((offset) => [offset, `${offset}`]),
    );
  });

  test('a partition that holds nothing any more keeps its end', async () => {
    await broker.produce('gone', [{ value: 'a' }, { value: 'b' }]);
    await deleteRecords(cluster, 'gone', new Map([[0, 2]]));
    await imported(await exported('gone'), 'gone-2');
    for (const timestamp of [SpecialTime.earliest, SpecialTime.latest]) {
      const found = await listOffsets(cluster, 'gone-2', { partitions: [0], timestamp });
      expect(found.get(0)?.offset).toBe(2);
    }
  });

  test('other records are never taken for an interrupted import', async () => {
    const path = await exported('orders');
    await broker.createTopics({ others: 3 });
    await broker.produce('others', [{ value: 'x', partition: 0 }]);
    const refused = await failure(imported(path, 'others'));
    expect(refused.message).toMatch(/others\/0 holds 1 offsets already.*--resume/);
    const wrong = await failure(imported(path, 'others', { resume: true }));
    expect(wrong.message).toMatch(/offset 0 of the topic is another than in/);
  });

  test.each([
    ['a changed byte', (bytes: Buffer) => void bytes.writeUInt8((bytes[9000] ?? 0) ^ 1, 9000)],
    ['a frame left out', (bytes: Buffer) => void bytes.copyWithin(2000, 6000)],
  ])('%s is found, with its place', async (_, damage) => {
    const path = await exported('orders', 0);
    const bytes = readFileSync(path);
    damage(bytes);
    writeFileSync(path, bytes);
    const damaged = await failure(verifyArchive(path));
    expect([damaged.code, damaged.message]).toEqual([
      'archive_damaged',
      expect.stringMatching(/at byte \d+/),
    ]);
    const topic = `damaged-${fileNumber}`;
    expect((await failure(imported(path, topic))).code).toBe('archive_damaged');
  });

  test.each([
    ['{"topic":"t","partition":0,"offset":0,"timestamp":1}\n{"topic":', /line 2: no JSON/],
    ['{"topic":"t","partition":0,"offset":-1,"timestamp":1}', /line 1: "offset" is not/],
    ['{"topic":"t","partition":7,"offset":0,"timestamp":1}', /line 1 is of partition 7/],
    ['{"topic":"t","partition":0,"offset":0,"timestamp":1,"value":5}', /"value" is neither/],
  ])('a line such as %j is named', async (text, words) => {
    const path = newPath('ndjson');
    writeFileSync(path, text);
    const refused = await failure(imported(path, `bad-${fileNumber}`, { partitions: 1 }));
    expect(refused.message).toMatch(words);
  });

  test('no byte of a stored archive can change unseen', async () => {
    const random = new SeededRandom(SEED + 2);
    const path = newPath();
    const sink = await newArchive(path, await plan('orders', 100, 160), 0);
    await exportTopics({ cluster, sink, ...run });
    await sink.close();
    const whole = readFileSync(path);
    // The trailer only helps to find the end.
    for (let round = 0; round < 400; round++) {
      const at = Math.floor(random.next() * (whole.length - 16));
      const bytes = Buffer.from(whole);
      bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << Math.floor(random.next() * 8)), at);
      writeFileSync(path, bytes);
      const code = await verifyArchive(path).then(
        () => 'nothing is seen',
        (error: ArchiveError) => error.code,
      );
      expect([at, code]).toEqual([at, expect.stringMatching(/^archive_damaged$|^not_an_archive$/)]);
    }
  });

  test('a mark that one flipped bit made look like the trailer does not end the archive', async () => {
    const path = await exported('orders', 0);
    const whole = readFileSync(path);
    const second = whole.indexOf(whole.subarray(0, 4), 4);
    expect(second).toBeGreaterThan(0);
    whole.writeUInt8((whole[second] ?? 0) ^ 1, second);
    writeFileSync(path, whole);
    expect((await failure(verifyArchive(path))).code).toBe('archive_damaged');
  });

  test('files that are no archives are named', async () => {
    const path = newPath();
    writeFileSync(path, 'hello, this is text and nothing else at all');
    expect((await failure(verifyArchive(path))).code).toBe('not_an_archive');
    expect((await failure(verifyArchive(join(directory, 'absent')))).code).toBe('archive_unusable');
    const csv = newPath('csv');
    writeFileSync(csv, 'topic,partition,offset,timestamp\r\nt,0,0,1\r\n"t,0');
    const open = await failure(imported(csv, 'bad-csv', { partitions: 1 }));
    expect(open.message).toContain('line 3: a quote is never closed');
  });
});
