// Logs with any mixture of transactions, as Apache Kafka leaves them with their .txnindex, taken over: read from any
// offset in pieces of any size, they show what was committed, or was to be when Kafka stopped, and nothing else.

import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/ports.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { decodeFetched } from '../../src/client/fetched-records.ts';
import { type Engine, openEngine, type Partition } from '../../src/engine/index.ts';
import { buildBatch, buildEndTransactionBatch } from '../../src/record/index.ts';
import {
  type AbortedTransaction,
  type Disk,
  encodeTransactionIndex,
  writeTopicId,
} from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { amount } from '../support/amount.ts';
import { fc } from '../support/fast-check.ts';
import { copyDisk, FaultyDisk } from '../unit/engine/support/faulty-disk.ts';
import { transactionState } from '../unit/engine/support/transaction-state.ts';
import { writeFile } from '../unit/inspect/directory.ts';

const step = fc.oneof(
  fc.constant({ kind: 'plain' as const }),
  fc.constant({ kind: 'roll' as const }),
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom<'record' | 'commit' | 'abort'>('record', 'record', 'commit', 'abort'),
      producerId: fc.integer({ min: 1, max: 3 }),
    }),
  },
);
type Step = ReturnType<typeof step.generate>['value'];

interface Segment {
  readonly base: number;
  readonly batches: Buffer[];
  readonly aborted: AbortedTransaction[];
}

/** What Kafka writes for the steps, and which offsets a reader of committed records is to see. */
class History {
  readonly segments: Segment[] = [{ base: 0, batches: [], aborted: [] }];
  /** Offsets of committed records, as their values tell. */
  readonly visible: number[] = [];
  end = 0;
  readonly prepared: readonly number[];
  readonly #open = new Map<number, number[]>();
  readonly #sequences = new Map<number, number>();

  /** `prepared`: producers whose open transactions Kafka had decided to commit. */
  constructor(steps: readonly Step[], prepared: readonly number[]) {
    this.prepared = prepared;
    for (const each of steps) {
      if (each.kind === 'roll') this.#roll();
      else if (each.kind === 'plain') this.#append(this.#record(null), () => this.#see([this.end]));
      else if (each.kind === 'record') this.#transact(each.producerId);
      else this.#finish(each.producerId, each.kind);
    }
    for (const producerId of prepared) this.#see(this.#open.get(producerId) ?? []);
    this.visible.sort((a, b) => a - b);
  }

  get #last(): Segment {
    return this.segments.at(-1) as Segment;
  }

  #roll(): void {
    if (this.#last.batches.length === 0) return;
    this.segments.push({ base: this.end, batches: [], aborted: [] });
  }

  #see(offsets: readonly number[]): void {
    this.visible.push(...offsets);
  }

  #append(batch: Buffer, before: () => void): void {
    before();
    this.#last.batches.push(batch);
    this.end += 1;
  }

  #transact(producerId: number): void {
    this.#append(this.#record(producerId), () => {
      const offsets = this.#open.get(producerId) ?? [];
      this.#open.set(producerId, [...offsets, this.end]);
    });
  }

  #finish(producerId: number, type: 'commit' | 'abort'): void {
    const offsets = this.#open.get(producerId);
    if (offsets === undefined) return;
    this.#open.delete(producerId);
    const marker = { type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1 };
    const place = { baseOffset: this.end, partitionLeaderEpoch: 0 };
    this.#append(buildEndTransactionBatch({ ...marker, ...place }), () => {
      if (type === 'commit') return this.#see(offsets);
      const firsts = Array.from(this.#open.values(), ([first]) => first as number);
      const lastStableOffset = Math.min(this.end + 1, ...firsts);
      const [firstOffset] = offsets as [number];
      const entry = { version: 0, producerId, firstOffset, lastOffset: this.end };
      this.#last.aborted.push({ ...entry, lastStableOffset });
    });
  }

  #record(producerId: number | null): Buffer {
    const records = [{ timestamp: 1, key: null, value: Buffer.from(String(this.end)) }];
    const place = { baseOffset: this.end, partitionLeaderEpoch: 0 };
    if (producerId === null) return buildBatch(records, place);
    const baseSequence = this.#sequences.get(producerId) ?? 0;
    this.#sequences.set(producerId, baseSequence + 1);
    const producer = { producerId, producerEpoch: 0, baseSequence };
    return buildBatch(records, { ...place, producer, transactional: true });
  }
}

