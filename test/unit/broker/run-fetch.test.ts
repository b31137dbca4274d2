import { beforeEach, describe, expect, test } from 'vitest';
import { ErrorCode, KafkaError } from '../../../src/base/kafka-errors.ts';
import type { FileRegion } from '../../../src/base/payload.ts';
import { Deadlines } from '../../../src/broker/fetch/deadlines.ts';
import { FetchSet } from '../../../src/broker/fetch/fetch-set.ts';
import type { TargetReader } from '../../../src/broker/fetch/read-targets.ts';
import { runFetch } from '../../../src/broker/fetch/run-fetch.ts';
import { AnswerBudget, MemoryGate } from '../../../src/broker/memory-gate.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { type FakePartition, fakePartition, fakeTopic } from './support/fake-partition.ts';

/** Whether reads answer at once. */
let inMemory = false;

function partitions(count: number): FakePartition[] {
  const topic = fakeTopic('t', count);
  return Array.from({ length: count }, (_, index) =>
    Object.assign(fakePartition(topic, index), { inMemory }),
  );
}

function setOf(
  all: readonly FakePartition[],
  spec: Partial<{
    fetchOffset: number;
    maxBytes: number;
    currentLeaderEpoch: number;
    lastFetchedEpoch: number;
  }> = {},
): FetchSet {
  const set = new FetchSet(false);
  for (const { topic, index } of all) {
    set.put({
      topic: topic.name,
      topicId: '',
      index,
      fetchOffset: 0,
      maxBytes: 1000,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      ...spec,
    });
  }
  return set;
}

interface Options {
  readonly minBytes?: number;
  readonly maxWaitMs?: number;
  readonly maxBytes?: number;
  readonly onGone?: (callback: () => void) => () => void;
  readonly memory?: AnswerBudget;
}

function start(all: readonly FakePartition[], set: FetchSet, options: Options = {}) {
  const clock = new VirtualClock();
  const state: { reader: TargetReader | undefined } = { reader: undefined };
  const run = async (): Promise<TargetReader> =>
    runFetch({
      set,
      clock,
      deadlines: new Deadlines(clock),
      lookup: {
        partition: (topic, index) => (topic === 't' ? all[index] : undefined),
        topicName: () => undefined,
      },
      limits: {
        isolation: 'read_uncommitted',
        maxBytes: options.maxBytes ?? 10_000,
        progress: true,
        ...(options.memory === undefined ? {} : { memory: options.memory }),
      },
      minBytes: options.minBytes ?? 1,
      maxWaitMs: options.maxWaitMs ?? 500,
      fetcher: { onGone: options.onGone ?? (() => () => {}) },
    });
  const done = run().then((reader) => {
    state.reader = reader;
    return reader;
  });
  return { clock, state, done };
}

function lengths(reader: TargetReader): Record<number, number> {
  const all: Record<number, number> = {};
  for (const { partitionIndex, byteLength } of reader.results) all[partitionIndex] = byteLength;
  return all;
}

