// Transactions in a log that Apache Kafka wrote: who reads committed records sees none of what was rolled back there,
// nor of what nobody can commit any more.

import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/ports.ts';
import { SeededRandom } from '../../../src/base/seeded-random.ts';
import { decodeFetched } from '../../../src/client/fetched-records.ts';
import { type Engine, openEngine, type Partition } from '../../../src/engine/index.ts';
import { buildBatch, buildEndTransactionBatch } from '../../../src/record/index.ts';
import {
  type AbortedTransaction,
  type DiskFile,
  encodeTransactionIndex,
  InPlaceCompactionRunner,
  type LogStore,
  MemoryDisk,
  openLogStore,
  writeTopicId,
} from '../../../src/storage/index.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { capturedLog } from '../../support/captured-log.ts';
import { eventually } from '../../support/eventually.ts';
import { writeFile } from '../inspect/directory.ts';
import { copyDisk } from './support/faulty-disk.ts';
import { transactionState } from './support/transaction-state.ts';

const sequences = new Map<number, number>();

/** One record with this value, of a transaction unless the producer is null. */
function record(offset: number, value: string, producerId: number | null): Buffer {
  const records = [{ timestamp: 1, key: Buffer.from('k'), value: Buffer.from(value) }];
  const place = { baseOffset: offset, partitionLeaderEpoch: 0 };
  if (producerId === null) return buildBatch(records, place);
  const baseSequence = sequences.get(producerId) ?? 0;
  sequences.set(producerId, baseSequence + 1);
  const producer = { producerId, producerEpoch: 0, baseSequence };
  return buildBatch(records, { ...place, producer, transactional: true });
}

function end(offset: number, type: 'commit' | 'abort', producerId: number): Buffer {
  const marker = { type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1 };
  return buildEndTransactionBatch({ ...marker, baseOffset: offset, partitionLeaderEpoch: 0 });
}

const stem = (base: number) => `t-0/${String(base).padStart(20, '0')}`;

/** What Kafka leaves: two segments, in each an aborted transaction; one is open at the end. */
async function kafkas(disk = new MemoryDisk()): Promise<MemoryDisk> {
  sequences.clear();
  await disk.makeDirectory('t-0');
  await writeTopicId(disk, 't-0', 'T'.repeat(21).concat('A'));
  const first = [
    record(0, 'plain', null),
    record(1, 'aborted', 7),
    record(2, 'committed', 8),
    end(3, 'abort', 7),
    record(4, 'open', 9),
    end(5, 'commit', 8),
  ];
  const second = [
    record(6, 'aborted later', 7),
    end(7, 'abort', 7),
    record(8, 'open still', 9),
    record(9, 'committed later', 7),
    end(10, 'commit', 7),
  ];
  const aborted = { version: 0, producerId: 7 };
  const one = { ...aborted, firstOffset: 1, lastOffset: 3, lastStableOffset: 2 };
  const two = { ...aborted, firstOffset: 6, lastOffset: 7, lastStableOffset: 4 };
  await writeFile(disk, `${stem(0)}.log`, Buffer.concat(first));
  await writeFile(disk, `${stem(0)}.txnindex`, encodeTransactionIndex([one]));
  await writeFile(disk, `${stem(6)}.log`, Buffer.concat(second));
  await writeFile(disk, `${stem(6)}.txnindex`, encodeTransactionIndex([two]));
  return disk;
}

async function open(disk: MemoryDisk): Promise<Engine> {
  return (await openAll(disk)).engine;
}

async function openAll(disk: MemoryDisk, logger = silentLogger) {
  const clock = new VirtualClock();
  let store: LogStore | null = null;
  const engine = await openEngine({
    ...{ disk, root: 'test', clock, random: new SeededRandom(1), logger },
    adopt: true,
    compactionRunner: new InPlaceCompactionRunner(disk, clock),
    openStore: async (options) => {
      store = await openLogStore(options);
      return store;
    },
  });
  const compact = () => (store as LogStore | null)?.compaction?.run();
  return { engine, clock, compact };
}