async function written({ segments, prepared }: History): Promise<FaultyDisk> {
  const disk = new FaultyDisk();
  await disk.makeDirectory('t-0');
  await writeTopicId(disk, 't-0', 'T'.repeat(21).concat('A'));
  for (const { base, batches, aborted } of segments) {
    const stem = `t-0/${String(base).padStart(20, '0')}`;
    await writeFile(disk, `${stem}.log`, Buffer.concat(batches));
    if (aborted.length === 0) continue;
    await writeFile(disk, `${stem}.txnindex`, encodeTransactionIndex(aborted));
  }
  const decisions = prepared.map((producerId) => ({ id: `of ${producerId}`, producerId }));
  const partitions = { t: [0] };
  await transactionState(
    disk,
    decisions.map((one) => ({ ...one, state: 'PrepareCommit' as const, partitions })),
  );
  return disk;
}

function open(disk: Disk): Promise<Engine> {
  const ports = { clock: new VirtualClock(), random: new SeededRandom(1), logger: silentLogger };
  return openEngine({ disk, root: 'data', ...ports, adopt: true });
}

async function seen(partition: Partition, from: number, maxBytes: number): Promise<number[]> {
  const offsets: number[] = [];
  const isolation = 'read_committed';
  for (let offset = from; offset < partition.highWatermark; ) {
    const how = { maxBytes, minOneBatch: true, isolation, currentLeaderEpoch: -1 } as const;
    const { records, ...found } = await partition.read({ ...how, offset });
    const loaded = 'load' in records ? await records.load() : records;
    const bytes = Buffer.isBuffer(loaded) ? loaded : Buffer.concat(loaded);
    const place = { topic: 't', partitionIndex: 0, fetchOffset: offset };
    const answer = { ...place, ...found, records: bytes };
    const decoded = decodeFetched(answer, { isolation, checkCrcs: true, lease: null });
    for (const { value } of decoded.records) offsets.push(Number(value));
    offset = decoded.nextOffset;
  }
  return offsets;
}

test('what was committed is read, from anywhere, after any stop', async () => {
  const stop = fc.constantFrom<'close' | 'crash'>('close', 'crash');
  const steps = fc.array(step, { minLength: 1, maxLength: 40, size: 'max' });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const size = fc.integer({ min: 1, max: 2000 });
  const some = fc.record({ steps, prepared: fc.subarray([1, 2, 3]) });
  await fc.assert(
    fc.asyncProperty(some, stop, share, share, size, async (story, how, at, cut, maxBytes) => {
      const history = new History(story.steps, story.prepared);
      if (history.end === 0) return;
      let disk = await written(history);
      let engine = await open(disk);
      const check = async (start: number): Promise<void> => {
        const partition = engine.partition('t', 0) as Partition;
        for (const from of [start, Math.max(start, Math.floor(at * history.end))]) {
          const expected = history.visible.filter((offset) => offset >= from);
          expect(await seen(partition, from, maxBytes)).toEqual(expected);
        }
      };
      await check(0);
      const records = buildBatch([
        { timestamp: 1, key: null, value: Buffer.from(`${history.end}`) },
      ]);
      await engine.partition('t', 0)?.append({ records, acks: -1, origin: 'client' });
      history.visible.push(history.end);
      await check(0);
      if (how === 'close') await engine.close();
      disk = await copyDisk(disk);
      engine = await open(disk);
      await check(0);
      const start = Math.floor(cut * history.end);
      await engine.partition('t', 0)?.deleteRecords(start);
      await check(start);
      await engine.close();
    }),
    { numRuns: amount(20, 300) },
  );
});