describe.each([false, true])('runFetch, in memory: %s', (answersAtOnce) => {
  beforeEach(() => {
    inMemory = answersAtOnce;
  });

  test('answers at once what is there', async () => {
    const all = partitions(2);
    all[0]!.commit(10, 20);
    const { done } = start(all, setOf(all));
    expect(lengths(await done)).toEqual({ 0: 30, 1: 0 });
  });

  test('waits until something is committed, and leaves no watcher behind', async () => {
    const all = partitions(3);
    const set = setOf(all);
    const { clock, state, done } = start(all, set);
    await clock.advance(100);
    expect(state.reader).toBeUndefined();
    all[1]!.commit(5);
    await clock.advance(1);
    expect(lengths(await done)).toEqual({ 0: 0, 1: 5, 2: 0 });
    set.dispose();
    expect(all.map(({ watchers }) => watchers.size)).toEqual([0, 0, 0]);
  });

  test('answers with nothing when the time is up', async () => {
    const all = partitions(1);
    const { clock, state, done } = start(all, setOf(all), { maxWaitMs: 500 });
    await clock.advance(499);
    expect(state.reader).toBeUndefined();
    await clock.advance(1);
    expect((await done).bytes).toBe(0);
  });

  test('does not wait when the request does not want to', async () => {
    const all = partitions(1);
    expect((await start(all, setOf(all), { maxWaitMs: 0 }).done).bytes).toBe(0);
  });

  test('gathers minBytes over partitions and commits, and counts nothing twice', async () => {
    const all = partitions(2);
    all[0]!.commit(40);
    const { clock, state, done } = start(all, setOf(all), { minBytes: 100 });
    await clock.advance(10);
    all[1]!.commit(30);
    await clock.advance(10);
    expect(state.reader).toBeUndefined();
    all[0]!.commit(30);
    await clock.advance(10);
    expect(lengths(await done)).toEqual({ 0: 70, 1: 30 });
    expect(state.reader?.bytes).toBe(100);
  });

  test('sees a commit that comes between reading and waiting', async () => {
    const all = partitions(1);
    const partition = all[0]!;
    partition.inMemory = false;
    partition.commit(1);
    const read = partition.read.bind(partition);
    // The record lands after the read has looked, and before anybody listens.
    partition.read = async (spec) => {
      const result = await read(spec);
      if (partition.sizes.length === 1) {
        partition.sizes.push(50);
        partition.highWatermark = 2;
      }
      return result;
    };
    const { clock, done } = start(all, setOf(all), { minBytes: 20 });
    await clock.advance(1);
    expect((await done).bytes).toBe(51);
  });

  test('sees a partition fail between reading and waiting', async () => {
    const all = partitions(2);
    const [quiet, slow] = all as [FakePartition, FakePartition];
    slow.inMemory = false;
    slow.commit(1);
    const read = slow.read.bind(slow);
    // By then the first one was found to have nothing, and nobody listens to it yet.
    slow.read = (spec) => {
      quiet.online = false;
      quiet.commit();
      return read(spec);
    };
    const { clock, state } = start(all, setOf(all), { minBytes: 20 });
    await clock.advance(1);
    const codes = state.reader?.results.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, 0]);
  });

  test('a first batch larger than every limit is given whole, and only that', async () => {
    const all = partitions(2);
    all[0]!.commit(5000);
    all[1]!.commit(5000);
    const { done } = start(all, setOf(all, { maxBytes: 10 }), { maxBytes: 100 });
    expect(lengths(await done)).toEqual({ 0: 5000, 1: 0 });
  });

  test('keeps to maxBytes over all partitions', async () => {
    const all = partitions(5);
    for (const partition of all) partition.commit(40);
    const { done } = start(all, setOf(all), { maxBytes: 100 });
    expect(lengths(await done)).toEqual({ 0: 40, 1: 40, 2: 0, 3: 0, 4: 0 });
  });

  test('an error of one partition is answered at once, beside what the others have', async () => {
    const all = partitions(3);
    all[0]!.commit(1);
    all[1]!.leaderEpoch = 3;
    const set = setOf(all, { currentLeaderEpoch: 0 });
    set.put({ ...[...set.targets.values()][2]!.spec, fetchOffset: 9 });
    const reader = await start(all, set, { minBytes: 1000 }).done;
    const codes = reader.results.map(({ errorCode }) => errorCode);
    // FENCED_LEADER_EPOCH, OFFSET_OUT_OF_RANGE
    expect(codes).toEqual([0, 74, 1]);
  });

  test('ends when the fetcher is gone', async () => {
    const all = partitions(1);
    let gone = () => {};
    const { clock, state, done } = start(all, setOf(all), {
      onGone: (callback) => {
        gone = callback;
        return () => {};
      },
    });
    await clock.advance(1);
    expect(state.reader).toBeUndefined();
    gone();
    expect((await done).bytes).toBe(0);
  });

  test('sets no timer when the fetcher is gone before it could wait', async () => {
    const all = partitions(1);
    all[0]!.inMemory = false;
    all[0]!.commit(1);
    const { clock, done } = start(all, setOf(all), {
      minBytes: 20,
      onGone: (callback) => {
        callback();
        return () => {};
      },
    });
    expect((await done).bytes).toBe(1);
    expect(clock.pending()).toBe(0);
    expect(all[0]!.watchers.size).toBe(0);
  });

  test('many commits of one turn make one round of reads', async () => {
    const all = partitions(100);
    const { clock, done } = start(all, setOf(all), { minBytes: 100 });
    await clock.advance(1);
    for (const partition of all) partition.commit(1);
    await clock.advance(1);
    expect((await done).bytes).toBe(100);
    expect(all.map(({ reads }) => reads.length)).toEqual(all.map(() => 1));
  });

  test('a commit wakes a fetch whose topic has changed while it waited', async () => {
    const all = partitions(2);
    const set = setOf(all);
    const { clock, state } = start(all, set, { maxWaitMs: 500 });
    await clock.advance(1);
    // Its partitions are looked up anew, as when some were added.
    set.topicChanged('t');
    await clock.advance(1);
    all[1]!.commit(5);
    await clock.advance(1);
    expect(state.reader && lengths(state.reader)).toEqual({ 0: 0, 1: 5 });
    set.dispose();
    expect(all.map(({ watchers }) => watchers.size)).toEqual([0, 0]);
  });

  test('a fetch that waits is told when a partition fails', async () => {
    const all = partitions(2);
    const set = setOf(all);
    const { clock, state } = start(all, set);
    await clock.advance(1);
    all[1]!.online = false;
    all[1]!.commit();
    await clock.advance(1);
    const codes = (state.reader?.results ?? []).map(({ errorCode }) => errorCode);
    expect(codes).toEqual([0, ErrorCode.KAFKA_STORAGE_ERROR]);
    set.dispose();
  });

  test('a set that waits on thousands of partitions looks only at those that change', async () => {
    const all = partitions(5000);
    const set = setOf(all);
    const first = start(all, set, { maxWaitMs: 10 });
    await first.clock.advance(20);
    await first.done;
    const second = start(all, set, { maxWaitMs: 10 });
    await second.clock.advance(20);
    await second.done;
    expect(set.ready.size).toBe(0);
    const third = start(all, set);
    await third.clock.advance(1);
    all[4321]!.commit(7);
    await third.clock.advance(1);
    const reader = await third.done;
    expect(lengths(reader)).toEqual({ 4321: 7 });
    set.dispose();
  });
});