const partitionOf = (engine: Engine): Partition => {
  const partition = engine.partition('t', 0);
  if (partition === undefined) throw new Error('the topic was not taken over');
  return partition;
};

const committed = {
  maxBytes: 1024 * 1024,
  minOneBatch: true,
  isolation: 'read_committed',
  currentLeaderEpoch: -1,
} as const;

/** Values that a reader of committed records sees. */
async function seen(engine: Engine): Promise<(string | undefined)[]> {
  const partition = partitionOf(engine);
  const values: (string | undefined)[] = [];
  let offset = partition.startOffset;
  while (offset < partition.highWatermark) {
    const { records, ...found } = await partition.read({ ...committed, offset });
    const parts = Array.isArray(records) ? records : [records];
    const place = { topic: 't', partitionIndex: 0, fetchOffset: offset };
    const answer = { ...place, ...found, records: Buffer.concat(parts as Buffer[]) };
    const how = { isolation: committed.isolation, checkCrcs: true, lease: null };
    const decoded = decodeFetched(answer, how);
    for (const { value } of decoded.records) values.push(value?.toString());
    offset = decoded.nextOffset;
  }
  return values;
}

const visible = ['plain', 'committed', 'committed later'];

/** Stores a record, if nothing else is said with the key that all have. */
async function append(engine: Engine, value: string | null = 'ours', key = 'k'): Promise<void> {
  const bytes = value === null ? null : Buffer.from(value);
  const records = [{ timestamp: 1, key: Buffer.from(key), value: bytes }];
  const request = { records: buildBatch(records), acks: -1, origin: 'client' } as const;
  await partitionOf(engine).append(request);
}

test('what Kafka rolled back, or left open, is not committed', async () => {
  const engine = await open(await kafkas());
  expect(await seen(engine)).toEqual(visible);
  await append(engine);
  expect(await seen(engine)).toEqual([...visible, 'ours']);
  await engine.close();
});

test('which ones were left open is told', async () => {
  const log = capturedLog();
  const { engine } = await openAll(await kafkas(), log.logger);
  expect(log.lines).toContainEqual({
    level: 'info',
    message: 'transactions that Kafka had not ended count as aborted',
    fields: { partition: 't-0', count: 1, transactions: [{ producerId: 9, firstOffset: 4 }] },
  });
  await engine.close();
});

test('that holds after stops of any kind', async () => {
  const disk = await kafkas();
  const first = await open(disk);
  await append(first);
  const killed = await open(await copyDisk(disk));
  expect(await seen(killed)).toEqual([...visible, 'ours']);
  await killed.close();
  await first.close();
  const again = await open(disk);
  expect(await seen(again)).toEqual([...visible, 'ours']);
  await again.close();
});

describe('a transaction that Kafka had decided to commit, and not ended here, is committed', () => {
  const own = { producerId: 9, partitions: { t: [0] } };
  const openToo = ['plain', 'committed', 'open', 'open still', 'committed later'];

  test.each([0, 1])('as version %i of its records says', async (version) => {
    const disk = await kafkas();
    await transactionState(disk, [{ ...own, id: 'a', state: 'PrepareCommit' }], version);
    const first = await open(disk);
    expect(await seen(first)).toEqual(openToo);
    await append(first);
    await first.close();
    const again = await open(disk);
    expect(await seen(again)).toEqual([...openToo, 'ours']);
    await again.close();
  });

  test('with the epoch that a later Kafka has raised, but not with one that was replaced', async () => {
    const disk = await kafkas();
    await transactionState(disk, [{ ...own, id: 'a', state: 'PrepareCommit', epoch: 1 }]);
    const engine = await open(disk);
    expect(await seen(engine)).toEqual(openToo);
    await engine.close();
    const other = await kafkas();
    await transactionState(other, [{ ...own, id: 'a', state: 'PrepareCommit', epoch: -1 }]);
    const late = await open(other);
    expect(await seen(late)).toEqual(visible);
    await late.close();
  });

  test.each([
    ['it takes part with another partition', { partitions: { t: [1], u: [0] } }],
    ['the decision was another', { state: 'PrepareAbort' }],
    ['there was no decision', { state: 'Ongoing' }],
    ['it is another producer', { producerId: 10 }],
  ] as const)('but not where %s', async (_name, change) => {
    const disk = await kafkas();
    const record = { ...own, id: 'a', state: 'PrepareCommit', ...change } as const;
    await transactionState(disk, [record]);
    const engine = await open(disk);
    expect(await seen(engine)).toEqual(visible);
    await engine.close();
  });

  test('as the last record of a transactional id says', async () => {
    const disk = await kafkas();
    await transactionState(disk, [
      { ...own, id: 'a', state: 'PrepareCommit' },
      { ...own, id: 'b', state: 'Empty', producerId: 8 },
      { ...own, id: 'a', state: 'Ongoing' },
    ]);
    const engine = await open(disk);
    expect(await seen(engine)).toEqual(visible);
    await engine.close();
  });

  test('and nobody reads it while the log of decisions cannot be read', async () => {
    const made = await kafkas();
    await transactionState(made, [{ ...own, id: 'a', state: 'PrepareCommit' }]);
    const disk = await copyDisk(made);
    disk.refuse = (operation, path) => operation === 'read' && /^__transaction_.*log$/.test(path);
    const engine = await open(disk);
    expect(partitionOf(engine).online).toBe(false);
    disk.refuse = () => false;
    await engine.partition('__transaction_state', 0)?.reopen();
    await partitionOf(engine).reopen();
    expect(await seen(engine)).toEqual(openToo);
    await engine.close();
  });
});

const compacts = [
  { name: 'cleanup.policy', operation: 'set', value: 'compact' },
  { name: 'min.cleanable.dirty.ratio', operation: 'set', value: '0' },
  { name: 'segment.ms', operation: 'set', value: '60000' },
  { name: 'delete.retention.ms', operation: 'set', value: '60000' },
] as const;
/** The last segment is finished, and what says that a key is deleted may go. The cleaner comes a few times meanwhile. */
const oldEnoughMs = 120_000;

test('and when the log is compacted', async () => {
  const disk = await kafkas();
  const { engine, clock, compact } = await openAll(disk);
  await engine.alterTopicConfigs('t', compacts, false);
  await append(engine);
  await clock.advance(oldEnoughMs);
  await compact();
  expect(await disk.list('t-0')).not.toContain(`${String(6).padStart(20, '0')}.log`);
  const left = ['committed', 'committed later', 'ours'];
  expect(await seen(engine)).toEqual(left);
  await engine.close();
  const again = await open(disk);
  expect(await seen(again)).toEqual(left);
  await again.close();
});

test('and when an index of what was rolled back cannot be read while the log is compacted', async () => {
  const disk = await copyDisk(await kafkas());
  const { engine, clock, compact } = await openAll(disk);
  await engine.alterTopicConfigs('t', compacts, false);
  await append(engine);
  disk.refuse = (operation, path) => operation === 'open' && path.endsWith('.txnindex');
  await clock.advance(oldEnoughMs);
  await compact();
  disk.refuse = () => false;
  expect(await seen(engine)).toEqual([...visible, 'ours']);
  await compact();
  await engine.close();
  const again = await open(disk);
  expect(await seen(again)).toEqual(['committed', 'committed later', 'ours']);
  await again.close();
});

test('a key that was deleted since stays deleted, though compaction leaves transactions alone', async () => {
  const { engine, clock, compact } = await openAll(await kafkas());
  await engine.alterTopicConfigs('t', compacts, false);
  await append(engine, null);
  for (const key of ['first', 'second', 'third']) {
    await append(engine, key, key);
    await clock.advance(oldEnoughMs);
    await compact();
  }
  const values = await seen(engine);
  expect(values.slice(values.indexOf('committed later') + 1)).toEqual([
    undefined,
    ...['first', 'second', 'third'],
  ]);
  await engine.close();
});