describe('memory', () => {
  beforeEach(() => {
    inMemory = false;
  });

  test('fetches that read at the same time share it, and each gets its first batch', async () => {
    const gate = new MemoryGate(1_000_000);
    const all = partitions(1);
    all[0]!.commit(...Array<number>(10).fill(100_000));
    const fetches = Array.from({ length: 8 }, () => {
      const memory = new AnswerBudget(gate);
      const spec = { maxBytes: 1_000_000 };
      return { memory, run: start(all, setOf(all, spec), { maxBytes: 1_000_000, memory }) };
    });
    const readers = await Promise.all(fetches.map(({ run }) => run.done));
    expect(readers.map((reader) => reader.bytes / 100_000)).toEqual([5, 2, 1, 1, 1, 1, 1, 1]);
    expect(gate.usedBytes).toBe(1_300_000);
    for (const { memory } of fetches) memory.end();
    expect(gate.usedBytes).toBe(0);
  });

  test('what is read again while waiting is not counted twice', async () => {
    const gate = new MemoryGate(1_000_000);
    const memory = new AnswerBudget(gate);
    const all = partitions(1);
    const spec = { maxBytes: 100_000 };
    const options = { minBytes: 300, maxBytes: 100_000, memory };
    const { clock, done } = start(all, setOf(all, spec), options);
    for (let commit = 0; commit < 3; commit++) {
      await clock.advance(1);
      all[0]!.commit(100);
    }
    await clock.advance(1);
    expect((await done).bytes).toBe(300);
    expect(gate.usedBytes).toBe(300);
  });

  test('a read that fails gives back what it took', async () => {
    const gate = new MemoryGate(1_000_000);
    const all = partitions(1);
    all[0]!.commit(100);
    all[0]!.read = () => Promise.reject(new Error('the disk refuses'));
    const { done } = start(all, setOf(all), { memory: new AnswerBudget(gate) });
    expect((await done).results[0]?.errorCode).not.toBe(0);
    expect(gate.usedBytes).toBe(0);
  });

  test('a partition that cannot tell where an epoch ends keeps no other from being read', async () => {
    const all = partitions(2);
    for (const partition of all) partition.commit(100);
    // As while it is opened anew.
    all[1]!.endOffsetForEpoch = () => {
      throw new KafkaError('KAFKA_STORAGE_ERROR', 't-1 is offline');
    };
    const { done } = start(all, setOf(all, { lastFetchedEpoch: 0 }));
    const { results } = await done;
    expect(results.map(({ errorCode, byteLength }) => [errorCode, byteLength])).toEqual([
      [0, 100],
      [ErrorCode.KAFKA_STORAGE_ERROR, 0],
    ]);
  });

  test('what was read is let go when the fetch fails', async () => {
    const gate = new MemoryGate(1_000_000);
    const all = partitions(2);
    let released = 0;
    for (const partition of all) partition.commit(100);
    const { read } = all[0]!;
    all[0]!.read = async (spec) => {
      const whole = await read(spec);
      const region = { byteLength: 100, release: () => (released += 1) };
      return { ...whole, records: region as unknown as FileRegion };
    };
    Object.defineProperty(all[1]!, 'endOffset', {
      get: () => {
        throw new Error('a fault of ours');
      },
    });
    const { done } = start(all, setOf(all), { memory: new AnswerBudget(gate) });
    await expect(done).rejects.toThrow('a fault of ours');
    expect(released).toBe(1);
    expect(gate.usedBytes).toBe(0);
  });
});