/** A disk whose reads a test holds up. */
class GatedDisk extends MemoryDisk {
  gate: Promise<void> = Promise.resolve();
  waiting = 0;

  override async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    return {
      ...{ path, descriptor: null },
      read: async (into, position) => {
        this.waiting++;
        await this.gate;
        this.waiting--;
        return await file.read(into, position);
      },
      write: (parts, position) => file.write(parts, position),
      datasync: () => file.datasync(),
      truncate: (bytes) => file.truncate(bytes),
      size: () => file.size(),
      close: () => file.close(),
    };
  }
}

test('and when the start of the log rises past a reader who waits for the disk', async () => {
  const disk = new GatedDisk();
  const engine = await open(await kafkas(disk));
  const partition = partitionOf(engine);
  let openGate = (): void => {};
  disk.gate = new Promise((resolve) => {
    openGate = resolve;
  });
  const reading = partition.read({ ...committed, offset: 0 });
  await eventually(() => expect(disk.waiting).toBeGreaterThan(0));
  await partition.deleteRecords(4);
  openGate();
  const { abortedTransactions } = await reading;
  expect(abortedTransactions).toMatchObject([
    { producerId: 7, firstOffset: 1 },
    { producerId: 9, firstOffset: 4 },
  ]);
  await engine.close();
});

test('a reader is told only of what is near his answer in a large segment', async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory('t-0');
  await writeTopicId(disk, 't-0', 'T'.repeat(21).concat('A'));
  const batches: Buffer[] = [];
  const aborted: AbortedTransaction[] = [];
  sequences.clear();
  for (let at = 0; at < 100; at += 2) {
    batches.push(record(at, 'x'.repeat(3000), 7), end(at + 1, 'abort', 7));
    const offsets = { firstOffset: at, lastOffset: at + 1, lastStableOffset: at + 2 };
    aborted.push({ version: 0, producerId: 7, ...offsets });
  }
  await writeFile(disk, `${stem(0)}.log`, Buffer.concat(batches));
  await writeFile(disk, `${stem(0)}.txnindex`, encodeTransactionIndex(aborted));
  const engine = await open(disk);
  for (let round = 0; round < 2; round++) {
    const found = await partitionOf(engine).read({ ...committed, offset: 20, maxBytes: 10_000 });
    const told = found.abortedTransactions?.map(({ firstOffset }) => firstOffset) ?? [];
    const place = { topic: 't', partitionIndex: 0, fetchOffset: 20 };
    const answer = { ...place, ...found, records: found.records as Buffer };
    const how = { isolation: committed.isolation, checkCrcs: true, lease: null };
    const { nextOffset, records } = decodeFetched(answer, how);
    expect(records).toEqual([]);
    expect(told.at(-1)).toBeGreaterThanOrEqual(nextOffset - 2);
    expect(told.length).toBeLessThan(8);
  }
  await engine.close();
});

test('a reader is told of what concerns his answer, as it begins', async () => {
  const engine = await open(await kafkas());
  const partition = partitionOf(engine);
  const told = async (offset: number) => {
    const { abortedTransactions } = await partition.read({ ...committed, offset });
    return abortedTransactions?.map(({ producerId, firstOffset }) => [producerId, firstOffset]);
  };
  expect(await told(0)).toEqual([
    [7, 1],
    [9, 4],
  ]);
  expect(await told(4)).toEqual([[9, 4]]);
  expect(await told(6)).toEqual([
    [9, 4],
    [7, 6],
  ]);
  expect(await told(9)).toEqual([]);
  const all = await partition.read({ ...committed, offset: 0, isolation: 'read_uncommitted' });
  expect(all.abortedTransactions).toBeNull();
  await partition.deleteRecords(6);
  expect(await told(6)).toEqual([
    [9, 4],
    [7, 6],
  ]);
  await append(engine);
  expect(await told(11)).toEqual([]);
  await engine.close();
});
